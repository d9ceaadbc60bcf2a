import {
  type CheckReport,
  type CycleRecipe,
  type Documentation,
  type Execution,
  type GateName,
  gateNames,
  type GateResult,
  type PolicyOf,
  text,
} from "@ciclo/contract";
import { sha256 } from "../../../lib/crypto.ts";
import { Refusal } from "../../../errors.ts";
import { type Git, isAncestor } from "../../../lib/git.ts";
import type { Checkout } from "../checkout.ts";
import { type Captured, capturesIn } from "../gates/captures.ts";
import { changedFiles, changedFilesArgs } from "../gates/changed-files.ts";
import { type ChangedFile, isTestFile } from "../gates/guard.ts";
import { reportOf } from "../gates/report.ts";
import { runTests, type Tested } from "../gates/tests.ts";
import type { Repositories } from "../repositories.ts";
import { asciicast } from "../evidence/asciicast.ts";
import { openProxy, proxyEnvironment, type ProxyRules } from "../sandbox/proxy.ts";
import { Recorder } from "../sandbox/recorder.ts";
import type { Limits, Ran } from "../sandbox/run.ts";
import type { NewEvidence, Outcome, Stage, Turn } from "../stage.ts";
import type { Workplace } from "../workplace.ts";
import { baseOf } from "./common.ts";
import { measure } from "./measure.ts";

export type CheckDeps = {
  repositories: Repositories;
  workplace: Workplace;
  /** The program that runs the bridge. */
  program: string;
  /** What holds for all that the console connects to. */
  outbound: Pick<ProxyRules, "network" | "resolve">;
};

/** What ran at one commit. */
type Ranked = { gates: GateResult[]; logs: NewEvidence[]; tested: Tested | null; captured: Captured | null };
/** The new tests on what there was before. */
type RedRun = { tested: Tested; captured: Captured };

const gateTimeoutS = 1200;
const mostLogBytes = 2_000_000;

/**
 * Runs the gates on the commit that a cycle has come to, and on the one that it began from, each in a checkout of its own. What
 * an agent says of its work is not looked at.
 */
export function checkStage({ repositories, workplace, program, outbound }: CheckDeps): Stage {
  return async (turn) => {
    const { cycle, policy } = turn;
    const stop = new AbortController();
    const signal = AbortSignal.any([turn.signal, stop.signal]);
    const git = await repositories.copyOf(cycle.repository);
    const source = { git, repository: cycle.repository };
    const [base, head] = [baseOf(cycle), cycle.head_commit];
    if (head === null || cycle.recipe === null) throw new Error(`cycle ${cycle.id} has nothing to check`);
    const { recipe, from } = cycle.recipe;
    const setUp = setUpWith({ workplace, program, outbound }, recipe, policy);
    const at = { recipe, limits: limitsOf(policy, recipe), signal, setUp, node: program };
    if (!(await isAncestor(git, base, head))) throw standsOnNothing(head, base);
    const changed = await changesBetween(git, base, head);
    const documented = await documentedIn(git, turn);
    const first = Promise.withResolvers<Ranked>();
    // The other may never come to ask.
    first.promise.catch(() => {});
    const onBase = workplace.with(source, base, async (checkout) => {
      const before = await gatesIn(checkout, "base", at);
      const after = await first.promise;
      const isKnown = before.tested?.run != null && after.tested?.run != null;
      return { before, red: isKnown ? await newTestsOn(checkout, { head, changed, at }) : null };
    });
    const onHead = workplace.with(source, head, async (checkout) => {
      const after = await gatesIn(checkout, "head", at);
      first.resolve(after);
      const { tested } = after;
      const again = tested === null ? null : await testsAgain(checkout, at);
      const { before, red } = await onBase;
      const found = foundIn(
        { before, after, again, red },
        { base, head, from, documented, test: recipe.test },
      );
      const report = reportOf(turn, { ...found.of, measures: null }, found.runs, changed);
      // Of red work nobody asks how well it is tested.
      if (report.problems.length > 0 || tested === null) return { report, logs: found.logs };
      const of = { git, head, changed, runner: tested.runner, usualMs: tested.ran.ms };
      const measures = await measure(checkout, { ...at, ...of, mutants: policy.limits.mutants });
      return { report: reportOf(turn, { ...found.of, measures }, found.runs, changed), logs: found.logs };
    });
    onHead.catch(first.reject);
    try {
      const [{ report, logs }] = await Promise.all([onHead, onBase]);
      return outcomeOf(turn, report, logs);
    } finally {
      // Where one of them fails the other has no more to say.
      stop.abort(new Error("the gates are over"));
      await Promise.allSettled([onHead, onBase]);
    }
  };
}

const limitsOf = (
  { limits: { memory_mb: memory, processes } }: PolicyOf<"cycles">,
  { timeout_s: seconds = gateTimeoutS }: CycleRecipe,
): Limits => ({
  timeoutMs: seconds * 1000,
  outputBytes: mostLogBytes,
  memoryBytes: memory * 1024 * 1024,
  processes,
});

type At = { recipe: CycleRecipe; limits: Limits; signal: AbortSignal; setUp: SetUp; node: string };
type SetUp = (checkout: Checkout, command: string, limits: Limits, more: SetUpMore) => Promise<Ran>;
type SetUpMore = { signal: AbortSignal; recorder?: Recorder };

/** Runs the set-up of a repository: the only command that reaches hosts, those that repository and policy name. */
const setUpWith =
  (
    { workplace, program, outbound }: Pick<CheckDeps, "workplace" | "program" | "outbound">,
    { allow_hosts: named = [] }: CycleRecipe,
    { setup_hosts: allowed }: PolicyOf<"cycles">,
  ): SetUp =>
  (checkout, command, limits, more) => {
    if (named.length === 0) return checkout.run(command, limits, { env: { CI: "true" }, ...more });
    return workplace.withDoor(async (folder) => {
      const proxy = await openProxy(folder, { named, allowed, ...outbound });
      try {
        const env = { CI: "true", ...proxyEnvironment };
        const through = { node: program, socket: proxy.path };
        return await checkout.run(command, limits, { env, through, ...more });
      } finally {
        await proxy.close();
      }
    });
  };

/** Runs the gates of a checkout in their order, up to the first that fails. */
async function gatesIn(checkout: Checkout, on: "base" | "head", at: At): Promise<Ranked> {
  const ranked: Ranked = { gates: [], logs: [], tested: null, captured: null };
  for (const gate of gateNames) {
    const command = at.recipe[gate];
    if (command === undefined) continue;
    const ran = await one(checkout, gate, command, at, ranked);
    const passed = ran.code === 0;
    const kept = keptOf(`${gate}-${on}`, command, ran);
    ranked.logs.push(kept.log, kept.recording);
    ranked.gates.push({
      gate,
      on,
      command,
      passed,
      code: ran.code,
      ended: ran.ended,
      ms: Math.round(ran.ms),
      log: sha256(kept.log.bytes),
      recording: sha256(kept.recording.bytes),
    });
    if (gate === "test" && on === "head")
      ranked.captured = await capturesIn(checkout, ranked.tested?.run ?? null, { ...at, on });
    // Lint may fail for what was there before; without what the others make, nothing that follows says anything.
    if (!passed && gate !== "lint") break;
  }
  return ranked;
}

async function one(
  checkout: Checkout,
  gate: GateName,
  command: string,
  { limits, signal, setUp }: At,
  ranked: Ranked,
): Promise<Ran> {
  if (gate === "setup") return setUp(checkout, command, limits, { signal, recorder: new Recorder() });
  if (gate !== "test")
    return checkout.run(command, limits, { env: { CI: "true" }, signal, recorder: new Recorder() });
  ranked.tested = await runTests(checkout, command, limits, signal);
  return ranked.tested.ran;
}

/** What is kept of a run: what it printed, and a recording of it. */
const keptOf = (name: string, command: string, ran: Ran): { log: NewEvidence; recording: NewEvidence } => ({
  log: { name: `${name}.log`, mediaType: "text/plain", bytes: logOf(command, ran) },
  recording: {
    name: `${name}.cast`,
    mediaType: "application/x-asciicast",
    bytes: asciicast({ command, title: name, at: new Date(Date.now() - ran.ms) }, ran),
  },
});

const logOf = (command: string, { stdout, stderr, code, ended }: Ran): Buffer =>
  Buffer.concat([
    Buffer.from(`$ ${command}\n`),
    stdout.bytes,
    ...(stdout.dropped > 0 ? [Buffer.from(`\n… ${stdout.dropped} bytes in between are not kept\n`)] : []),
    stderr.bytes,
    Buffer.from(`\n${ended === null ? `exit ${code}` : `ended by the console: ${ended}`}\n`),
  ]);

/** What the tests need to run: what comes before them, whose results are known already. */
async function preparedIn(checkout: Checkout, { recipe, limits, signal, setUp }: At): Promise<void> {
  if (recipe.setup !== undefined) {
    const { code } = await setUp(checkout, recipe.setup, limits, { signal });
    if (code !== 0) throw setsUpOnce(recipe.setup);
  }
  if (recipe.build !== undefined) await checkout.run(recipe.build, limits, { env: { CI: "true" }, signal });
}

/** The tests once more, in a checkout where they ran, as if nothing had. */
async function testsAgain(checkout: Checkout, at: At): Promise<Tested> {
  await checkout.reset(at.limits, at.signal);
  return testsIn(checkout, at);
}

async function testsIn(checkout: Checkout, at: At): Promise<Tested> {
  await preparedIn(checkout, at);
  return runTests(checkout, at.recipe.test, at.limits, at.signal);
}

/** The tests of the new commit on what there was before, whose checkout this is: a test that is green there shows nothing. */
async function newTestsOn(
  checkout: Checkout,
  { head, changed, at }: { head: string; changed: readonly ChangedFile[]; at: At },
): Promise<RedRun> {
  const more = { env: {}, signal: at.signal };
  await checkout.reset(at.limits, at.signal);
  const paths = changed
    .filter(({ path, isDeleted }) => !isDeleted && isTestFile(path))
    .map(({ path }) => path);
  if (paths.length > 0)
    await checkout.run('git checkout --quiet "$@"', at.limits, { ...more, args: [head, "--", ...paths] });
  const tested = await testsIn(checkout, at);
  return { tested, captured: await capturesIn(checkout, tested.run, { ...at, on: "red" }) };
}

type Reported = Parameters<typeof reportOf>[1];
type Runs = { before: Ranked; after: Ranked; again: Tested | null; red: RedRun | null };

/** What came of all runs, as the report takes it, and what is kept of them. */
function foundIn(
  { before, after, again, red }: Runs,
  { test, ...of }: Pick<Reported, "base" | "head" | "from" | "documented"> & { test: string },
) {
  const shown = red === null ? null : keptOf("test-red", test, red.tested.ran);
  const captured = [red?.captured, after.captured].filter((one) => one != null);
  return {
    of: {
      ...of,
      gates: [...before.gates, ...after.gates],
      known: { runner: after.tested?.runner ?? null, ran: after.tested !== null },
      red_run:
        shown === null ? null : { log: sha256(shown.log.bytes), recording: sha256(shown.recording.bytes) },
      captures: captured.flatMap(({ captures }) => captures),
      captures_left_out: captured.reduce((sum, { leftOut }) => sum + leftOut, 0),
    },
    runs: {
      base: before.tested?.run ?? null,
      head: after.tested?.run ?? null,
      again: again?.run ?? null,
      red: red?.tested.run ?? null,
    },
    logs: [
      ...before.logs,
      ...after.logs,
      ...(shown === null ? [] : [shown.log, shown.recording]),
      ...captured.flatMap(({ files }) => files),
    ],
  };
}

/** Documents that the Doc phase has edited, and the agent has not. */
async function documentedIn(git: Git, { cycle, artifacts }: Turn): Promise<string[]> {
  const edits = (artifacts.get("documentation")?.content as Documentation | undefined)?.edits ?? [];
  const work = (artifacts.get("execution")?.content as Execution | undefined)?.head ?? null;
  if (edits.length === 0 || work === null) return [];
  const said = await git.text(["diff", "--name-only", "-z", "--no-renames", baseOf(cycle), work]);
  const byAgent = new Set(said.split("\0"));
  return edits.map(({ path }) => path).filter((path) => !byAgent.has(path));
}

async function changesBetween(git: Git, base: string, head: string): Promise<ChangedFile[]> {
  const raw = await git.run(changedFilesArgs.names(base, head));
  const patch = await git.run(changedFilesArgs.lines(base, head));
  return changedFiles(raw.stdout.toString("utf8"), patch.stdout.toString("utf8"));
}

const mostNoteCharacters = 12_000;

function outcomeOf({ cycle, policy }: Turn, report: CheckReport, logs: readonly NewEvidence[]): Outcome {
  const made = {
    artifacts: [{ kind: "check" as const, content: report, model: null, findings: [] }],
    evidence: logs,
    metadata: {
      head: report.head,
      problems: report.problems.map(({ en }) => en),
      to_agree: report.to_agree.length,
    },
  };
  if (report.problems.length > 0) {
    const said = report.problems.map(({ en }) => `- ${en}`).join("\n");
    const failed = report.gates.find(({ on, passed }) => on === "head" && !passed);
    const log = logs.find(({ bytes }) => sha256(bytes) === failed?.log)?.bytes.toString("utf8") ?? "";
    // What a person said to this stage is for whoever works next.
    const person = cycle.note === null ? "" : `${cycle.note}\n\n`;
    const note = `${person}${said}\n\n${log.slice(-mostNoteCharacters)}`;
    if (cycle.tries < policy.tries) return { to: "back", stage: "execute", note, ...made };
    return {
      to: "wait",
      waitsFor: "help",
      reason: text(
        `Still red, tries: ${cycle.tries}. ${report.problems.map(({ en }) => en).join("; ")}`,
        `Ainda vermelho, tentativas: ${cycle.tries}. ${report.problems.map((one) => one["pt-BR"]).join("; ")}`,
      ),
      ...made,
    };
  }
  if (report.to_agree.length > 0 && !policy.checkpoints.includes("merge"))
    return { to: "wait", waitsFor: "help", reason: nobodyAgrees, ...made };
  return { to: "next", ...made };
}

const nobodyAgrees = text(
  "The change loosens checks or tests, which a person has to agree to, and policies/cycles.yaml has no checkpoint merge",
  "A mudança afrouxa verificações ou testes, com o que uma pessoa precisa concordar, e policies/cycles.yaml não tem o checkpoint merge",
);

const standsOnNothing = (head: string, base: string): Refusal =>
  new Refusal(
    "invalid_payload",
    text(
      `The work at ${head} does not stand on ${base}, where the branch is. Resume from execute`,
      `O trabalho em ${head} não parte de ${base}, onde está a branch. Retome de execute`,
    ),
  );

const setsUpOnce = (command: string): Refusal =>
  new Refusal(
    "upstream_failed",
    text(
      `The set-up (${command}) succeeded, and failed when it ran again in a checkout of the same commit. It has to work each time: mend it, then resume from check`,
      `O setup (${command}) funcionou, e falhou ao rodar de novo em um checkout do mesmo commit. Ele precisa funcionar sempre: corrija-o e retome de check`,
    ),
  );
