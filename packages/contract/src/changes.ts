import { z } from "zod";
import { cursorSchema, pageSize } from "./paging.ts";
import { planSchema, riskSchema } from "./plans.ts";
import {
  approvalStatuses,
  auditStatuses,
  canaryStates,
  changeModes,
  changeOutcomes,
  changeStatuses,
} from "./vocabulary.ts";

const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}<>]*[\p{L}\p{N}][^\p{Cc}<>]*$/u, {
      error: "one line with a letter or digit, without angle brackets",
    });
const reason = z.string().trim().max(4000);

/** Whether a reason says something: a letter or digit that can be seen. */
export const saysWhy = (said: string | undefined): boolean =>
  /(?!\p{Default_Ignorable_Code_Point})[\p{L}\p{N}]/u.test(said ?? "");
const planId = z.string().min(1).max(120);

export const submissionSchema = z.strictObject({
  plan: planSchema,
  patch: z.string().max(5_000_000),
  actor: line(200),
  actor_email: z.email().max(320).optional().describe("Needed for every mode but dry_run"),
  mode: z.enum(changeModes).default("branch_pr"),
  commit_message: z.string().trim().min(1).max(10_000).optional(),
  threadId: z.string().max(100).optional(),
});
export type Submission = z.infer<typeof submissionSchema>;

export const decisionSchema = z.strictObject({
  approval_id: z.string().min(1).max(100),
  approval_decision: z.enum(["approve", "reject"]),
  approval_reason: reason.optional(),
  plan_id: planId.optional(),
});
export type Decision = z.infer<typeof decisionSchema>;

export const rollbackSchema = z.strictObject({
  plan_id: planId,
  branch: z.string().max(250).optional(),
  reason: reason.optional(),
});

/** What a rollback would do to the live branch as it stands. */
export const rollbackPreviewSchema = z.object({
  /** `withdraw` removes an unmerged branch, `revert` adds a commit, `none` has nothing to take back. */
  effect: z.enum(["withdraw", "revert", "none"]),
  branch: z.string(),
  base_branch: z.string(),
  /** The commit that would be reverted. */
  landed_sha: z.string().nullable(),
  pull_request: z.string().nullable(),
  files: z.array(z.object({ path: z.string(), effect: z.enum(["restored", "removed", "changed"]) })),
  /** Paths for which it would be refused with `revert_conflict`. */
  conflicts: z.array(z.string()),
  /** One sentence for whoever decides. */
  message: z.string(),
});
export type RollbackPreview = z.infer<typeof rollbackPreviewSchema>;

export const refreshSchema = z.strictObject({ plan_id: planId });

export const decisionRecordSchema = z.object({
  actor: z.string(),
  decision: z.enum(["approve", "reject"]),
  reason: z.string().nullable(),
  at: z.string(),
});

export const requirementSchema = z.object({
  /** `default`, or the name of the rule in `policies/approvals.yaml`. */
  rule: z.string(),
  required: z.int(),
  given: z.int(),
  roles: z.array(z.string()),
  self_approval: z.enum(["never", "only_approver", "always"]),
});

export const approvalTallySchema = z.object({
  required: z.int(),
  given: z.int(),
  decisions: z.array(decisionRecordSchema),
  requirements: z.array(requirementSchema),
  expires_at: z.string().nullable(),
});
export type ApprovalTally = z.infer<typeof approvalTallySchema>;

export const pullRequestSchema = z.object({
  provider: z.enum(["github", "gitlab"]),
  number: z.int(),
  url: z.string(),
  state: z.enum(["open", "closed", "merged"]),
  head: z.string(),
  /** The commit on the base branch, once merged: also of a squash or rebase. */
  merge_commit: z.string().nullable(),
  checks: z.array(z.object({ name: z.string(), status: z.string(), url: z.string().nullable() })),
  reviews: z.array(z.object({ author: z.string(), state: z.string() })),
  /** What the console's token may not read at the forge. */
  hidden: z.array(z.enum(["checks", "reviews"])).default([]),
  synced_at: z.string(),
});
export type PullRequest = z.infer<typeof pullRequestSchema>;

export const onBehalfOfSchema = z.object({ name: z.string(), email: z.string().nullable() });

export const planExecutionResultSchema = z.object({
  /** Row of `change_plans`; null for a dry run, which leaves none. */
  record_id: z.string().nullable(),
  plan_id: z.string(),
  mode: z.enum(changeModes),
  status: z.enum(changeStatuses),
  outcome: z.enum(changeOutcomes).nullable(),
  branch: z.string(),
  base_branch: z.string(),
  commit_sha: z.string().nullable(),
  /** Since when the base branch is seen without it, though it landed: somebody rewrote the branch. */
  left_at: z.string().nullable(),
  diff: z.object({ stat: z.string(), patch: z.string() }),
  /** Who was signed in: the author. */
  requested_by: z.string(),
  /** Who the author said that it is for, where that is somebody else. It decides nothing. */
  on_behalf_of: onBehalfOfSchema.nullable(),
  hitl_required: z.boolean(),
  approval_id: z.string().nullable(),
  approvals: approvalTallySchema,
  pull_request: pullRequestSchema.nullable(),
  message: z.string(),
  threadId: z.string().nullable(),
});
export type PlanExecutionResult = z.infer<typeof planExecutionResultSchema>;

export const timelineEntrySchema = z.object({
  at: z.string(),
  type: z.string(),
  actor: z.string(),
  status: z.enum(auditStatuses),
  /** Everything recorded with it, on one line. */
  detail: z.string(),
  reason: z.string().nullable(),
  commit: z.string().nullable(),
});
export type TimelineEntry = z.infer<typeof timelineEntrySchema>;

export const canarySampleSchema = z.object({
  server: z.string(),
  at: z.string(),
  ok: z.boolean(),
  ms: z.number().nullable(),
});

/** What probes found after a change of a server or agent. */
export const canarySchema = z.object({
  status: z.enum(canaryStates),
  /** What was found, in a sentence, and what a person must do, if anything. */
  detail: z.string(),
  servers: z.array(z.string()),
  /** The policy as it was when the change landed. */
  probes: z.int(),
  max_latency_ms: z.number(),
  max_error_rate: z.number(),
  samples: z.array(canarySampleSchema),
  started_at: z.string(),
  ended_at: z.string().nullable(),
});
export type Canary = z.infer<typeof canarySchema>;

export const canaryDecisionSchema = z.strictObject({
  /** `keep` ends the waiting; `retry` probes again. Taking it back is a rollback. */
  decision: z.enum(["keep", "retry"]),
  reason: reason.optional(),
});

/** What a change makes of one tool, as models are told of it. */
export const toolChangeSchema = z.object({
  server: z.string(),
  tool: z.string(),
  change: z.enum(["added", "changed", "removed"]),
  /** Whether its definitions are known here; else only their hashes are. */
  is_known: z.boolean(),
  /** Title and description where they differ, with the words that were added and taken out. */
  texts: z.array(
    z.object({
      field: z.enum(["title", "description"]),
      before: z.string().nullable(),
      after: z.string().nullable(),
      words: z.array(z.object({ kind: z.enum(["same", "added", "removed"]), text: z.string() })),
    }),
  ),
  /** Everything else that differs, by its place in the definition: `inputSchema.properties.path.type`. */
  places: z.array(
    z.object({
      place: z.string(),
      change: z.enum(["added", "removed", "changed"]),
      before: z.string().nullable(),
      after: z.string().nullable(),
    }),
  ),
  /** How many more there are than are listed. */
  more_places: z.int(),
  /** What its texts hide, or tell whoever reads them to do: a hint, no verdict. */
  suspicions: z.array(
    z.object({ place: z.string(), kind: z.enum(["hidden", "instruction"]), said: z.string() }),
  ),
});
export type ToolChange = z.infer<typeof toolChangeSchema>;

export const changeDetailSchema = planExecutionResultSchema.extend({
  plan: planSchema,
  /** The signed-in author; null for a program on the console's host. */
  author_id: z.string().nullable(),
  tool_changes: z.array(toolChangeSchema),
  timeline: z.array(timelineEntrySchema),
  /** While it waits for approval: files that the base has changed since, so that approving would be refused. */
  stale_paths: z.array(z.string()),
  /** Null where the change touches no server or agent, or has not landed. */
  canary: canarySchema.nullable(),
});
export type ChangeDetail = z.infer<typeof changeDetailSchema>;

export const changeSummarySchema = z.object({
  record_id: z.string(),
  plan_id: z.string(),
  /** A rollback is a row of its own. */
  kind: z.enum(["submission", "rollback"]),
  /** Of a submission: whether it was taken back since. */
  undone: z.boolean(),
  summary: z.string(),
  intent: z.string(),
  actor: z.string(),
  mode: z.enum(changeModes),
  status: z.enum(changeStatuses),
  outcome: z.enum(changeOutcomes).nullable(),
  branch: z.string(),
  base_branch: z.string(),
  commit_sha: z.string().nullable(),
  /** Since when the base branch is seen without it, though it landed: somebody rewrote the branch. */
  left_at: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
});
export type ChangeSummary = z.infer<typeof changeSummarySchema>;

export const changeQuerySchema = z.strictObject({
  cursor: cursorSchema.optional(),
  limit: pageSize,
  status: z.enum(changeStatuses).optional(),
  outcome: z.enum(changeOutcomes).optional(),
  actor: z.string().max(200).optional(),
  intent: z.string().max(100).optional(),
  /** Part of the summary, plan id or branch. */
  search: z.string().trim().min(1).max(200).optional(),
});

export const approvalItemSchema = z.object({
  id: z.string(),
  plan_id: z.string(),
  record_id: z.string(),
  summary: z.string(),
  status: z.enum(approvalStatuses),
  branch: z.string(),
  base_branch: z.string(),
  commit_sha: z.string().nullable(),
  /** A rollback of a change that has landed waits for votes like any other. */
  kind: z.enum(["submission", "rollback"]),
  requested_by: z.string(),
  on_behalf_of: onBehalfOfSchema.nullable(),
  created_at: z.string(),
  approvals: approvalTallySchema,
  /** The worst of the plan's risks. */
  risk: riskSchema.shape.impact.nullable(),
  /** Whether the caller may reject now: authors may, as a withdrawal. */
  can_reject: z.boolean(),
  /** Whether the caller may decide now; otherwise why not. */
  can_decide: z.boolean(),
  blocked_reason: z.string().nullable(),
});
export type ApprovalItem = z.infer<typeof approvalItemSchema>;

export const approvalQuerySchema = z.strictObject({
  status: z.enum(approvalStatuses).optional(),
  cursor: cursorSchema.optional(),
  limit: pageSize,
});
