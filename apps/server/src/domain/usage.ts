import type { Actor } from "./actor.ts";
import type { ModelUsage } from "./tokens.ts";

/** Who saw a call, the most reliable first: the wire itself, then what others say of it. */
export const usageSources = ["endpoint", "gateway", "telemetry", "otlp", "log"] as const;
export type UsageSource = (typeof usageSources)[number];

/** A billionth of a US dollar: sums of whole numbers come out the same in whatever order they are added. */
export type NanoUsd = number;

/**
 * What a call costs and where that comes from: the provider's own answer, the price table, a row of the configuration, tokens
 * that were estimated; or tokens without a known price, a call of which no one knows what it used, nothing that costs.
 */
export type Cost =
  | { nanoUsd: NanoUsd; source: "provider" | "table" | "override" | "estimated"; version: string | null }
  | { nanoUsd: null; source: "unpriced" | "unknown" | "none"; version: string | null };

/** The version of a cost that a server states of its own call. */
export const statedCost = "telemetry";

/** `partial`: an answer that broke off, or that its caller did not wait for. */
export type CallStatus =
  | "ok"
  | "tool_error"
  | "error"
  | "refused"
  | "timeout"
  | "cancelled"
  | "partial"
  | "pending";

/** What reports are grouped by. */
export type CallSubject = {
  /** `tool`: a request to an MCP server; `model`: one attempt of a model. */
  kind: "tool" | "model";
  source: UsageSource;
  server: string | null;
  tool: string | null;
  method: string | null;
  era: "modern" | "legacy" | null;
  provider: string | null;
  model: string | null;
  actorId: string | null;
  actorName: string | null;
  /** The program that called, as it names itself: an agent, an IDE. */
  agent: string | null;
  agentVersion: string | null;
  run: string | null;
  phase: string | null;
  pullRequest: string | null;
  sprint: string | null;
};

/** What is not known of a call, which is all but what it is and who tells of it. */
export const noSubject: Omit<CallSubject, "kind" | "source"> = {
  server: null,
  tool: null,
  method: null,
  era: null,
  provider: null,
  model: null,
  actorId: null,
  actorName: null,
  agent: null,
  agentVersion: null,
  run: null,
  phase: null,
  pullRequest: null,
  sprint: null,
};

/**
 * Whose a call is, and what it is counted for. A run's token says which agent it is for: `agent` is what a program says of itself
 * where none does.
 */
export const calledBy = (
  { id, name, run }: Actor,
  { agent, agentVersion }: Pick<CallSubject, "agent" | "agentVersion">,
): Pick<
  CallSubject,
  "actorId" | "actorName" | "agent" | "agentVersion" | "run" | "phase" | "pullRequest" | "sprint"
> => ({
  actorId: id,
  actorName: name,
  agent: run?.agent ?? agent,
  agentVersion,
  run: run?.run ?? null,
  phase: run?.phase ?? null,
  pullRequest: run?.pullRequest ?? null,
  sprint: run?.sprint ?? null,
});

/** One call, as one source saw it end. Times in milliseconds, sizes in bytes of bodies. */
export type MeteredCall = {
  /** Calls that are alike may share the object. */
  subject: CallSubject;
  /** Two calls with one key are one call. */
  key: string;
  /** Other names of the same call, by which other sources know it. */
  aliases: readonly string[];
  /** When it ended, ISO 8601 UTC. */
  at: string;
  session: string | null;
  /** What several attempts were made for. */
  operation: string | null;
  /** Counted from 1. */
  attempt: number;
  status: CallStatus;
  error: string | null;
  ms: number | null;
  requestBytes: number;
  responseBytes: number;
  /** Null where it is not known, or there is none. */
  usage: ModelUsage | null;
  /** Whether this node has set its cost aside before. */
  isReserved?: boolean;
  /** What a run was let have beyond its budgets, and that this call was taken from: ids of meters. */
  beyond?: readonly string[];
  /** Whether it only tells what another call used, and is none of its own: asking for an answer again is never a charge. */
  settles?: boolean;
  /** Whether the usage is what can be told from outside, and not what was counted. */
  isEstimate?: boolean;
  /** Where it is known without the price table; null where the ledger finds the price. */
  cost: Cost | null;
};

/** One request through the gateway, as it ended. */
export type ToolCall = {
  /** By which the ledger knows it, where others have been told; it is given one otherwise. */
  key?: string;
  subject: CallSubject;
  status: CallStatus;
  error: string | null;
  ms: number;
  requestBytes: number;
  responseBytes: number;
  /** Whether it went to the server: nothing else costs anything. */
  wasSent: boolean;
  isReserved?: boolean;
  beyond?: readonly string[];
  /** What the registry says a call costs; null where it says nothing. */
  costUsd: number | null;
};

/** What has been read of a source's usage logs. `tooOld`: calls older than calls are kept. */
export type LogStanding = {
  source: string;
  files: number;
  lines: number;
  bad: number;
  tooOld: number;
  /** Files read lately of which most lines could not be used. */
  failing: readonly string[];
};

/** What a call may cost at most, set aside until it has ended. */
export type Reservation = {
  /** See `MeteredCall.beyond`. */
  beyond: readonly string[];
  /** `paid`: what came of it; nothing where it was not made. */
  settle(paid: readonly { subject: CallSubject; cost: Cost; usage: ModelUsage | null }[]): void;
};

/**
 * Counts a call, or so many messages of which a call has a few, against what budgets allow by the minute. Throws a `Refusal`
 * (`rate_limited`) where there have been enough.
 */
export type Pace = (subject: CallSubject, times?: number) => void;

/** Refuses a call whose budget is spent (`budget_exceeded`), and sets aside what it may cost at most. */
export type Reserve = (
  subject: CallSubject,
  most: {
    nanoUsd: NanoUsd | null;
    usage: ModelUsage | null;
    /** Whether another model can be asked in place of the one that is named; see `Rerouted`. */
    canReroute?: boolean;
  },
) => Promise<Reservation>;
