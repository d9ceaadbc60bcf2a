import { type Decision, type Locale, type PlanExecutionResult, text } from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";
import { fieldError, invalidPayload, notFound, Refusal } from "../../errors.ts";
import { type Actor, type RecordEntry, system } from "../../domain/actor.ts";
import type { Requirement } from "../../domain/approvals.ts";
import { stamp } from "../../lib/clock.ts";
import type { Context } from "./deps.ts";
import * as journal from "./journal-store.ts";
import { presentChange } from "./present.ts";
import { bindingOf, isApproved, type Vote, votingProblem } from "./rules.ts";
import * as store from "./store.ts";
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
  if (decision.approval_decision === "reject" && (decision.approval_reason ?? "").trim() === "")
    throw sayWhy();
  const found = await findDecidable(context, decision);
  await refuseSecrets(context, "approval_reason", decision.approval_reason);
  return context.database.exclusively(`change:${found.plan_id}`, async () => {
    const standing = await standingOf(context, found);
    const refusal = await context.transaction((queries, record) =>
      vote({ context, queries, record, actor, decision, standing }),
    );
    await runUnfinished(context, found.change_record_id);
    if (refusal !== null) throw refusal;
    const change = await store.mustFindChange(context.queries, found.change_record_id);
    return presentChange(context.queries, change, locale);
  });
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
};

/**
 * The decision itself, in one transaction. What it finds expired or stale it ends,
 * and answers with the refusal, so that the ending is kept.
 */
async function vote(ballot: Ballot): Promise<Refusal | null> {
  const { queries, actor, decision, context } = ballot;
  const approval = await store.findApproval(queries, "id", decision.approval_id);
  if (approval === undefined || approval.status !== "pending") throw decidedAlready(approval?.status);
  const change = await store.mustFindChange(queries, approval.change_record_id);
  if (change.status !== "hitl_required") throw notReady();
  const votes = await store.votesOf(queries, approval.id);
  const others = await countOthers(ballot, approval.requirements);
  // Whoever asks for a rollback has voted with that; no rule of self-approval concerns them.
  const authorId = change.kind === "rollback" ? null : change.actor_id;
  const problem = votingProblem(
    actor,
    approval.requirements,
    votes,
    authorId,
    (requirement) => others.get(requirement) ?? 0,
  );
  if (problem !== null && !(problem.code === "self_approval" && decision.approval_decision === "reject"))
    throw problem;
  const now = stamp(context.clock());
  if (approval.expires_at <= now) return endChange(ballot, approval, change, "expired");
  if (decision.approval_decision === "approve" && isStale(approval, ballot.standing)) {
    return endChange(ballot, approval, change, "stale");
  }
  await castVote(ballot, approval, change, votes, now);
  return null;
}

function isStale(approval: store.Approval, standing: Standing): boolean {
  const binding = bindingOf(approval.patch_sha256, approval.base_commit, standing.policyVersion);
  return standing.stalePaths.length > 0 || binding !== approval.binding;
}

async function countOthers(
  ballot: Ballot,
  requirements: readonly Requirement[],
): Promise<Map<Requirement, number>> {
  const counted = new Map<Requirement, number>();
  for (const requirement of requirements) {
    counted.set(
      requirement,
      await ballot.context.countOthers(ballot.queries, ballot.actor.id ?? "", requirement.roles),
    );
  }
  return counted;
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
    await store.resolveApproval(queries, approval.id, "approved", at);
    await store.updateChange(queries, change.id, { status: "in_progress", updated_at: at });
    await journal.queueOperation(queries, change, change.kind === "rollback" ? "revert" : "land", at);
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

/** Votes as they count now: an approval holds while its voter is active, in the roles held today. */
async function standingVotes(context: Context, queries: Queries, votes: readonly Vote[]): Promise<Vote[]> {
  const held = await context.activeRoles(
    queries,
    votes.map(({ user_id }) => user_id),
  );
  return votes.map((each) => ({
    ...each,
    roles: each.roles.filter((role) => held.get(each.user_id)?.includes(role)),
  }));
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
