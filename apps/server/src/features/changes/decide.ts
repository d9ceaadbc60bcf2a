import { type Decision, type Locale, type PlanExecutionResult, saysWhy, text } from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";
import { fieldError, invalidPayload, notFound, Refusal } from "../../errors.ts";
import { type Actor, type RecordEntry, system } from "../../domain/actor.ts";
import { stamp } from "../../lib/clock.ts";
import type { Context } from "./deps.ts";
import * as journal from "./journal-store.ts";
import { presentChange } from "./present.ts";
import { isApproved, othersThan, type Vote, votingProblem } from "../../lib/votes.ts";
import { bindingOf } from "./rules.ts";
import * as store from "./store.ts";
import { approve, authorsOf, standingVotes } from "./votes.ts";
import { stalePlan } from "./accept.ts";
import { refuseSecrets, runUnfinished } from "./submit.ts";

/** How the base stands against what is to be decided. */
type Standing = { stalePaths: string[]; policyVersion: string };

/** Takes one person's decision on a change; the last approval needed lands it. */
export async function decide(
  context: Context,
  actor: Actor,
  decision: Decision,
  locale: Locale,
): Promise<PlanExecutionResult> {
  if (decision.approval_decision === "reject" && !saysWhy(decision.approval_reason)) throw sayWhy();
  const found = await findDecidable(context, decision);
  await refuseSecrets(context, "approval_reason", decision.approval_reason);
  return context.database.exclusively(`change:${found.plan_id}`, async () => {
    const standing = await standingOf(context, found);
    // Plans are read outside of the transaction, which holds the one connection that there may be.
    const authors = await authorsOf(
      context,
      await store.mustFindChange(context.queries, found.change_record_id),
    );
    const refusal = await context.transaction((queries, record) =>
      vote({ context, queries, record, actor, decision, standing, authors }),
    );
    await runUnfinished(context, found.change_record_id);
    if (refusal !== null) throw refusal;
    const change = await store.mustFindChange(context.queries, found.change_record_id);
    return presentChange(context, change, locale);
  });
}

const maxSettled = 100;

/**
 * Lands changes whose votes are all there since a voter is active again, or has the role again: nobody could vote for
 * them a second time. Of those that wait, the newest are looked at.
 */
export async function settleVotes(context: Context): Promise<void> {
  const { queries, database } = context;
  for (const approval of await store.listApprovals(queries, { status: "pending", limit: maxSettled })) {
    if (!(await hasVotes(context, approval))) continue;
    await database.exclusively(`change:${approval.plan_id}`, async () => {
      const standing = await standingOf(context, approval);
      const settled = await context.transaction((tx, record) =>
        settle({ context, queries: tx, record }, approval.id, standing),
      );
      if (settled) await runUnfinished(context, approval.change_record_id);
    });
  }
}

async function hasVotes(context: Context, approval: store.Approval, on = context.queries): Promise<boolean> {
  const votes = await store.votesOf(on, approval.id);
  return votes.length > 0 && isApproved(approval.requirements, await standingVotes(context, on, votes));
}

async function settle(
  { context, queries, record }: Pick<Ballot, "context" | "queries" | "record">,
  id: string,
  standing: Standing,
): Promise<boolean> {
  const approval = await store.findApproval(queries, "id", id);
  const at = stamp(context.clock());
  if (approval?.status !== "pending" || approval.expires_at <= at || isStale(approval, standing))
    return false;
  const change = await store.mustFindChange(queries, approval.change_record_id);
  if (change.status !== "hitl_required" || !(await hasVotes(context, approval, queries))) return false;
  await approve({ queries, at }, approval, change);
  await record({
    actor: system,
    action: "change.approved",
    resource: `approval:${approval.id}`,
    status: "succeeded",
    planId: change.plan_id,
    metadata: {
      reason: "its votes count again",
      commit: change.commit_sha,
      binding: approval.binding,
      final: true,
    },
  });
  return true;
}

async function findDecidable(context: Context, decision: Decision): Promise<store.Approval> {
  const approval = await store.findApproval(context.queries, "id", decision.approval_id);
  if (approval === undefined) {
    throw notFound(
      `No approval ${decision.approval_id}. See: ciclo changes`,
      `Aprovação ${decision.approval_id} não existe. Veja: ciclo changes`,
    );
  }
  if (decision.plan_id !== undefined && decision.plan_id !== approval.plan_id) {
    throw invalidPayload([
      fieldError(
        "plan_id",
        `the approval is for ${approval.plan_id}`,
        `a aprovação é de ${approval.plan_id}`,
      ),
    ]);
  }
  return approval;
}

/** Files that the base, as last seen, has changed since a pending approval was asked for. */
export async function stalePathsOf(
  { repository, findPlan, planFiles }: Context,
  approval: store.Approval,
): Promise<string[]> {
  const head = await repository.head();
  const planned = head === approval.base_commit ? undefined : await findPlan(approval.plan_id);
  if (planned === undefined) return [];
  return repository.touched(approval.base_commit, head, planFiles(planned.plan).keys());
}

/** Compares the base with what was planned. A remote that is down is asked again when the change lands. */
async function standingOf(context: Context, approval: store.Approval): Promise<Standing> {
  const { repository, logger } = context;
  const record = await store.mustFindChange(context.queries, approval.change_record_id);
  const head = await repository.refresh().catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
    logger.warn({ err: error }, "deciding on the base as last seen");
    return repository.head();
  });
  const snapshot = await repository.snapshot(head);
  // What a rollback meets is found out when it reverts.
  const planned = record.kind === "rollback" ? undefined : await context.findPlan(approval.plan_id);
  const paths = planned === undefined ? [] : context.planFiles(planned.plan).keys();
  const stalePaths =
    head === approval.base_commit ? [] : await repository.touched(approval.base_commit, head, paths);
  return { stalePaths, policyVersion: snapshot.approvalsVersion };
}

type Ballot = {
  context: Context;
  queries: Queries;
  record: RecordEntry;
  actor: Actor;
  decision: Decision;
  standing: Standing;
  authors: readonly string[];
};

/**
 * The decision itself, in one transaction. What it finds expired or stale it ends,
 * and answers with the refusal, so that the ending is kept.
 */
async function vote(ballot: Ballot): Promise<Refusal | null> {
  const { queries, actor, decision, context, authors } = ballot;
  const approval = await store.findApproval(queries, "id", decision.approval_id);
  if (approval === undefined || approval.status !== "pending") throw decidedAlready(approval?.status);
  const change = await store.mustFindChange(queries, approval.change_record_id);
  if (change.status !== "hitl_required") throw notReady();
  const votes = await store.votesOf(queries, approval.id);
  const people = await context.activeRoles(queries);
  const problem = votingProblem(actor, approval.requirements, votes, authors, (requirement) =>
    othersThan(authors, people, requirement),
  );
  const isRejecting = decision.approval_decision === "reject";
  if (problem !== null && !(isRejecting && mayStop(actor, change, problem))) throw problem;
  const now = stamp(context.clock());
  if (approval.expires_at <= now) return endChange(ballot, approval, change, "expired");
  if (decision.approval_decision === "approve" && isStale(approval, ballot.standing)) {
    return endChange(ballot, approval, change, "stale");
  }
  await castVote(ballot, approval, change, votes, now);
  return null;
}

/** Whether somebody who may not vote may end a change all the same: it is their own, or their own request for a rollback. */
export const mayStop = (actor: Actor, change: store.Change, problem: Refusal): boolean =>
  problem.code === "self_approval" ||
  (change.kind === "rollback" && actor.id !== null && change.actor_id === actor.id);

function isStale(approval: store.Approval, standing: Standing): boolean {
  const binding = bindingOf(approval.patch_sha256, approval.base_commit, standing.policyVersion);
  return standing.stalePaths.length > 0 || binding !== approval.binding;
}

async function castVote(
  { queries, record, actor, decision, context }: Ballot,
  approval: store.Approval,
  change: store.Change,
  before: readonly Vote[],
  at: string,
): Promise<void> {
  const cast: Vote = {
    user_id: actor.id ?? actor.name,
    actor: actor.name,
    roles: [...actor.roles],
    decision: decision.approval_decision,
    reason: decision.approval_reason ?? null,
    at,
  };
  // Who takes back their own request for a rollback has voted with it already.
  if (!before.some(({ user_id }) => user_id === cast.user_id))
    await store.insertVote(queries, approval.id, cast);
  const approved = isApproved(
    approval.requirements,
    await standingVotes(context, queries, [...before, cast]),
  );
  if (cast.decision === "reject") {
    await store.resolveApproval(queries, approval.id, "rejected", at);
    await store.updateChange(queries, change.id, { status: "failed", outcome: "rejected", updated_at: at });
    if (change.kind === "submission") await journal.queueOperation(queries, change, "discard", at);
  } else if (approved) {
    await approve({ queries, at }, approval, change);
  }
  await record({
    actor,
    action: cast.decision === "approve" ? "change.approved" : "change.rejected",
    resource: `approval:${approval.id}`,
    status: "succeeded",
    planId: change.plan_id,
    metadata: { reason: cast.reason, commit: change.commit_sha, binding: approval.binding, final: approved },
  });
}

/** Ends a change that can no longer be approved. */
async function endChange(
  { queries, record, context, standing }: Ballot,
  approval: store.Approval,
  change: store.Change,
  outcome: "expired" | "stale",
): Promise<Refusal> {
  await expireOrSupersede({ queries, record, at: stamp(context.clock()) }, approval, change, outcome);
  if (outcome === "expired") return expired(approval.expires_at);
  return standing.stalePaths.length > 0 ? stalePlan(change.base_branch, standing.stalePaths) : policyMoved();
}

/** Writes the end of a pending change: approval, record, the discard of its branch, audit. */
export async function expireOrSupersede(
  tx: { queries: Queries; record: RecordEntry; at: string },
  approval: store.Approval,
  change: store.Change,
  outcome: "expired" | "stale",
): Promise<void> {
  await store.resolveApproval(
    tx.queries,
    approval.id,
    outcome === "expired" ? "expired" : "superseded",
    tx.at,
  );
  await store.updateChange(tx.queries, change.id, { status: "failed", outcome, updated_at: tx.at });
  await journal.cancelOperations(tx.queries, change.id, tx.at);
  // A rollback has no branch of its own; what it was to take back stays.
  if (change.kind === "submission") await journal.queueOperation(tx.queries, change, "discard", tx.at);
  await tx.record({
    actor: system,
    action: `change.${outcome}`,
    resource: `change:${change.plan_id}`,
    status: "failed",
    planId: change.plan_id,
    metadata: { approval: approval.id, expires_at: approval.expires_at },
  });
}

const sayWhy = (): Refusal =>
  invalidPayload([
    fieldError(
      "approval_reason",
      "say why it is rejected: its author has to know what to change",
      "diga por que rejeita: o autor precisa saber o que mudar",
    ),
  ]);

const decidedAlready = (status: string | undefined): Refusal =>
  new Refusal(
    "already_decided",
    text(
      `This approval is ${status ?? "gone"} already`,
      `Esta aprovação já está em: ${status ?? "inexistente"}`,
    ),
  );

const notReady = (): Refusal =>
  new Refusal(
    "repository_unavailable",
    text(
      "The branch of this change is not there yet, so there is nothing to decide on. It is being tried again.",
      "A branch desta mudança ainda não existe, então não há o que decidir. Será tentado de novo.",
    ),
  );

const expired = (at: string): Refusal =>
  new Refusal(
    "stale_plan",
    text(`The approval expired at ${at}. Plan it again.`, `A aprovação expirou em ${at}. Planeje de novo.`),
  );

const policyMoved = (): Refusal =>
  new Refusal(
    "stale_plan",
    text(
      "policies/approvals.yaml has changed since this was submitted. Plan it again.",
      "policies/approvals.yaml mudou desde a submissão. Planeje de novo.",
    ),
  );
