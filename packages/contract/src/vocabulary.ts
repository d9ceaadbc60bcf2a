/** The closed lists of the contract, without schemas, so that a browser can use them alone. */

export const changeStatuses = ["pending", "hitl_required", "in_progress", "completed", "failed"] as const;
export const changeOutcomes = [
  "applied",
  "rejected",
  "rolled_back",
  "expired",
  "stale",
  "canary_failed",
] as const;
export const changeModes = ["branch_pr", "direct", "dry_run"] as const;
export const approvalStatuses = ["pending", "approved", "rejected", "expired", "superseded"] as const;
export const auditStatuses = ["succeeded", "refused", "failed"] as const;

/** Subjects of live events. A reader asks again for what it shows of the subject. */
export const liveTopics = ["changes", "access", "assistant", "audit"] as const;
export type LiveTopic = (typeof liveTopics)[number];

export const healthStates = ["ok", "degraded", "down"] as const;

/** What can be asked for, in the order in which it is shown. */
export const intents = ["add_agent", "edit_policies", "generate_artifact", "remove_agent"] as const;
export type Intent = (typeof intents)[number];

export const transports = ["stdio", "streamable_http", "sse", "websocket"] as const;
