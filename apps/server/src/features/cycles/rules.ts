import {
  type CycleCheckpoint,
  type CycleStage,
  cycleStages,
  type CycleState,
  type PolicyOf,
} from "@ciclo/contract";
import type { VotingRule } from "../../lib/votes.ts";

export type CyclesPolicy = PolicyOf<"cycles">;

/** States that nothing follows. */
export const endStates: ReadonlySet<CycleState> = new Set([
  "completed",
  "rejected",
  "failed",
  "cancelled",
  "rolled_back",
]);

/** The stage that follows another; null behind the last. */
export const stageAfter = (stage: CycleStage): CycleStage | null =>
  cycleStages[cycleStages.indexOf(stage) + 1] ?? null;

/** Where a person has to agree to what a stage came to. */
const checkpoints: Partial<Record<CycleStage, CycleCheckpoint>> = {
  analyze: "analyze",
  plan: "plan",
  check: "merge",
};

export const checkpointBehind = (stage: CycleStage): CycleCheckpoint | null => checkpoints[stage] ?? null;

/** The checkpoint behind a stage, where policy has one there. */
export const checkpointAfter = (stage: CycleStage, policy: CyclesPolicy): CycleCheckpoint | null => {
  const checkpoint = checkpointBehind(stage);
  return checkpoint !== null && policy.checkpoints.includes(checkpoint) ? checkpoint : null;
};

/** The stage that runs again where somebody sends back what they were shown at a checkpoint. */
export const sentBackTo: Record<CycleCheckpoint, CycleStage> = {
  analyze: "analyze",
  plan: "plan",
  merge: "execute",
};

/** Checkpoints whose decisions are about what a stage, or one behind it, comes to: they are void once it runs again. */
export const checkpointsFrom = (stage: CycleStage): CycleCheckpoint[] =>
  cycleStages
    .slice(cycleStages.indexOf(stage))
    .flatMap((one) => (checkpoints[one] === undefined ? [] : [checkpoints[one]]));

/** Who has to agree at a checkpoint. */
export const votingRule = ({ approvals }: CyclesPolicy): VotingRule => ({
  rule: "approvals",
  required: approvals.required,
  roles: approvals.roles,
  self_approval: approvals.self_approval,
});

export const policyFile = "policies/cycles.yaml";
