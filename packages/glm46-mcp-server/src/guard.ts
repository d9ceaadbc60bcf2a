import type { Limits, Settings } from "./settings.ts";

export type Denial = { reason: "MAX_TOKENS_EXCEEDED" | "BUDGET_EXCEEDED"; limit: number; message: string };

/** What tokens cost; null where no price is set. */
export function costOf(
  prices: Settings["prices"],
  used: { input: number; output: number } | { embedding: number },
): number | null {
  if ("embedding" in used)
    return prices.embedding === null ? null : (used.embedding / 1000) * prices.embedding;
  const { input, output } = prices;
  if (input === null || output === null) return null;
  return (used.input / 1000) * input + (used.output / 1000) * output;
}

/** Why a call is not made; null where it may be. Pure. */
export function denialOf(limits: Limits, inputTokens: number, estimatedUsd: number | null): Denial | null {
  if (inputTokens > limits.maxTokens)
    return {
      reason: "MAX_TOKENS_EXCEEDED",
      limit: limits.maxTokens,
      message: `MAX_TOKENS_EXCEEDED: the input has about ${inputTokens} tokens, over MAX_TOKENS (${limits.maxTokens}). Shorten it, or raise the limit`,
    };
  if (estimatedUsd !== null && estimatedUsd > limits.maxCostUsd)
    return {
      reason: "BUDGET_EXCEEDED",
      limit: limits.maxCostUsd,
      message: `BUDGET_EXCEEDED: the call may cost ${estimatedUsd.toFixed(4)} USD, over MAX_COST_USD (${limits.maxCostUsd}). Ask for fewer tokens, or raise the limit`,
    };
  return null;
}
