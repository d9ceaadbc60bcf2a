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
export const liveTopics = [
  "changes",
  "servers",
  "keys",
  "access",
  "assistant",
  "usage",
  "cycles",
  "audit",
] as const;
export type LiveTopic = (typeof liveTopics)[number];

/** Whether all callers share the console's session with a server, or each has one of their own. */
export const sessionModes = ["shared", "per_caller"] as const;

export const healthStates = ["ok", "degraded", "down"] as const;

/** What can be asked for, in the order in which it is shown. */
export const intents = [
  "add_agent",
  "onboard_server",
  "import_servers",
  "edit_server",
  "accept_tools",
  "edit_policies",
  "generate_artifact",
  "remove_agent",
  "remove_server",
] as const;
export type Intent = (typeof intents)[number];

/** What usage is grouped by. `person` is who called, `agent` the program that did. */
export const usageGroups = [
  "server",
  "tool",
  "provider",
  "model",
  "person",
  "agent",
  "run",
  "phase",
  "pull_request",
  "sprint",
  "kind",
  "source",
] as const;
export type UsageGroup = (typeof usageGroups)[number];

export const usageBuckets = ["hour", "day", "week", "month"] as const;
export type UsageBucket = (typeof usageBuckets)[number];

/** What a budget may give a purse of its own to. */
export const budgetHolders = ["server", "model", "person", "agent", "run"] as const;
/** What becomes of calls beyond a budget. */
export const budgetEffects = ["block", "ask", "warn"] as const;
export type BudgetHolder = (typeof budgetHolders)[number];

/** What `policies/access.yaml` has words for. `methods` are those that the gateway itself knows nothing of. */
export const accessKinds = ["tools", "resources", "prompts", "models", "methods"] as const;
export type AccessKind = (typeof accessKinds)[number];

/** Whose API a model provider speaks. */
export const modelDialects = ["openai", "anthropic", "google"] as const;
export type ModelDialect = (typeof modelDialects)[number];

export const transports = ["stdio", "streamable_http", "sse", "websocket"] as const;

/**
 * How an MCP server does. `quarantined`: a policy or its configuration forbids to reach it.
 * Drifted tools do not make a server ill; they are withheld one by one.
 */
export const serverStates = ["starting", "healthy", "degraded", "down", "quarantined"] as const;
export type ServerState = (typeof serverStates)[number];

/** What a handshake goes through, in this order. */
export const handshakeSteps = ["resolve", "connect", "negotiate", "list_tools", "done"] as const;
export type HandshakeStepName = (typeof handshakeSteps)[number];

/** A tool against the tool lock. Only `accepted` ones are offered. */
export const toolStates = ["accepted", "new", "changed", "missing", "invalid"] as const;
export type ToolState = (typeof toolStates)[number];

/** A stored key: usable, near or past its end, without a value, or in the midst of a rotation. */
export const keyStates = ["active", "rotating", "expiring", "expired", "revoked"] as const;
export type KeyState = (typeof keyStates)[number];

/** Clients whose `mcp.json` can be read and written. */
export const mcpClients = ["intellij", "vscode", "claude-code", "cursor"] as const;
export type McpClient = (typeof mcpClients)[number];

/** 2026-07-28 and later is `modern`: stateless. Earlier revisions, with `initialize`, are `legacy`. */
export const protocolEras = ["modern", "legacy"] as const;
export type ProtocolEra = (typeof protocolEras)[number];

/** A canary: what probes after a change found. `inconclusive` and a `failed` one that could not be taken back wait for a person. */
export const canaryStates = ["running", "passed", "failed", "inconclusive", "kept"] as const;
export type CanaryState = (typeof canaryStates)[number];

/** What a delivery cycle goes through, in this order. */
export const cycleStages = ["prepare", "analyze", "plan", "execute", "document", "check", "merge"] as const;
export type CycleStage = (typeof cycleStages)[number];

/**
 * `running` also while it waits for its turn. `waiting`: a person has to decide, answer, or help. `capped`: a budget is used up.
 * `paused`: somebody halted it. `rolling_back`, `rolled_back`: what was merged is being taken back, or was.
 */
export const cycleStates = [
  "running",
  "waiting",
  "capped",
  "paused",
  "completed",
  "rejected",
  "failed",
  "cancelled",
  "rolling_back",
  "rolled_back",
] as const;
export type CycleState = (typeof cycleStates)[number];

/** When a cycle opens a pull request on the forge: once it is approved, already for the reviewers, or not at all. */
export const cyclePullRequestTimes = ["after_approval", "for_review", "never"] as const;

/** Where people decide: on an analysis, on a plan, and on all that was done, before it is merged. */
export const cycleCheckpoints = ["analyze", "plan", "merge"] as const;
export type CycleCheckpoint = (typeof cycleCheckpoints)[number];

/**
 * What a cycle waits for: a decision at a checkpoint, answers to open questions, help with what went wrong, or checks and reviews of
 * its pull request on the forge. With `partial`, the agent broke off when parts of the work were done: they are kept, and the rest is done
 * when the cycle is resumed.
 */
export const cycleWaits = ["decision", "answers", "help", "forge", "partial"] as const;
export type CycleWait = (typeof cycleWaits)[number];

/** Agents that speak the Agent Client Protocol, and that the console knows how to start. */
export const agentPresets = [
  "claude-code",
  "codex",
  "gemini-cli",
  "opencode",
  "copilot",
  "qwen-code",
] as const;
export type AgentPreset = (typeof agentPresets)[number];
