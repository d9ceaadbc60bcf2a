import {
  text,
  type Analysis,
  type CycleCost,
  type DeliveryPlan,
  type Documentation,
  documentationSchema,
  type Execution,
} from "@ciclo/contract";
import type { Git } from "../../../lib/git.ts";
import { partCosts, renderCosts } from "../artifacts/costs.ts";
import { renderAnalysis, renderPlan } from "../artifacts/render.ts";
import { asConventional, conventionalHeader } from "../conventional.ts";
import type { Finding } from "../artifacts/check.ts";
import { addToChangelog } from "../documents/changelog.ts";
import { documentsAt, editFindings, withEdits } from "../documents/edits.ts";
import { decisionRecord } from "../documents/decision-record.ts";
import type { Repositories } from "../repositories.ts";
import type { Stage, Turn } from "../stage.ts";
import { commitFiles, consoleAuthor } from "../work-commit.ts";
import { type AskModel, askUntilRight } from "./ask.ts";
import { baseOf, partsBefore, type Requester } from "./common.ts";
import { cut, groundRules, quoted } from "./context.ts";
import { contentsAt, filesAt } from "./prepare.ts";

export type DocumentDeps = {
  repositories: Repositories;
  ask: AskModel;
  requester: Requester;
  costOf(cycle: { id: string; from: string }): Promise<CycleCost>;
  now(): string;
};

const mostDiff = 60_000;
const mostQuestion = 400;
const mostDocuments = 40_000;

const shown = (documents: ReadonlyMap<string, string>): string =>
  documents.size === 0
    ? "There are none."
    : cut([...documents].map(([path, said]) => `### ${path}\n\n${quoted(said)}`).join("\n\n"), mostDocuments);

/** Doc: what the change is for its readers. It becomes a commit on top of the work, with all artefacts of the cycle. */
export function documentStage(deps: DocumentDeps): Stage {
  return async (turn) => {
    const { cycle, policy, artifacts, signal } = turn;
    const git = await deps.repositories.copyOf(cycle.repository);
    const execution = artifacts.get("execution")?.content as Execution;
    const work = execution.head;
    if (work === null) throw new Error(`cycle ${cycle.id} has nothing to document`);
    const before = artifacts.get("documentation")?.content as Documentation | undefined;
    const diff = await diffOf(git, baseOf(cycle), work);
    const documents = await documentsAt(git, work, {
      question: `${cycle.title} ${diff.slice(0, mostQuestion)}`,
      edits: before?.edits ?? [],
    });
    const held = current(turn);
    // What the agent or others have written since may leave no place for an edit: the model looks at it again.
    const misfits = editFindings(held?.edits ?? [], documents);
    const known = misfits.length === 0 ? held : null;
    const comment = commentOnWork(turn);
    const written =
      known === null
        ? await askUntilRight(deps.ask, {
            actor: await deps.requester(cycle),
            phase: "doc",
            run: cycle.id,
            instructions: `${groundRules(cycle.locale)}\n\n${task}`,
            parts: [
              ["Specification", quoted(JSON.stringify(artifacts.get("analysis")?.content ?? {}))],
              ["The change", quoted(cut(diff, mostDiff))],
              ["Documents of the project", shown(documents)],
              ...partsBefore(
                { note: cycle.note ?? comment ?? outdated(misfits) },
                artifacts.get("documentation"),
              ),
            ],
            schema: documentationSchema,
            check: ({ edits }) => editFindings(edits, documents),
            tries: policy.tries,
            signal,
          })
        : null;
    const documentation = written === null ? known : await asCommitted(written.value);
    if (documentation === null) throw new Error("nothing was written");
    const head = await commitFiles(git, work, {
      files: await filesOf(git, work, turn, {
        documentation,
        documents,
        cost: await deps.costOf({ id: cycle.id, from: cycle.created_at }),
      }),
      message: await asConventional(
        `docs: ${cycle.title}\n\nCycle: ${cycle.id}\n${cycle.replay ? "Replay: yes\n" : ""}`,
        "docs",
      ),
      author: consoleAuthor,
      at: deps.now(),
    });
    await git.run(["update-ref", `refs/cycles/${cycle.id}`, head]);
    return {
      to: "next",
      artifacts:
        written === null
          ? []
          : [{ kind: "documentation", content: documentation, model: written.model, findings: [] }],
      values: { head_commit: head },
      metadata: { head },
    };
  };
}

/** What a model wrote, with a title that becomes a commit where the pull request is squashed. */
async function asCommitted(written: Documentation): Promise<Documentation> {
  const { type, title } = written.pull_request;
  const header = await conventionalHeader(type, title);
  return { ...written, pull_request: { ...written.pull_request, title: header.slice(type.length + 2) } };
}

const outdated = (misfits: readonly Finding[]): string | null =>
  misfits.length === 0
    ? null
    : `The documents have changed since. ${misfits.map(({ path, message }) => `${path}: ${message.en}`).join("; ")}`;

/** What somebody said of the whole work when they sent it back, since it was documented last. */
function commentOnWork({ artifacts, decisions }: Turn): string | null {
  const documentation = artifacts.get("documentation");
  const said = decisions.findLast(
    ({ checkpoint, decision }) => checkpoint === "merge" && decision === "send_back",
  );
  return documentation !== undefined && said !== undefined && said.at > documentation.created_at
    ? said.comment
    : null;
}

/** What was written for the present plan: it holds, whatever the agent mended since. */
function current(turn: Turn): Documentation | null {
  const { cycle, artifacts } = turn;
  const [documentation, plan] = [artifacts.get("documentation"), artifacts.get("plan")];
  if (documentation === undefined || plan === undefined || cycle.note !== null) return null;
  if (commentOnWork(turn) !== null) return null;
  return documentation.created_at >= plan.created_at ? (documentation.content as Documentation) : null;
}

const diffOf = (git: Git, base: string, head: string): Promise<string> =>
  git.text(["diff", "--no-ext-diff", "--no-textconv", "--stat", "--patch", base, head]);

/** Files that the change brings along: changelog, decision record, and the artefacts, readable without the console. */
async function filesOf(
  git: Git,
  work: string,
  { cycle, artifacts, executions }: Turn,
  {
    documentation,
    documents,
    cost,
  }: { documentation: Documentation; documents: ReadonlyMap<string, string>; cost: CycleCost },
): Promise<Map<string, string>> {
  const files = withEdits(documentation.edits, documents);
  const changelog = (await contentsAt(git, work, "CHANGELOG.md")) ?? null;
  // What is no UTF-8 could not be written back as it was.
  if (changelog !== null && !changelog.includes("\uFFFD"))
    files.set("CHANGELOG.md", addToChangelog(changelog, documentation.changelog));
  if (documentation.decision_record !== null) {
    const paths = (await filesAt(git, work)).map(({ path }) => path);
    const { path, contents } = decisionRecord(documentation.decision_record, paths, cycle.created_at);
    files.set(path, cycle.replay ? contents.replace("\n\n", `\n\n${replayed[cycle.locale]}\n\n`) : contents);
  }
  const folder = `docs/cycles/${cycle.id}`;
  const analysis = artifacts.get("analysis")?.content as Analysis;
  const plan = artifacts.get("plan")?.content as DeliveryPlan;
  for (const { file, markdown } of [
    ...renderAnalysis(analysis, cycle.locale),
    ...renderPlan(plan, analysis, cycle.locale),
    {
      file: "costs.md",
      markdown: renderCosts(cost, partCosts(executions, plan.work_breakdown.items, cost), cycle.locale),
    },
  ])
    files.set(`${folder}/${file}`, cycle.replay ? `${replayed[cycle.locale]}\n\n${markdown}` : markdown);
  for (const [name, content] of [
    ["analysis", analysis],
    ["plan", plan],
  ] as const)
    files.set(`${folder}/${name}.json`, `${JSON.stringify(content, null, 2)}\n`);
  return files;
}

/** Above each text of a cycle whose models were a replay. */
const replayed = text(
  "> **Replay**: prepared replies stand in for the models of this cycle. The agent, commits, gates and approvals are real.",
  "> **Replay**: respostas preparadas fazem o papel dos modelos deste ciclo. O agente, os commits, os gates e as aprovações são reais.",
);

const task = [
  "You write what readers of the project need to know about a change that is done:",
  "- entries of the changelog, each under its heading, in one sentence for whoever uses the project;",
  "- edits of the documents that are shown, where they say what is no longer so, or leave out what a user of the change has to know: a passage copied letter by letter that stands there once, and what takes its place; none where nothing has to change;",
  "- a decision record where the change decided something that somebody will ask about later; null otherwise;",
  "- the pull request: its type, a title in lower case that says what changed, and a body in Markdown for the reviewer: what and why.",
  "Claim nothing about tests or builds: the console adds what it found.",
].join("\n");
