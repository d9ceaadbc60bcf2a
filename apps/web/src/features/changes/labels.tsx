import type { ChangeDetail, Plan, TimelineEntry } from "@ciclo/contract";
import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { Badge, type icons, type Tone } from "../../ui/badge.tsx";

export type Look = { tone: Tone; icon: keyof typeof icons; label: MessageDescriptor };
type State = Pick<ChangeDetail, "status" | "outcome">;
type Since = { undone?: boolean; left_at?: string | null };

export const statusLooks: Record<State["status"], Look> = {
  pending: { tone: "neutral", icon: "idle", label: msg`Pending` },
  hitl_required: { tone: "warn", icon: "waiting", label: msg`Awaiting approval` },
  in_progress: { tone: "accent", icon: "running", label: msg`In progress` },
  completed: { tone: "ok", icon: "done", label: msg`Completed` },
  failed: { tone: "bad", icon: "failed", label: msg`Failed` },
};

export const outcomeLooks: Record<NonNullable<State["outcome"]>, Look> = {
  applied: { tone: "ok", icon: "done", label: msg`Applied` },
  rejected: { tone: "bad", icon: "stopped", label: msg`Rejected` },
  rolled_back: { tone: "neutral", icon: "undone", label: msg`Rolled back` },
  expired: { tone: "neutral", icon: "stopped", label: msg`Expired` },
  stale: { tone: "warn", icon: "warning", label: msg`Stale` },
  canary_failed: { tone: "bad", icon: "failed", label: msg`Canary failed` },
};

const undoneLook: Look = { tone: "neutral", icon: "undone", label: msg`Applied, taken back since` };

const lostLook: Look = { tone: "bad", icon: "warning", label: msg`Lost from the live branch` };

/** Where a change stands. `undone`: it was applied and taken back; `left_at`: the live branch was rewritten without it. */
export function ChangeBadge({ status, outcome, undone = false, left_at = null }: State & Since) {
  const { i18n } = useLingui();
  const { tone, icon, label } =
    outcome === null
      ? statusLooks[status]
      : undone && outcome === "applied"
        ? undoneLook
        : left_at !== null
          ? lostLook
          : outcomeLooks[outcome];
  return (
    <Badge tone={tone} icon={icon}>
      {i18n._(label)}
    </Badge>
  );
}

export const intentLabels: Record<Plan["intent"], MessageDescriptor> = {
  add_agent: msg`Add an agent`,
  onboard_server: msg`Onboard a server`,
  import_servers: msg`Import servers`,
  edit_server: msg`Change a server`,
  accept_tools: msg`Accept tools`,
  edit_policies: msg`Edit a policy`,
  generate_artifact: msg`Generate an artifact`,
  remove_agent: msg`Remove an agent`,
  remove_server: msg`Remove a server`,
};

export const modeLabels: Record<ChangeDetail["mode"], MessageDescriptor> = {
  branch_pr: msg`Branch, then approval`,
  direct: msg`Directly, as policy allows`,
  dry_run: msg`Dry run`,
};

export const impactLooks: Record<Plan["risks"][number]["impact"], Look> = {
  low: { tone: "neutral", icon: "idle", label: msg`Low` },
  medium: { tone: "warn", icon: "warning", label: msg`Medium` },
  high: { tone: "bad", icon: "warning", label: msg`High` },
};

/** The steps of a change's life, by the action that the audit log records. */
const steps: Record<string, Look> = {
  "chat.message": { tone: "neutral", icon: "idle", label: msg`Asked for in a conversation` },
  "plan.created": { tone: "neutral", icon: "idle", label: msg`Planned` },
  "change.submitted": { tone: "accent", icon: "waiting", label: msg`Submitted for approval` },
  "change.approved": { tone: "ok", icon: "done", label: msg`Approved` },
  "change.rejected": { tone: "bad", icon: "stopped", label: msg`Rejected` },
  "change.applied": { tone: "ok", icon: "done", label: msg`Applied to the live branch` },
  "change.stale": { tone: "warn", icon: "warning", label: msg`Overtaken by another change` },
  "change.expired": { tone: "neutral", icon: "stopped", label: msg`Expired without approval` },
  "change.waiting": { tone: "warn", icon: "waiting", label: msg`Held up, retried automatically` },
  "change.rollback_requested": { tone: "accent", icon: "undone", label: msg`Rollback requested` },
  "change.rolled_back": { tone: "neutral", icon: "undone", label: msg`Rolled back` },
  "change.revert_conflict": { tone: "bad", icon: "failed", label: msg`Rollback met later changes` },
  "change.left_live": {
    tone: "bad",
    icon: "warning",
    label: msg`Lost: the live branch was rewritten without it`,
  },
  "change.back_live": { tone: "ok", icon: "done", label: msg`Back on the live branch` },
  "change.merged_outside": { tone: "ok", icon: "done", label: msg`Merged on the forge` },
  "change.closed_outside": { tone: "bad", icon: "stopped", label: msg`Closed on the forge` },
  "canary.passed": { tone: "ok", icon: "done", label: msg`Canary passed` },
  "canary.failed": { tone: "bad", icon: "failed", label: msg`Canary failed` },
  "canary.inconclusive": { tone: "warn", icon: "waiting", label: msg`Canary waits for a person` },
  "canary.kept": { tone: "neutral", icon: "done", label: msg`Kept in spite of its canary` },
  "canary.retried": { tone: "neutral", icon: "running", label: msg`Canary begun again` },
  "pull_request.synchronised": { tone: "neutral", icon: "idle", label: msg`Pull request read again` },
};

const refused: Look = { tone: "bad", icon: "stopped", label: msg`Refused` };

/** The label is null for a step that this console does not know by name. */
export const stepLook = ({
  type,
  status,
}: Pick<TimelineEntry, "type" | "status">): Omit<Look, "label"> & { label: MessageDescriptor | null } =>
  steps[type] ?? (status === "refused" ? refused : { tone: "neutral", icon: "idle", label: null });
