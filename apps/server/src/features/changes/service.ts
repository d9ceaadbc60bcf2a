import { z } from "zod";
import { planExecutionResultSchema, riskSchema } from "@ciclo/contract";
import { fromJson } from "../../db/json.ts";
import {
  type ApprovalItem,
  type AuditEvent,
  type ChangeDetail,
  type ChangeSummary,
  type Decision,
  type Locale,
  type PlanExecutionResult,
  type RollbackPreview,
  type Submission,
  type Text,
  text,
} from "@ciclo/contract";
import { notFound, Refusal } from "../../errors.ts";
import type { Purge } from "../../domain/retention.ts";
import type { Actor } from "../../domain/actor.ts";
import { stamp } from "../../lib/clock.ts";
import { canonicalJson, sha256 } from "../../lib/crypto.ts";
import { encodeCursor, type Page, toPage } from "../../lib/page.ts";
import { decide, stalePathsOf, mayStop, settleVotes } from "./decide.ts";
import type { ChangesDeps, Context } from "./deps.ts";
import { waitingReason } from "./journal.ts";
import * as journal from "./journal-store.ts";
import { hanging, hangs } from "./hanging.ts";
import { leftLive, sayLeft, watchLiveBranch } from "./rewritten.ts";
import { presentDetail, presentChange, onBehalfOf } from "./present.ts";
import { createProcedures, ensureCommit } from "./procedures.ts";
import { syncBranch, syncPlan } from "./pull-requests.ts";
import { reconcile } from "./reconcile.ts";
import { rollback, type RollbackRequest, isVoid } from "./rollback.ts";
import { previewRollback } from "./rollback-preview.ts";
import { othersThan, votingProblem } from "../../lib/votes.ts";
import { tally } from "./rules.ts";
import { authorsOf, votesShown } from "./votes.ts";
import * as store from "./store.ts";
import { submit } from "./submit.ts";

export type ChangesService = {
  submit(actor: Actor, submission: Submission, locale: Locale): Promise<PlanExecutionResult>;
  decide(actor: Actor, decision: Decision, locale: Locale): Promise<PlanExecutionResult>;
  rollback(actor: Actor, request: RollbackRequest, locale: Locale): Promise<PlanExecutionResult>;
  /** What a rollback would do now. */
  previewRollback(planId: string, locale: Locale): Promise<RollbackPreview>;
  /** Changes whose next step keeps failing, then those that nobody could approve, with the reason. */
  waiting(): Promise<{ planId: string; reason: Text }[]>;
  refresh(actor: Actor, planId: string, locale: Locale): Promise<PlanExecutionResult>;
  /** Takes in what the forge says of a branch; false when it is not one of ours. */
  syncBranch(branch: string): Promise<boolean>;
  /** Runs `work` once for a caller's key; a repeat gets the first answer. */
  once(
    actor: Actor,
    key: string | undefined,
    request: unknown,
    work: () => Promise<PlanExecutionResult>,
  ): Promise<PlanExecutionResult>;
  /** Whether a change of this plan has come to its end, so that a new plan needs a new id. */
  isSpent(planId: string): Promise<boolean>;
  /** How the change of a plan ended; null while it has not, or there is none. */
  outcomeOf(planId: string): Promise<"applied" | "other" | null>;
  list(filter: store.ChangeFilter): Promise<Page<ChangeSummary>>;
  get(planId: string, locale: Locale): Promise<ChangeDetail>;
  inbox(
    actor: Actor,
    filter: { status?: string | undefined; cursor?: string | undefined; limit: number },
    locale: Locale,
  ): Promise<Page<ApprovalItem>>;
  purgeAnswers: Purge;
  purgeOperations: Purge;
  /** Makes sure that the commit of a submission is in this node's repository. */
  ensureCommit(changeId: string): Promise<void>;
  /** Changes that landed and that the live branch holds no more, because somebody rewrote it. */
  leftLive(): Promise<{ planId: string; reason: Text }[]>;
  /** Sees whether somebody rewrote the live branch, and records what left it or came back. */
  watchLiveBranch(): Promise<void>;
  /** Finishes what was left, and ends approvals whose time is over. `all` also takes up what waits for its next attempt. */
  reconcile(how: { all: boolean; signal?: AbortSignal }): Promise<void>;
  /** Lands what has its votes since somebody came back, or has a role again. */
  settleVotes(): Promise<void>;
};

export type ChangesServiceDeps = ChangesDeps & {
  /** Audit entries of a plan, oldest first. */
  eventsOf(planId: string): Promise<AuditEvent[]>;
  /** The newest canary of a plan's change. */
  canaryOf(planId: string, locale: Locale): Promise<ChangeDetail["canary"]>;
};

export function createChangesService(deps: ChangesServiceDeps): ChangesService {
  const context: Context = { ...deps, queries: deps.database.queries, procedures: createProcedures(deps) };
  const { queries } = context;
  return {
    submit: (actor, submission, locale) => submit(context, actor, submission, locale),
    decide: (actor, decision, locale) => decide(context, actor, decision, locale),
    rollback: (actor, request, locale) => rollback(context, actor, request, locale),
    previewRollback: (planId, locale) => previewRollback(context, planId, locale),
    async waiting() {
      const operations = await journal.failing(queries);
      return [
        ...operations.map((operation) => ({
          planId: operation.plan_id,
          reason: waitingReason(operation) ?? text("", ""),
        })),
        ...(await hanging(context)),
      ];
    },
    leftLive: () => leftLive(context),
    watchLiveBranch: () => watchLiveBranch(context),
    refresh: (actor, planId, locale) => syncPlan(context, actor, planId, locale),
    syncBranch: (branch) => syncBranch(context, branch),
    once: (actor, key, request, work) => once(context, actor, key, request, planExecutionResultSchema, work),
    async isSpent(planId) {
      const change = await store.findByPlan(queries, planId, "submission");
      return change?.status === "failed" || change?.status === "completed";
    },
    async outcomeOf(planId) {
      const change = await store.findByPlan(queries, planId, "submission");
      if (change?.status !== "failed" && change?.status !== "completed") return null;
      return change.outcome === "applied" ? "applied" : "other";
    },
    async list(filter) {
      const rows = await store.listChanges(queries, filter);
      return toPage(rows, filter.limit, (row) => encodeCursor(row.created_at, row.record_id));
    },
    get: (planId, locale) => getChange(context, deps, planId, locale),
    async inbox(actor, filter, locale) {
      const rows = await store.listApprovals(queries, filter);
      const page = toPage(rows, filter.limit, (row) => encodeCursor(row.created_at, row.id));
      const items = await Promise.all(
        page.items.map((approval) => presentApproval(context, actor, approval, locale)),
      );
      return { ...page, items };
    },
    purgeAnswers: (before, limit) => store.deleteAnswersBefore(queries, before, limit),
    purgeOperations: (before, limit) =>
      deps.database.transaction((on) => journal.deleteEndedBefore(on, before, limit)),
    async ensureCommit(changeId) {
      const change = await store.findChange(queries, changeId);
      if (change?.kind === "submission" && change.commit_sha !== null) await ensureCommit(context, change);
    },
    reconcile: (how) => reconcile(context, how),
    settleVotes: () => settleVotes(context),
  };
}

async function getChange(
  context: Context,
  deps: ChangesServiceDeps,
  planId: string,
  locale: Locale,
): Promise<ChangeDetail> {
  const { queries, findPlan } = context;
  const rollback = await store.findByPlan(queries, planId, "rollback");
  // One that was refused, or that the live branch has lost, leaves the change as it is.
  const change =
    rollback === undefined || isVoid(rollback)
      ? await store.findByPlan(queries, planId, "submission")
      : rollback;
  const planned = await findPlan(planId);
  if (change === undefined || planned === undefined) {
    throw notFound(
      `No change of plan ${planId}. See: ciclo changes`,
      `Não há mudança do plano ${planId}. Veja: ciclo changes`,
    );
  }
  const lost = [rollback, change].find((row) => (row?.left_at ?? null) !== null);
  const remark = lost === undefined ? await hangs(context, change) : sayLeft(lost);
  const result = await presentChange(context, change, locale, remark ?? undefined);
  const approval = result.hitl_required
    ? await store.findApproval(queries, "change_record_id", change.id)
    : undefined;
  const stale = approval === undefined ? [] : await stalePathsOf(context, approval);
  const canary = await deps.canaryOf(planId, locale);
  return {
    ...presentDetail(result, planned.plan, await deps.eventsOf(planId), stale, canary),
    author_id: change.actor_id,
    tool_changes: await context.toolChanges(planned.plan),
  };
}

async function presentApproval(
  context: Context,
  actor: Actor,
  approval: store.Approval,
  locale: Locale,
): Promise<ApprovalItem> {
  const { queries } = context;
  const change = await store.mustFindChange(queries, approval.change_record_id);
  const votes = await votesShown(context, approval);
  const authors = await authorsOf(context, change);
  const people = await context.activeRoles(queries);
  const isRollback = change.kind === "rollback";
  const blocked =
    approval.status === "pending"
      ? votingProblem(actor, approval.requirements, votes, authors, (requirement) =>
          othersThan(authors, people, requirement),
        )
      : ended(approval.status);
  return {
    id: approval.id,
    plan_id: approval.plan_id,
    record_id: change.id,
    summary: change.summary,
    status: approval.status as ApprovalItem["status"],
    branch: change.branch,
    base_branch: change.base_branch,
    commit_sha: change.commit_sha,
    kind: isRollback ? "rollback" : "submission",
    requested_by: change.actor,
    on_behalf_of: onBehalfOf(change),
    created_at: approval.created_at,
    approvals: tally(approval.requirements, votes, approval.expires_at),
    risk: worstOf(change.risks),
    can_reject: blocked === null || (approval.status === "pending" && mayStop(actor, change, blocked)),
    can_decide: blocked === null,
    blocked_reason: blocked?.detail[locale] ?? null,
  };
}

function worstOf(risks: string): ApprovalItem["risk"] {
  const impacts = new Set(fromJson(z.array(riskSchema), risks).map(({ impact }) => impact));
  return (["high", "medium", "low"] as const).find((impact) => impacts.has(impact)) ?? null;
}

const ended = (status: string): Refusal =>
  new Refusal(
    "already_decided",
    text(`This approval is ${status} already`, `Esta aprovação já está em: ${status}`),
  );

async function once<T>(
  { database, queries, clock }: Context,
  actor: Actor,
  key: string | undefined,
  request: unknown,
  answers: z.ZodType<T>,
  work: () => Promise<T>,
): Promise<T> {
  if (key === undefined) return work();
  const userId = actor.id ?? actor.name;
  const requestHash = sha256(canonicalJson(request));
  return database.exclusively(`idempotency:${userId}:${key}`, async () => {
    const before = await store.findAnswer(queries, userId, key);
    if (before === undefined) {
      const answer = await work();
      await store.keepAnswer(queries, {
        user_id: userId,
        key,
        request_hash: requestHash,
        response: JSON.stringify(answer),
        created_at: stamp(clock()),
      });
      return answer;
    }
    if (before.request_hash !== requestHash) throw otherRequest();
    return fromJson(answers, before.response);
  });
}

const otherRequest = (): Refusal =>
  new Refusal(
    "idempotency_conflict",
    text(
      "This Idempotency-Key was used for another request. Use a new one.",
      "Este Idempotency-Key já foi usado em outro pedido. Use um novo.",
    ),
  );
