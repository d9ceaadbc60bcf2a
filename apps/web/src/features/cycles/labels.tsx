import type { Cycle, CycleDetail, CycleStage, CycleState } from "@ciclo/contract";
import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { Badge } from "../../ui/badge.tsx";
import type { Look } from "../changes/labels.tsx";

export const stateLooks: Record<CycleState, Look> = {
  running: { tone: "accent", icon: "running", label: msg`Under way` },
  waiting: { tone: "warn", icon: "waiting", label: msg`Waits for a person` },
  capped: { tone: "warn", icon: "warning", label: msg`Budget used up` },
  paused: { tone: "neutral", icon: "stopped", label: msg`Halted` },
  completed: { tone: "ok", icon: "done", label: msg`Completed` },
  rejected: { tone: "bad", icon: "stopped", label: msg`Rejected` },
  failed: { tone: "bad", icon: "failed", label: msg`Failed` },
  cancelled: { tone: "neutral", icon: "stopped", label: msg`Cancelled` },
  rolling_back: { tone: "accent", icon: "running", label: msg`Being taken back` },
  rolled_back: { tone: "neutral", icon: "undone", label: msg`Taken back` },
};

export const stageLabels: Record<CycleStage, MessageDescriptor> = {
  prepare: msg`Preparation`,
  analyze: msg`Analysis`,
  plan: msg`Planning`,
  execute: msg`Execution`,
  document: msg`Documentation`,
  check: msg`Gates`,
  merge: msg`Merge`,
};

const waitLabels: Record<NonNullable<Cycle["waits_for"]>, MessageDescriptor> = {
  decision: msg`Waits for a decision`,
  answers: msg`Waits for answers`,
  help: msg`Needs help`,
  forge: msg`Waits for the forge`,
  partial: msg`Partly done, the agent broke off`,
};

/** Where a cycle stands, in a word. */
export function CycleBadge({
  state,
  waits_for: wait,
  permissions_open: open,
}: Pick<Cycle, "state" | "waits_for" | "permissions_open">) {
  const { i18n, t } = useLingui();
  const { tone, icon, label } = stateLooks[state];
  if (state === "running" && open > 0) return <Badge tone="warn" icon="waiting">{t`The agent asks`}</Badge>;
  return (
    <Badge tone={state === "waiting" && (wait === "help" || wait === "partial") ? "bad" : tone} icon={icon}>
      {i18n._(state === "waiting" && wait !== null ? waitLabels[wait] : label)}
    </Badge>
  );
}

/** Says of a cycle that nobody answered in it, where that is so. */
export function ReplayBadge({ replay }: Pick<Cycle, "replay">) {
  const { t } = useLingui();
  return replay ? <Badge tone="warn" icon="warning">{t`Replay`}</Badge> : null;
}

export const checkpointTitles: Record<
  NonNullable<CycleDetail["checkpoint"]>["checkpoint"],
  MessageDescriptor
> = {
  analyze: msg`Is this what is wanted?`,
  plan: msg`Is this how it should be done?`,
  merge: msg`May this be merged?`,
};

/** Steps of a cycle's life, by the action that the audit log records. */
const steps: Record<string, Look> = {
  "cycle.started": { tone: "accent", icon: "idle", label: msg`Started` },
  "cycle.stage_done": { tone: "ok", icon: "done", label: msg`Stage done` },
  "cycle.checkpoint": { tone: "warn", icon: "waiting", label: msg`Came to a checkpoint` },
  "cycle.approved": { tone: "ok", icon: "done", label: msg`Approved` },
  "cycle.sent_back": { tone: "warn", icon: "undone", label: msg`Sent back` },
  "cycle.rejected": { tone: "bad", icon: "stopped", label: msg`Rejected` },
  "cycle.answered": { tone: "accent", icon: "done", label: msg`Questions answered` },
  "cycle.waiting": { tone: "bad", icon: "warning", label: msg`Needs help` },
  "cycle.capped": { tone: "warn", icon: "warning", label: msg`Budget used up` },
  "cycle.paused": { tone: "neutral", icon: "stopped", label: msg`Halted` },
  "cycle.resumed": { tone: "accent", icon: "running", label: msg`Resumed` },
  "cycle.cancelled": { tone: "neutral", icon: "stopped", label: msg`Cancelled` },
  "cycle.completed": { tone: "ok", icon: "done", label: msg`Completed` },
  "cycle.permission_asked": { tone: "warn", icon: "waiting", label: msg`The agent asked for leave` },
  "cycle.permission_answered": { tone: "accent", icon: "done", label: msg`The agent was answered` },
  "cycle.proposed": { tone: "accent", icon: "done", label: msg`Pull request opened for review` },
  "cycle.pull_request": { tone: "neutral", icon: "idle", label: msg`Pull request has changed` },
  "cycle.manifest_attached": { tone: "ok", icon: "done", label: msg`Manifest attached to the pull request` },
  "cycle.withdrawn": { tone: "neutral", icon: "undone", label: msg`Branch and pull request withdrawn` },
  "cycle.rollback_asked": { tone: "warn", icon: "waiting", label: msg`Rollback asked for` },
  "cycle.rollback_begun": { tone: "accent", icon: "running", label: msg`Rollback begun` },
  "cycle.rollback_waits": { tone: "warn", icon: "waiting", label: msg`Rollback waits for the forge` },
  "cycle.rollback_called_off": { tone: "neutral", icon: "stopped", label: msg`Rollback called off` },
  "cycle.rollback_failed": { tone: "bad", icon: "failed", label: msg`Rollback came to nothing` },
  "cycle.rolled_back": { tone: "ok", icon: "undone", label: msg`Taken back` },
  "cycle.failed": { tone: "bad", icon: "failed", label: msg`Failed` },
};

export const stepLook = (type: string): Look =>
  steps[type] ?? { tone: "neutral", icon: "idle", label: { id: type, message: type } };
