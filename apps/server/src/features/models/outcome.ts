import { estimateTokens } from "../../domain/estimates.ts";
import { namesByAnswer } from "../../domain/likeness.ts";
import { type ModelUsage, tokenUsage } from "../../domain/tokens.ts";
import type { CallStatus, Cost } from "../../domain/usage.ts";
import type { Asked } from "./asked.ts";
import type { Forwarded } from "./forward.ts";
import { isMetered, type ModelPath } from "./paths.ts";

const none: Cost = { nanoUsd: null, source: "none", version: null };
const unknown: Cost = { nanoUsd: null, source: "unknown", version: null };

/** What one attempt used; `cost` is null where the ledger finds the price. */
export type Told = { usage: ModelUsage | null; isEstimate?: boolean; cost: Cost | null };

type Call = {
  path: ModelPath;
  asked: Asked | null;
  requestBytes: number;
  context?: number;
  /** How long it took, in milliseconds. */
  ms: number;
};

/** What a call used: as its provider says, or as far as can be told where it says nothing. */
export function usageOf(call: Call, ended: Forwarded | null): Told[] {
  if (ended === null || !ended.wasSent) return [{ usage: null, cost: none }];
  const { heard, status } = ended;
  const isAnswer = status !== null && status < 300;
  if (heard.usage !== null && isAnswer) {
    const [first, ...others] = heard.usage;
    if (first === undefined) return [{ usage: null, cost: unknown }];
    const provided: Cost | null =
      heard.costUsd === null
        ? null
        : { nanoUsd: Math.round(heard.costUsd * 1e9), source: "provider", version: null };
    const head: Told = heard.isWhole
      ? { usage: first, cost: provided }
      : { usage: atLeast(first, heard.textBytes), isEstimate: true, cost: null };
    return [head, ...others.map((usage) => ({ usage, cost: null }))];
  }
  if (!isMetered(call.path)) return [{ usage: null, cost: none }];
  // A request that is refused costs nothing. One that failed under way may be billed, and nobody says so.
  if (status !== null && !isAnswer)
    return [{ usage: null, cost: failedUnderWay.has(status) ? unknown : none }];
  return [estimateOf(call, ended, isAnswer)];
}

/** Of a call whose provider says nothing of its usage. */
function estimateOf(
  { path, asked, requestBytes, context, ms }: Call,
  ended: Forwarded,
  isAnswer: boolean,
): Told {
  const { heard, kind } = ended;
  if (asked !== null && isAnswer && asked.isBackground)
    // It counts with all that it may use, until an answer says what it was.
    return { usage: mostUsed(asked, requestBytes, context), isEstimate: true, cost: null };
  // Of what its caller leaves, the provider has read all that it was sent.
  const isUnknown = kind !== "cancelled" && (!isAnswer || (path.use === "generate" && heard.textBytes === 0));
  if (isUnknown) return { usage: null, cost: unknown };
  const delivered = path.use === "embed" ? 0 : estimateTokens(heard.textBytes);
  // An answer that comes in one piece was being written all the while that its caller waited.
  const isHeldBack = kind === "cancelled" && asked !== null && !asked.streams;
  const written = isHeldBack ? Math.min(Math.ceil((ms / 1000) * writtenPerSecond), asked.maxOutput) : 0;
  // Images are more bytes than they are tokens.
  const output = Math.min(Math.max(delivered, written), mostEstimated);
  return { usage: tokenUsage({ input: estimateTokens(requestBytes), output }), isEstimate: true, cost: null };
}

/** The most that a call may use: what it brings, what it continues, and all that the model may write. */
export const mostUsed = ({ maxOutput, tier }: Asked, bytes: number, context = 0): ModelUsage =>
  tokenUsage({ input: estimateTokens(bytes) + context, output: maxOutput }, { tier });

/** 503 and 529 say that there was no room for it to begin with. */
const failedUnderWay: ReadonlySet<number> = new Set([500, 502, 504, 408, 524]);
const mostEstimated = 200_000;
/** Tokens that the faster models write in a second. */
const writtenPerSecond = 200;

/** Usage of an answer that broke off: what its beginning said, and what was delivered. */
function atLeast(usage: ModelUsage, textBytes: number): ModelUsage {
  const output = Math.max(usage.tokens.output, Math.min(estimateTokens(textBytes), mostEstimated));
  return { ...usage, tokens: { ...usage.tokens, output } };
}

export function statusOf(ended: Forwarded | null): CallStatus {
  if (ended === null) return "error";
  const { kind, status, heard } = ended;
  if (kind === "failed" || (status ?? 0) >= 400 || heard.failure !== null) return "error";
  // Some callers hang up once they have read all there is.
  if (heard.isWhole || (kind === "answered" && !ended.isStream)) return "ok";
  return kind === "cancelled" && status === null ? "cancelled" : "partial";
}

export function aliasesOf(ended: Forwarded | null, index: number): string[] {
  if (ended === null) return [];
  const more = index === 0 ? "" : `#${index}`;
  const response = namesByAnswer(ended.heard.id, more);
  return ended.requestId === null ? response : [...response, `request:${ended.requestId}${more}`];
}
