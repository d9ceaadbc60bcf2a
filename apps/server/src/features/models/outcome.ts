import { estimateTokens } from "../../domain/estimates.ts";
import { namesByAnswer } from "../../domain/likeness.ts";
import { type ModelUsage, noTokens } from "../../domain/tokens.ts";
import type { CallStatus, Cost } from "../../domain/usage.ts";
import type { Forwarded } from "./forward.ts";
import { isMetered, type ModelPath } from "./paths.ts";

const none: Cost = { nanoUsd: null, source: "none", version: null };
const unknown: Cost = { nanoUsd: null, source: "unknown", version: null };

/** What one attempt used; `cost` is null where the ledger finds the price. */
export type Told = { usage: ModelUsage | null; isEstimate?: boolean; cost: Cost | null };

/** What a call used: as its provider says, or as far as can be told where it says nothing. */
export function usageOf(
  { path, requestBytes }: { path: ModelPath; requestBytes: number },
  ended: Forwarded | null,
): Told[] {
  if (ended === null || !ended.wasSent) return [{ usage: null, cost: none }];
  const { heard, status } = ended;
  const isAnswer = status !== null && status < 300;
  if (heard.usage !== null && isAnswer) {
    const isWhole = heard.isWhole && ended.kind === "answered";
    const [first, ...others] = heard.usage;
    if (first === undefined) return [{ usage: null, cost: unknown }];
    const provided: Cost | null =
      heard.costUsd === null
        ? null
        : { nanoUsd: Math.round(heard.costUsd * 1e9), source: "provider", version: null };
    const head: Told = isWhole
      ? { usage: first, cost: provided }
      : { usage: atLeast(first, heard.textBytes), isEstimate: true, cost: null };
    return [head, ...others.map((usage) => ({ usage, cost: null }))];
  }
  // What answers with an error, and what uses no tokens, costs nothing.
  if (!isMetered(path) || (status !== null && !isAnswer)) return [{ usage: null, cost: none }];
  if (!isAnswer || (heard.textBytes === 0 && path.use === "generate"))
    return [{ usage: null, cost: unknown }];
  const tokens = {
    ...noTokens,
    input: estimateTokens(requestBytes),
    output: estimateTokens(heard.textBytes),
  };
  return [
    {
      usage: { tokens, webSearches: 0, otherModality: 0, model: null, tier: null },
      isEstimate: true,
      cost: null,
    },
  ];
}

/** Usage of an answer that broke off: what its beginning said, and what was delivered. */
function atLeast(usage: ModelUsage, textBytes: number): ModelUsage {
  const output = Math.max(usage.tokens.output, estimateTokens(textBytes));
  return { ...usage, tokens: { ...usage.tokens, output } };
}

export function statusOf(ended: Forwarded | null): CallStatus {
  if (ended === null) return "error";
  if (ended.kind === "cancelled") return ended.status === null ? "cancelled" : "partial";
  if (ended.kind === "broken") return "partial";
  if (ended.kind === "failed" || (ended.status ?? 500) >= 400) return "error";
  return "ok";
}

export function aliasesOf(ended: Forwarded | null, index: number): string[] {
  if (ended === null) return [];
  const more = index === 0 ? "" : `#${index}`;
  const response = namesByAnswer(ended.heard.id, more);
  return ended.requestId === null ? response : [...response, `request:${ended.requestId}${more}`];
}
