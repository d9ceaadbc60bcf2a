import {
  type CheckReport,
  type CycleRollback,
  permits,
  type PolicyOf,
  type Text,
  text,
} from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";
import type { Actor } from "../../domain/actor.ts";
import type { ActiveRoles } from "../../domain/approvals.ts";
import { insufficientPermission, Refusal } from "../../errors.ts";
import { canonicalJson, sha256 } from "../../lib/crypto.ts";
import { type Git, hasCommit, isAncestor } from "../../lib/git.ts";
import { newId } from "../../lib/ids.ts";
import { givenFor, isApproved, type Vote, type VotingRule, votingProblem } from "../../lib/votes.ts";
import { asConventional, conventionalHeader } from "./conventional.ts";
import { newestOf } from "./keep.ts";
import type { Change, Changing } from "./people.ts";
import { findPull, type ForgeFor, nameOf, propose } from "./pull-requests.ts";
import { noPolicy, notIn } from "./refusals.ts";
import type { Repositories } from "./repositories.ts";
import { policyFile, votingRule } from "./rules.ts";
import * as store from "./store.ts";
import { standingVotes } from "./votes.ts";
import { commitTree, consoleAuthor } from "./work-commit.ts";

/** What people agree to when they ask for a cycle to be taken back. Pure. */
export const rollbackSubject = ({
  id,
  head_commit: head,
}: Pick<store.StoredCycle, "id" | "head_commit">): string => sha256(canonicalJson({ rollback: id, head }));

/** Why somebody may not ask for a rollback; null where they may. Whoever asked for the cycle may as well. */
export const rollbackProblem = (actor: Actor, rule: VotingRule, votes: readonly Vote[]): Refusal | null =>
  permits(actor.roles, "rollback")
    ? votingProblem(actor, [rule], votes, [], () => 0, policyFile)
    : insufficientPermission(["rollback"]);

/**
 * A person asks for what was merged to be taken back. That is one vote, and whoever asked for the cycle has one too: where policy
 * wants more of them, it waits for the others to ask for the same.
 */
export async function rollbackAsked(
  {
    policy,
    activeRoles,
  }: { policy: PolicyOf<"cycles"> | null; activeRoles(queries: Queries): Promise<ActiveRoles> },
  actor: Actor,
  reason: string | undefined,
  { queries, at, cycle }: Changing,
): Promise<Change> {
  if (cycle.state !== "completed") throw notIn(cycle);
  if (policy === null) throw noPolicy();
  const rule = votingRule(policy);
  const subject = rollbackSubject(cycle);
  const votes = standingVotes(
    await store.decisionsOf(queries, cycle.id),
    subject,
    await activeRoles(queries),
  );
  const problem = rollbackProblem(actor, rule, votes);
  if (problem !== null) throw problem;
  const { id, name, roles } = actor;
  const vote: Vote = {
    user_id: id ?? "",
    actor: name,
    roles: [...roles],
    decision: "approve",
    reason: reason ?? null,
    at,
  };
  await store.insertDecision(queries, {
    id: newId(),
    cycle_id: cycle.id,
    checkpoint: "rollback",
    subject,
    decision: "approve",
    comment: reason ?? null,
    user_id: vote.user_id,
    user_name: name,
    roles: vote.roles,
    at,
    voided_at: null,
  });
  const metadata = {
    reason: reason ?? null,
    head: cycle.head_commit,
    given: givenFor(rule, [...votes, vote]),
    required: rule.required,
  };
  if (!isApproved([rule], [...votes, vote]))
    return { values: { reason: null }, action: "rollback_asked", metadata };
  const rollback: CycleRollback = {
    by: name,
    reason: reason ?? null,
    asked_at: at,
    commit: null,
    pull_request: null,
  };
  return { values: { state: "rolling_back", reason: null, rollback }, action: "rollback_begun", metadata };
}

/** Somebody calls a rollback off: the cycle stays merged. */
export const rollbackHalted = ({ rollback }: store.StoredCycle): Change => ({
  values: {
    state: "completed",
    rollback: null,
    reason:
      rollback?.pull_request === null || rollback === null
        ? null
        : text(
            `The rollback was called off. Close ${rollback.pull_request}, so that nobody merges it`,
            `A reversão foi cancelada. Feche ${rollback.pull_request}, para que ninguém o integre`,
          ),
  },
  action: "rollback_called_off",
});

type Done = { values: Partial<store.StoredCycle>; action: string; metadata: Record<string, unknown> };

/**
 * Takes the change of a cycle back: its inverse, on top of what the branch has now. Returns what came of it; null where there is
 * nothing new to say yet.
 */
export async function takeBack(
  deps: TakeBackDeps,
  cycle: store.StoredCycle,
  signal: AbortSignal,
): Promise<Done | null> {
  try {
    return await takenBack(deps, cycle, signal);
  } catch (error) {
    if (!(error instanceof Refusal) || signal.aborted) throw error;
    if (cycle.reason?.en === error.detail.en) return null;
    return {
      values: { reason: error.detail },
      action: "rollback_waits",
      metadata: { reason: error.detail.en },
    };
  }
}

type TakeBackDeps = {
  queries: Queries;
  repositories: Repositories;
  forgeFor: ForgeFor;
  policy(): Promise<PolicyOf<"cycles"> | null>;
};

async function takenBack(
  deps: TakeBackDeps,
  cycle: store.StoredCycle,
  signal: AbortSignal,
): Promise<Done | null> {
  const { repositories } = deps;
  const { repository, base_branch: branch, rollback } = cycle;
  if (rollback === null || branch === null) throw new Error(`cycle ${cycle.id} has nothing to take back`);
  const report = newestOf(await store.artifactsOf(deps.queries, cycle.id)).get("check")
    ?.content as CheckReport;
  const { commit: target } = await repositories.fetch(repository, branch, signal);
  const git = await repositories.copyOf(repository);
  // What a console that was killed had made, and had brought there.
  const made = await refAt(git, refOf(cycle.id));
  if (made !== null && (await isAncestor(git, made, target))) return ended(rollback, made);
  const inverse = await inverseOf(git, cycle, { report, target, rollback });
  if ("conflicts" in inverse) return conflict(cycle, inverse.conflicts);
  if (inverse.commit === target) return ended(rollback, null);
  await git.run(["update-ref", refOf(cycle.id), inverse.commit]);
  const policy = await deps.policy();
  const forge = policy?.pull_requests === "never" ? null : await deps.forgeFor(repository);
  if (forge === null) {
    const move = { branch, from: target, to: inverse.commit };
    const isDone = (await repositories.push(repository, [move], signal)) === null;
    // Somebody was faster: it is made again on what is there then.
    return isDone ? ended(rollback, inverse.commit) : null;
  }
  const own = { ...cycle, id: `${cycle.id}-rollback` };
  const found = await findPull(forge, own);
  if (found?.state === "closed") return refused(cycle, closedThere(found.url));
  const title = await conventionalHeader("revert", cycle.title);
  const proposal = {
    title,
    body: `${words.takesBack[cycle.locale]} ${cycle.pull_request?.url ?? cycle.id}`,
  };
  const pull = await propose(
    { forge, repositories },
    { cycle: own, head: inverse.commit, proposal, ours: made === null ? [] : [made] },
    signal,
  );
  const merged =
    pull.state === "merged"
      ? { merged: true as const, commit: pull.merge_commit ?? pull.head }
      : await forge.merge(pull.number, inverse.commit, proposal.title);
  const named = { ...rollback, pull_request: pull.url };
  if (merged.merged) return ended(named, merged.commit);
  const reason = held(forge.provider, nameOf(pull), merged.reason);
  if (cycle.reason?.en === reason.en) return null;
  return {
    values: { reason, rollback: named },
    action: "rollback_waits",
    metadata: { reason: reason.en, url: pull.url },
  };
}

/** Where a node keeps the inverse that it made last: what others write into a message proves nothing. */
const refOf = (id: string): string => `refs/rollbacks/${id}`;

async function refAt(git: Git, ref: string): Promise<string | null> {
  const { code, stdout } = await git.run(["rev-parse", "--verify", "--quiet", ref], { accept: [1] });
  return code === 0 ? stdout.toString("utf8").trim() : null;
}

/** What was merged, taken out of what there is now. Nothing is checked out. */
async function inverseOf(
  git: Git,
  { id, title, pull_request: pull }: store.StoredCycle,
  { report, target, rollback }: { report: CheckReport; target: string; rollback: CycleRollback },
): Promise<{ commit: string } | { conflicts: string[] }> {
  const own = { before: report.base, landed: report.head };
  const merge = { commit: pull?.merge_commit ?? null, target };
  const isHere = (await hasCommit(git, own.before)) && (await hasCommit(git, own.landed));
  const as = !isHere
    ? await recordedAs(git, merge)
    : (await isAncestor(git, own.landed, target))
      ? own
      : await squashedAs(git, own, merge);
  if (as === null) return { conflicts: [] };
  const by = { author: consoleAuthor, at: rollback.asked_at };
  // A commit that undoes what landed, right behind it: merging that is reverting.
  const tree = await git.text(["rev-parse", `${as.before}^{tree}`]);
  const undone = await commitTree(git, { tree, parents: [as.landed], message: "revert\n", ...by });
  const { code, stdout } = await git.run(["merge-tree", "--write-tree", "--name-only", target, undone], {
    accept: [1],
  });
  const [merged = "", ...names] = stdout.toString("utf8").split("\n");
  if (code === 1) return { conflicts: names.slice(0, names.indexOf("")) };
  if (merged === (await git.text(["rev-parse", `${target}^{tree}`]))) return { commit: target };
  const why = rollback.reason === null ? "" : `${rollback.reason}\n\n`;
  const message = await asConventional(
    `revert: ${title}\n\n${why}This takes back ${own.before}..${own.landed}.\n\nAsked-By: ${rollback.by}\nCycle-Rollback: ${id}\n`,
    "revert",
  );
  return { commit: await commitTree(git, { tree: merged, parents: [target], message, ...by }) };
}

/**
 * What the forge said when it merged, where the commits of the cycle's own are nowhere any more: it squashed them, their branch is gone,
 * and so is this node's copy.
 */
async function recordedAs(
  git: Git,
  { commit, target }: { commit: string | null; target: string },
): Promise<{ before: string; landed: string } | null> {
  if (commit === null || !(await hasCommit(git, commit)) || !(await isAncestor(git, commit, target)))
    return null;
  return { before: `${commit}^1`, landed: commit };
}

/** The one commit by which a forge put the whole change on the branch; null where it is not known, or is another change. */
async function squashedAs(
  git: Git,
  own: { before: string; landed: string },
  { commit, target }: { commit: string | null; target: string },
): Promise<{ before: string; landed: string } | null> {
  if (commit === null || !(await isAncestor(git, commit, target))) return null;
  const as = { before: `${commit}^1`, landed: commit };
  const changed = ({ before, landed }: typeof as): Promise<string> =>
    git.text(["diff", "--no-ext-diff", "--no-textconv", "--numstat", before, landed]);
  return (await changed(own)) === (await changed(as)) ? as : null;
}

const ended = (rollback: CycleRollback, commit: string | null): Done => ({
  values: { state: "rolled_back", reason: null, rollback: { ...rollback, commit } },
  action: "rolled_back",
  metadata: { commit, reason: rollback.reason, by: rollback.by },
});

function conflict(cycle: store.StoredCycle, conflicts: readonly string[]): Done {
  const files = conflicts.join(", ");
  if (conflicts.length === 0)
    return refused(
      cycle,
      text(
        `The console cannot revert this: the forge does not say which commit brought it to ${cycle.base_branch}. Revert it by hand`,
        `A console não consegue reverter isto: a forja não diz qual commit o levou a ${cycle.base_branch}. Reverta à mão`,
      ),
    );
  return refused(
    cycle,
    text(
      `The console cannot revert this: later commits on ${cycle.base_branch} change the same lines, in ${files}. Start a cycle that undoes it, or revert it by hand`,
      `A console não consegue reverter isto: commits posteriores em ${cycle.base_branch} alteram as mesmas linhas, em ${files}. Inicie um ciclo que o desfaça, ou reverta à mão`,
    ),
  );
}

/** It stays merged; the votes are used up. */
const refused = ({ rollback }: store.StoredCycle, reason: Text): Done => ({
  values: { state: "completed", reason, rollback: null },
  action: "rollback_failed",
  metadata: { reason: reason.en, by: rollback?.by ?? null },
});

const closedThere = (url: string): Text =>
  text(
    `Somebody closed ${url}, which takes it back: it stays merged. Reopen that there, then ask for the rollback again`,
    `Alguém fechou ${url}, que o revertia: ele continua integrado. Reabra-o ali e peça a reversão de novo`,
  );

const held = (provider: string, name: string, reason: string): Text =>
  text(
    `${provider} does not merge ${name} yet: ${reason}. The console goes on trying`,
    `${provider} ainda não faz o merge de ${name}: ${reason}. A console continua tentando`,
  );

const words = { takesBack: text("Takes back", "Reverte") };
