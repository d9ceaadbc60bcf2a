import { fromJson } from "../../db/json.ts";
import { z } from "zod";
import { onBehalfOfSchema, pullRequestSchema } from "@ciclo/contract";
import {
  type AuditEvent,
  type ChangeDetail,
  type Locale,
  type Plan,
  type PlanExecutionResult,
  type Text,
} from "@ciclo/contract";
import type { Context } from "./deps.ts";
import { waitingReason } from "./journal.ts";
import * as journal from "./journal-store.ts";
import { describeState, noApprovals, tally } from "./rules.ts";
import * as store from "./store.ts";
import { votesShown } from "./votes.ts";

/** A record as the contract answers it. `message` replaces the sentence on its state. */
export async function presentChange(
  context: Context,
  change: store.Change,
  locale: Locale,
  message?: Text,
): Promise<PlanExecutionResult> {
  const { queries } = context;
  const submission =
    change.kind === "submission"
      ? change
      : ((await store.findByPlan(queries, change.plan_id, "submission")) ?? change);
  const approval =
    (await store.findApproval(queries, "change_record_id", change.id)) ??
    (await store.findApproval(queries, "change_record_id", submission.id));
  const votes = approval === undefined ? [] : await votesShown(context, approval);
  const approvals =
    approval === undefined ? noApprovals : tally(approval.requirements, votes, approval.expires_at);
  const missing = Math.max(0, ...approvals.requirements.map(({ required, given }) => required - given));
  const reason = waitingReason(await journal.unfinished(queries, change.id));
  const state = describeState({ ...change, missing, base: change.base_branch, reason });
  return {
    record_id: change.id,
    plan_id: change.plan_id,
    mode: change.mode as PlanExecutionResult["mode"],
    status: change.status as PlanExecutionResult["status"],
    outcome: change.outcome as PlanExecutionResult["outcome"],
    branch: change.branch,
    base_branch: change.base_branch,
    commit_sha: change.commit_sha,
    left_at: change.left_at,
    diff: { stat: change.diff_stat, patch: change.diff_patch },
    requested_by: change.actor,
    on_behalf_of: onBehalfOf(change),
    hitl_required: change.status === "hitl_required",
    approval_id: approval?.id ?? null,
    approvals,
    pull_request:
      submission.pull_request === null ? null : fromJson(pullRequestSchema, submission.pull_request),
    message: (message ?? state)[locale],
    threadId: change.thread_id,
  };
}

const metadataSchema = z.object({ on_behalf_of: onBehalfOfSchema.nullish() });

export const onBehalfOf = ({ metadata }: store.Change): PlanExecutionResult["on_behalf_of"] =>
  fromJson(metadataSchema, metadata).on_behalf_of ?? null;

export function presentDetail(
  result: PlanExecutionResult,
  plan: Plan,
  events: readonly AuditEvent[],
  stalePaths: string[],
  canary: ChangeDetail["canary"],
): Omit<ChangeDetail, "author_id" | "tool_changes"> {
  const timeline = events.map((event) => ({
    at: event.at,
    type: event.action,
    actor: event.actor_name,
    status: event.status,
    detail: detailOf(event),
    reason: textOf(event.metadata["reason"]),
    commit: textOf(event.metadata["commit"]),
  }));
  return { ...result, plan, timeline, stale_paths: stalePaths, canary };
}

const textOf = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

function detailOf({ status, metadata }: AuditEvent): string {
  const shown = Object.entries(metadata)
    .filter(([name, value]) => value !== null && name !== "request_id" && name !== "address")
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return [...(status === "succeeded" ? [] : [status]), ...shown].join("; ");
}
