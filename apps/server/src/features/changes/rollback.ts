import { fromJson } from "../../db/json.ts";
import { pullRequestSchema } from "@ciclo/contract";
import { type Locale, permits, type PlanExecutionResult, type Text, text } from "@ciclo/contract";
import { fieldError, insufficientPermission, invalidPayload, notFound, Refusal } from "../../errors.ts";
import type { Actor } from "../../domain/actor.ts";
import type { Requirement } from "../../domain/approvals.ts";
import type { Queries } from "../../db/dialect.ts";
import { durationMs, stamp } from "../../lib/clock.ts";
import { newId } from "../../lib/ids.ts";
import type { Context } from "./deps.ts";
import * as journal from "./journal-store.ts";
import { presentChange } from "./present.ts";
import { nowOf } from "./procedures.ts";
import { isApproved, type Vote } from "../../lib/votes.ts";
import { bindingOf } from "./rules.ts";
import * as store from "./store.ts";
import { refuseSecrets, runUnfinished } from "./submit.ts";

export type RollbackRequest = {
  plan_id: string;
  branch?: string | undefined;
  reason?: string | undefined;
  /** What the rollback ends as; `rolled_back` when left out. */
  outcome?: "canary_failed" | undefined;
};

/** Whether a rollback has come to its end, and the live branch has not lost it since. */
export const isTakenBack = ({ outcome, left_at }: Pick<store.Change, "outcome" | "left_at">): boolean =>
  (outcome === "rolled_back" || outcome === "canary_failed") && left_at === null;

/** Takes a change back: an unmerged one loses its branch, a merged one gets a revert commit. */
export async function rollback(
  context: Context,
  actor: Actor,
  request: RollbackRequest,
  locale: Locale,
): Promise<PlanExecutionResult> {
  await refuseSecrets(context, "reason", request.reason);
  return context.database.exclusively(`change:${request.plan_id}`, async () => {
    const change = await findChange(context, request);
    const before = await store.findByPlan(context.queries, change.plan_id, "rollback");
    if (before !== undefined && !isVoid(before)) return resume(context, actor, before, locale);
    await settleLanding(context, change);
    const settled = (await store.findChange(context.queries, change.id)) ?? change;
    if (settled.outcome !== null && settled.outcome !== "applied") {
      return presentChange(context, settled, locale, nothingLeft(settled.outcome));
    }
    if (settled.outcome === "applied" && settled.landed_sha === null) throw unknownCommit(settled);
    refuseOthers(actor, settled);
    const ballot = await ballotOf(context, actor, settled, request);
    const row = await begin(context, actor, settled, { ...request, ballot, before: before ?? null });
    await runUnfinished(context, settled.outcome === "applied" ? row.id : settled.id);
    return finish(context, row, locale);
  });
}

/** Whether a rollback has come to nothing: what it was to take back stands. */
export const isVoid = ({ kind, status, outcome, left_at }: store.Change): boolean =>
  kind === "rollback" &&
  status === "failed" &&
  (outcome === "rejected" || outcome === "expired" || outcome === "stale" || left_at !== null);

/** Taking back is for those who may roll back; authors withdraw what has not landed. */
function refuseOthers(actor: Actor, change: store.Change): void {
  if (actor.id === null || permits(actor.roles, "rollback")) return;
  if (change.outcome !== "applied" && change.actor_id === actor.id) return;
  throw insufficientPermission(["rollback"]);
}

/** What the rules that hold now ask of a rollback beyond the vote of who asks for it; null where nothing. */
type Ballot = {
  requirements: Requirement[];
  policyVersion: string;
  patchSha256: string;
  head: string;
  vote: Vote;
};

/** What the rules of today ask of a change of the same paths. */
export async function askedNow(context: Context, change: store.Change) {
  const planned = await context.findPlan(change.plan_id);
  if (planned === undefined) throw new Error(`change ${change.id} has no plan`);
  const head = await context.repository.refresh();
  const snapshot = await context.repository.snapshot(head);
  const requirements = context.requirementsFor(snapshot, context.planFiles(planned.plan).keys());
  return { head, snapshot, plan: planned.plan, requirements };
}

async function ballotOf(
  context: Context,
  actor: Actor,
  change: store.Change,
  { outcome, reason }: RollbackRequest,
): Promise<Ballot | null> {
  // A canary takes back what it finds bad at once; what has not landed needs nobody's leave.
  if (outcome === "canary_failed" || change.outcome !== "applied") return null;
  const { head, snapshot, plan, requirements } = await askedNow(context, change);
  const vote: Vote = {
    user_id: actor.id ?? actor.name,
    actor: actor.name,
    roles: [...actor.roles],
    decision: "approve",
    reason: reason ?? null,
    at: nowOf(context),
  };
  if (isApproved(requirements, [vote])) return null;
  const { patch_sha256: patchSha256 } = plan;
  return { requirements, policyVersion: snapshot.approvalsVersion, patchSha256, head, vote };
}

/** Asks for the votes that a rollback still needs; the first is that of who asks. */
async function askVotes(
  queries: Queries,
  row: store.Change,
  { requirements, policyVersion, patchSha256, head, vote }: Ballot,
): Promise<void> {
  const shortest = Math.min(...requirements.map(({ expires_after }) => durationMs(expires_after)));
  const id = newId();
  await store.insertApproval(queries, {
    id,
    plan_id: row.plan_id,
    change_record_id: row.id,
    status: "pending",
    patch_sha256: patchSha256,
    base_commit: head,
    policy_version: policyVersion,
    binding: bindingOf(patchSha256, head, policyVersion),
    requirements,
    expires_at: stamp(new Date(Date.parse(row.created_at) + shortest)),
    created_at: row.created_at,
    resolved_at: null,
  });
  await store.insertVote(queries, id, vote);
}

export async function findChange({ queries }: Context, request: RollbackRequest): Promise<store.Change> {
  const change = await store.findByPlan(queries, request.plan_id, "submission");
  if (change === undefined) {
    throw notFound(
      `No change of plan ${request.plan_id}. See: ciclo changes`,
      `Não há mudança do plano ${request.plan_id}. Veja: ciclo changes`,
    );
  }
  if (request.branch !== undefined && request.branch !== change.branch) {
    throw invalidPayload([
      fieldError("branch", `the plan's branch is ${change.branch}`, `a branch do plano é ${change.branch}`),
    ]);
  }
  return change;
}

/** What stands on the base branch already is recorded first. */
async function settleLanding(context: Context, change: store.Change): Promise<void> {
  if ((await landingNotRecorded(context, change)) !== null) await runUnfinished(context, change.id);
}

/** The commit by which an approved change stands on the base branch though its record does not say so yet. */
export async function landingNotRecorded(
  { queries, repository, forge }: Context,
  change: store.Change,
): Promise<string | null> {
  const operation = await journal.unfinished(queries, change.id);
  if (operation?.kind !== "land" || change.commit_sha === null) return null;
  await repository.refresh();
  const landed = await repository.landedAs(change.commit_sha);
  if (landed !== null || forge === null || change.pull_request === null) return landed;
  const { number } = fromJson(pullRequestSchema, change.pull_request);
  const { state, merge_commit } = await forge.read(number);
  return state === "merged" ? (merge_commit ?? change.commit_sha) : null;
}

/** Adds the rollback's row, and queues what it has to do, in one transaction. */
async function begin(
  context: Context,
  actor: Actor,
  change: store.Change,
  {
    reason,
    outcome,
    ballot,
    before,
  }: Pick<RollbackRequest, "reason" | "outcome"> & { ballot: Ballot | null; before: store.Change | null },
): Promise<store.Change> {
  const at = nowOf(context);
  const isMerged = change.outcome === "applied";
  const row: store.Change = {
    ...change,
    id: newId(),
    kind: "rollback",
    actor: actor.name,
    actor_email: actor.email,
    actor_id: actor.id,
    status: !isMerged ? "failed" : ballot === null ? "in_progress" : "hitl_required",
    outcome: isMerged ? null : "rolled_back",
    commit_sha: isMerged ? null : change.commit_sha,
    left_at: null,
    metadata: JSON.stringify({ reason: reason ?? null, rolls_back: change.id, outcome }),
    created_at: at,
    updated_at: at,
  };
  await context.transaction(async (queries, record) => {
    // The audit log keeps what became of one that was refused before.
    if (before !== null) await store.deleteWithApproval(queries, before.id);
    if (!(await store.insertChange(queries, row))) throw underWay(change);
    if (ballot !== null) {
      await askVotes(queries, row, ballot);
    } else if (isMerged) {
      await journal.queueOperation(queries, row, "revert", at);
    } else {
      await journal.cancelOperations(queries, change.id, at);
      const approval = await store.findApproval(queries, "change_record_id", change.id);
      if (approval !== undefined) await store.resolveApproval(queries, approval.id, "superseded", at);
      await store.updateChange(queries, change.id, {
        status: "failed",
        outcome: "rolled_back",
        updated_at: at,
      });
      await journal.queueOperation(queries, change, "discard", at);
    }
    await record({
      actor,
      action: isMerged ? "change.rollback_requested" : "change.rolled_back",
      resource: `change:${change.plan_id}`,
      status: "succeeded",
      planId: change.plan_id,
      metadata: {
        reason: reason ?? null,
        branch: change.branch,
        merged: isMerged,
        commit: change.landed_sha,
      },
    });
  });
  return row;
}

async function resume(
  context: Context,
  actor: Actor,
  row: store.Change,
  locale: Locale,
): Promise<PlanExecutionResult> {
  if (row.status === "hitl_required" && row.actor_id !== actor.id) throw askedAlready(row);
  if (isTakenBack(row)) {
    return presentChange(context, row, locale, doneAlready(row));
  }
  await runUnfinished(context, row.id);
  return finish(context, row, locale);
}

async function finish(context: Context, row: store.Change, locale: Locale): Promise<PlanExecutionResult> {
  const after = await store.findChange(context.queries, row.id);
  if (after === undefined) throw conflict(row);
  return presentChange(context, after, locale);
}

export const conflict = (row: store.Change): Refusal =>
  new Refusal(
    "revert_conflict",
    text(
      `Later changes build on ${row.plan_id} or touch the same lines. Take those back first, or plan a change that sets the values you want.`,
      `Mudanças posteriores dependem de ${row.plan_id} ou tocam as mesmas linhas. Reverta-as antes ou planeje uma mudança com os valores desejados.`,
    ),
  );

export const unknownCommit = (change: store.Change): Refusal =>
  new Refusal(
    "revert_conflict",
    text(
      `The forge does not say which commit brought ${change.plan_id} to ${change.base_branch}. Plan a change that sets the values you want.`,
      `O forge não diz qual commit levou ${change.plan_id} a ${change.base_branch}. Planeje uma mudança com os valores desejados.`,
    ),
  );

export const doneAlready = (row: store.Change): Text =>
  text(
    `Rolled back already, by ${row.actor} at ${row.created_at}`,
    `Já revertida por ${row.actor} em ${row.created_at}`,
  );

const askedAlready = (row: store.Change): Refusal =>
  new Refusal(
    "already_decided",
    text(
      `${row.actor} has asked to roll ${row.plan_id} back, and it waits for votes: approve that instead (ciclo approve ${row.plan_id})`,
      `${row.actor} já pediu a reversão de ${row.plan_id}, que espera por votos: aprove-a (ciclo approve ${row.plan_id})`,
    ),
  );

const underWay = (change: store.Change): Refusal =>
  new Refusal(
    "already_decided",
    text(
      `${change.plan_id} is being rolled back already. See: ciclo changes ${change.plan_id}`,
      `${change.plan_id} já está sendo revertida. Veja: ciclo changes ${change.plan_id}`,
    ),
  );

export const nothingLeft = (outcome: string) =>
  text(
    `Nothing to roll back: the change ended as ${outcome} and its branch is gone`,
    `Nada a reverter: a mudança terminou como ${outcome} e sua branch não existe mais`,
  );
