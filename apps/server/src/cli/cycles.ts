import { basename, resolve } from "node:path";
import {
  attachmentEndings,
  attachmentTypeOf,
  type CycleArtifact,
  type CycleAttachment,
  type CycleDetail,
  cycleStages,
  cycleStates,
  type CycleVerdict,
} from "@ciclo/contract";
import { connect } from "./client.ts";
import { line } from "./cycle-line.ts";
import { permissionCommands } from "./cycle-permissions.ts";
import {
  type Command,
  command,
  type Io,
  option,
  repeated,
  required,
  UsageError,
  type Values,
} from "./command.ts";

export const replayNotice =
  "Replay: prepared replies stand in for the models; the agent, commits, gates and approvals are real";

function shown(cycle: CycleDetail): string[] {
  const { checkpoint, cost, part_costs: parts, artifacts, evidence } = cycle;
  const open = newest(artifacts, "analysis")?.content.quick_spec.open_questions ?? [];
  return [
    line(cycle),
    ...(cycle.replay ? [replayNotice] : []),
    `from ${cycle.base_branch ?? "?"} at ${cycle.base_commit ?? "?"}`,
    ...(cycle.head_commit === null ? [] : [`work at ${cycle.head_commit}`]),
    ...(cycle.reason === null ? [] : [cycle.reason]),
    `${cost.usd.toFixed(4)} USD, ${cost.calls} calls, ${cost.input_tokens} tokens in, ${cost.output_tokens} out${cost.unknown_calls > 0 ? `, ${cost.unknown_calls} of unknown cost` : ""}`,
    ...cost.phases.map((of) => `  ${of.phase}: ${of.usd.toFixed(4)} USD, ${of.calls} calls`),
    ...parts.map(
      ({ item, title, is_broken_off: isBroken, usd, calls, ms }) =>
        `  ${nameOf(item, title, isBroken)}: ${usd.toFixed(4)} USD, ${calls} calls, ${(ms / 1000).toFixed(1)} s`,
    ),
    ...cycle.permissions_asked.flatMap(({ id, title, details }) => [
      `the agent asks: ${title}`,
      ...(details === null ? [] : details.split("\n").map((one) => `  ${one}`)),
      `  ciclo cycle allow ${cycle.id} ${id}, or: ciclo cycle deny ${cycle.id} ${id}`,
    ]),
    ...open
      .filter(({ answer }) => answer === null)
      .map(({ id, question, why }) => `${id}  ${question} (${why})`),
    ...artifacts.map(({ kind, version, sha256 }) => `${kind} ${version}  ${sha256.slice(0, 12)}`),
    ...evidence.map(
      ({ name, sha256, bytes, removed_at: removed }) =>
        `${name}  ${sha256.slice(0, 12)}  ${removed === null ? `${bytes} bytes` : `deleted ${removed}`}`,
    ),
    ...(checkpoint === null
      ? []
      : [
          `checkpoint ${checkpoint.checkpoint}: ${checkpoint.given} of ${checkpoint.required} approvals`,
          `  ciclo cycle approve ${cycle.id} ${checkpoint.subject.slice(0, 12)}`,
        ]),
    ...cycle.timeline.map(({ at, type, actor, detail }) => `${at}  ${type}  ${actor}  ${detail}`),
  ];
}

function nameOf(item: string | null, title: string | null, isBroken: boolean): string {
  if (item !== null) return `${item} ${title ?? ""}`;
  return isBroken ? "tries that broke off" : "mending what the gates found";
}

type ArtifactOf<K extends CycleArtifact["kind"]> = Extract<CycleArtifact, { kind: K }>;
const newest = <K extends CycleArtifact["kind"]>(
  artifacts: readonly CycleArtifact[],
  kind: K,
): ArtifactOf<K> | undefined =>
  artifacts.findLast((artifact): artifact is ArtifactOf<K> => artifact.kind === kind);

export const getCycle = (id: string): Promise<CycleDetail> => connect().call("getCycle", { params: { id } });

/** What is decided on, by the beginning of its hash as `show` printed it: it is not what there is now where that has changed. */
async function subjectOf(id: string, said: string): Promise<string> {
  if (!/^[0-9a-f]{12,64}$/.test(said))
    throw new UsageError(`${said} is no subject: take it from ciclo cycle show ${id}`);
  const { checkpoint } = await getCycle(id);
  // Where it is another, the server says so.
  return checkpoint?.subject.startsWith(said) === true ? checkpoint.subject : said.padEnd(64, "0");
}

async function decide(
  [id = "", subject = ""]: readonly string[],
  values: Values,
  decision: CycleVerdict["decision"],
): Promise<CycleDetail> {
  const bound = await subjectOf(id, subject);
  const comment = option(values, "comment");
  const body =
    decision === "send_back"
      ? { decision, subject: bound, comment: required(values, "comment") }
      : { decision, subject: bound, ...(comment === undefined ? {} : { comment }) };
  return connect().call("decideCycle", { params: { id }, body });
}

const comment = { comment: { type: "string" as const } };
const reason = { reason: { type: "string" as const } };
const reasonIn = (values: Values): { reason?: string } => {
  const said = option(values, "reason");
  return said === undefined ? {} : { reason: said };
};

function oneOf<T extends string>(values: Values, name: string, known: readonly T[]): T | undefined {
  const said = option(values, name);
  if (said === undefined) return undefined;
  const found = known.find((one) => one === said);
  if (found === undefined) throw new UsageError(`--${name} takes one of ${known.join(", ")}, not ${said}`);
  return found;
}

/** A file as the API takes it, by its ending. */
async function attached(path: string, io: Io): Promise<CycleAttachment> {
  const type = attachmentTypeOf(path);
  if (type === null)
    throw new UsageError(`${path}: attach files that end in ${Object.keys(attachmentEndings).join(", ")}`);
  return { name: basename(path), media_type: type, base64: (await io.readBytes(path)).toString("base64") };
}

export const cycleCommands: Command[] = [
  command({
    name: "cycle start",
    usage:
      "ciclo cycle start --repo PATH|URL --issue TEXT|URL|--issue-file FILE [--attach FILE]… [--branch B] [--title T]",
    summary:
      "Start a delivery cycle: from an issue to a reviewed change of a repository that policies/cycles.yaml names. An address of an issue on GitHub or GitLab is read there. `--issue-file -` reads the issue from standard input. `--attach` takes text, Markdown, PDF, DOCX and pictures.",
    examples: [
      'ciclo cycle start --repo /srv/git/shop.git --issue "Sums are wrong: sum(2, 2) is 0"',
      "ciclo cycle start --repo https://github.com/acme/shop --issue https://github.com/acme/shop/issues/12",
      "ciclo cycle start --repo https://github.com/acme/shop --issue-file issue.md --branch main",
      "ciclo cycle start --repo /srv/git/shop.git --issue-file issue.md --attach brief.pdf --attach screen.png",
    ],
    options: {
      repo: { type: "string" },
      issue: { type: "string" },
      "issue-file": { type: "string" },
      branch: { type: "string" },
      title: { type: "string" },
      attach: { type: "string", multiple: true },
    },
    takes: { min: 0, max: 0 },
    async run({ values, io }) {
      const file = option(values, "issue-file");
      const said = option(values, "issue");
      if ((file === undefined) === (said === undefined))
        throw new UsageError("--issue or --issue-file is required, and one of them is enough");
      const issue = said ?? (file === "-" ? await io.readInput() : await io.readFile(file ?? ""));
      const [branch, title] = [option(values, "branch"), option(values, "title")];
      const repo = required(values, "repo");
      const attachments = await Promise.all(repeated(values, "attach").map((path) => attached(path, io)));
      return connect().call("startCycle", {
        body: {
          // As a person at this folder means it.
          repository: /^\.{1,2}(?:\/|$)/.test(repo) ? resolve(repo) : repo,
          issue,
          ...(branch === undefined ? {} : { base_branch: branch }),
          ...(title === undefined ? {} : { title }),
          ...(attachments.length === 0 ? {} : { attachments }),
        },
      });
    },
    show: (cycle) => [line(cycle), `ciclo cycle show ${cycle.id}`],
  }),
  command({
    name: "cycle list",
    usage: "ciclo cycle list [--state STATE]",
    summary: "Delivery cycles, the newest first.",
    examples: ["ciclo cycle list --state waiting"],
    options: { state: { type: "string" } },
    takes: { min: 0, max: 0 },
    run({ values }) {
      const state = oneOf(values, "state", cycleStates);
      return connect().call("listCycles", { query: state === undefined ? {} : { state } });
    },
    show: ({ items }) => (items.length === 0 ? ["No cycles"] : items.map(line)),
  }),
  command({
    name: "cycle show",
    usage: "ciclo cycle show ID [--artifact KIND]",
    summary:
      "Where a cycle stands: its artefacts, gates, cost and history, and what is decided next. `--artifact` prints one as Markdown: analysis, plan, execution, documentation or check.",
    examples: [
      "ciclo cycle show sums-are-wrong-k7f3m2",
      "ciclo cycle show sums-are-wrong-k7f3m2 --artifact check",
    ],
    options: { artifact: { type: "string" } },
    takes: { min: 1, max: 1 },
    async run({ positionals: [id = ""], values }) {
      const kind = option(values, "artifact");
      const cycle = await getCycle(id);
      if (kind === undefined) return { cycle, artifact: null };
      const artifact = cycle.artifacts.findLast((one) => one.kind === kind);
      if (artifact === undefined) throw new UsageError(`${id} has no artifact ${kind}`);
      return { cycle, artifact };
    },
    show: ({ cycle, artifact }) => (artifact === null ? shown(cycle) : artifact.markdown.split("\n")),
  }),
  command({
    name: "cycle log",
    usage: "ciclo cycle log ID NAME|SHA256 [--out FILE]",
    summary:
      "Print a log of a cycle, by its name or the beginning of its hash: what a gate or the agent printed. --out saves it, and pictures, videos and traces too.",
    examples: [
      "ciclo cycle log sums-are-wrong-k7f3m2 test-head.log",
      "ciclo cycle log sums-are-wrong-k7f3m2 2c26b46b68ff --out total.png",
    ],
    options: { out: { type: "string" } },
    takes: { min: 2, max: 2 },
    async run({ positionals: [id = "", named = ""], values, io }) {
      const file = option(values, "out");
      const { evidence } = await getCycle(id);
      const isHash = /^[0-9a-f]{4,64}$/.test(named);
      const found = evidence.findLast(
        ({ name, sha256 }) =>
          name === named || name.endsWith(`/${named}`) || (isHash && sha256.startsWith(named)),
      );
      if (found === undefined)
        throw new UsageError(`${id} has no log ${named}: ciclo cycle show ${id} lists them`);
      if (found.removed_at !== null)
        throw new UsageError(
          `${found.name} was deleted on ${found.removed_at}, as policies/retention.yaml says`,
        );
      if (file === undefined && !/^text\/|json$|asciicast$/.test(found.media_type))
        throw new UsageError(`${found.name} is no text (${found.media_type}): save it with --out FILE`);
      const content = await connect().call("getCycleEvidence", { params: { id, sha256: found.sha256 } });
      if (file === undefined) return content;
      const { base64, ...saved } = content;
      await io.writeFile(file, Buffer.from(base64, "base64"));
      return { ...saved, file, bytes: found.bytes };
    },
    show: (of) =>
      "base64" in of
        ? Buffer.from(of.base64, "base64").toString("utf8").split("\n")
        : [`${of.file}: ${of.bytes} bytes`],
  }),
  command({
    name: "cycle approve",
    usage: "ciclo cycle approve ID SUBJECT [--comment TEXT]",
    summary:
      "Approve what a cycle waits with at a checkpoint. SUBJECT is its hash, or the beginning of it, as `ciclo cycle show` prints it: you approve that and nothing that came since.",
    examples: ["ciclo cycle approve sums-are-wrong-k7f3m2 31ba61a9e941"],
    options: comment,
    takes: { min: 2, max: 2 },
    run: ({ positionals, values }) => decide(positionals, values, "approve"),
    show: (cycle) => [line(cycle)],
  }),
  command({
    name: "cycle reject",
    usage: "ciclo cycle reject ID SUBJECT [--comment TEXT]",
    summary: "Reject what a cycle waits with at a checkpoint, and end the cycle.",
    examples: ['ciclo cycle reject sums-are-wrong-k7f3m2 31ba61a9e941 --comment "We drop sums"'],
    options: comment,
    takes: { min: 2, max: 2 },
    run: ({ positionals, values }) => decide(positionals, values, "reject"),
    show: (cycle) => [line(cycle)],
  }),
  command({
    name: "cycle send-back",
    usage: "ciclo cycle send-back ID SUBJECT --comment TEXT",
    summary: "Send back what a cycle waits with at a checkpoint: the phase runs again, with the comment.",
    examples: [
      'ciclo cycle send-back sums-are-wrong-k7f3m2 31ba61a9e941 --comment "Split it into two parts"',
    ],
    options: comment,
    takes: { min: 2, max: 2 },
    run: ({ positionals, values }) => decide(positionals, values, "send_back"),
    show: (cycle) => [line(cycle)],
  }),
  command({
    name: "cycle answer",
    usage: "ciclo cycle answer ID --answer Q1=TEXT …",
    summary:
      "Answer open questions of an analysis. The answers make another version of it, which is decided on.",
    examples: ['ciclo cycle answer sums-are-wrong-k7f3m2 --answer "Q1=Numbers only"'],
    options: { answer: { type: "string", multiple: true } },
    takes: { min: 1, max: 1 },
    async run({ positionals: [id = ""], values }) {
      const answers = repeated(values, "answer").map((said) => {
        const [, question = "", answer = ""] = /^([^=]+)=(.+)$/s.exec(said) ?? [];
        if (question === "") throw new UsageError(`--answer takes QUESTION=TEXT, not ${said}`);
        return { question, answer };
      });
      if (answers.length === 0) throw new UsageError("--answer is required");
      const subject = newest((await getCycle(id)).artifacts, "analysis")?.sha256 ?? "0".repeat(64);
      return connect().call("answerCycle", { params: { id }, body: { subject, answers } });
    },
    show: (cycle) => [line(cycle)],
  }),
  ...permissionCommands,
  command({
    name: "cycle pause",
    usage: "ciclo cycle pause ID [--reason TEXT]",
    summary: "Halt a cycle: what runs of it ends, and its stage begins again when it is resumed.",
    examples: ["ciclo cycle pause sums-are-wrong-k7f3m2"],
    options: reason,
    takes: { min: 1, max: 1 },
    run: ({ positionals: [id = ""], values }) =>
      connect().call("pauseCycle", { params: { id }, body: reasonIn(values) }),
    show: (cycle) => [line(cycle)],
  }),
  command({
    name: "cycle resume",
    usage: "ciclo cycle resume ID [--from STAGE] [--comment TEXT]",
    summary: `Let a cycle go on that was halted, or try again what failed; from an earlier stage where one is named: ${cycleStages.join(", ")}.`,
    examples: ['ciclo cycle resume sums-are-wrong-k7f3m2 --from execute --comment "The registry is back"'],
    options: { ...comment, from: { type: "string" } },
    takes: { min: 1, max: 1 },
    run({ positionals: [id = ""], values }) {
      const [from, said] = [oneOf(values, "from", cycleStages), option(values, "comment")];
      return connect().call("resumeCycle", {
        params: { id },
        body: { ...(from === undefined ? {} : { from }), ...(said === undefined ? {} : { comment: said }) },
      });
    },
    show: (cycle) => [line(cycle)],
  }),
  command({
    name: "cycle rollback",
    usage: "ciclo cycle rollback ID [--reason TEXT]",
    summary:
      "Take back what a cycle merged: the inverse of its change goes to the branch, on top of what came later. Where policy asks for more than one approval, each approver asks for it.",
    examples: ['ciclo cycle rollback sums-are-wrong-k7f3m2 --reason "Totals are wrong"'],
    options: reason,
    takes: { min: 1, max: 1 },
    run: ({ positionals: [id = ""], values }) =>
      connect().call("rollbackCycle", { params: { id }, body: reasonIn(values) }),
    show: (cycle) => [
      line(cycle),
      ...(cycle.rollback_standing === null
        ? []
        : [`asked for by ${cycle.rollback_standing.given} of ${cycle.rollback_standing.required}`]),
    ],
  }),
  command({
    name: "cycle cancel",
    usage: "ciclo cycle cancel ID [--reason TEXT]",
    summary: "End a cycle, and all that runs of it.",
    examples: ["ciclo cycle cancel sums-are-wrong-k7f3m2"],
    options: reason,
    takes: { min: 1, max: 1 },
    run: ({ positionals: [id = ""], values }) =>
      connect().call("cancelCycle", { params: { id }, body: reasonIn(values) }),
    show: (cycle) => [line(cycle)],
  }),
];
