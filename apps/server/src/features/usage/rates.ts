import type { PriceRow } from "@ciclo/contract";
import { inputOf, type ModelUsage, totalOf } from "../../domain/tokens.ts";

/** US dollars for a million tokens, and what takes their place for a whole call whose input is over so many tokens. */
export type Rate = { usd: number; above: readonly { tokens: number; usd: number }[] };

/** Null where the table has no such price. */
export type Rates = {
  input: Rate | null;
  output: Rate | null;
  cacheRead: Rate | null;
  cacheWriteShort: Rate | null;
  cacheWriteLong: Rate | null;
  reasoning: Rate | null;
  /** Of a thousand searches. */
  webSearch: Rate | null;
};

export const fromUsd = (usd: number): Rate => ({ usd, above: [] });

/** Rates as a row of `policies/prices.yaml` states them. */
export function rowRates({ usd_per_million: base, above = [] }: PriceRow): Rates {
  const rate = (field: keyof typeof base): Rate | null => {
    const usd = base[field];
    if (usd === undefined) return null;
    return {
      usd,
      above: above.map((step) => ({
        tokens: step.input_tokens,
        usd: step.usd_per_million[field] ?? usd,
      })),
    };
  };
  return {
    input: rate("input"),
    output: rate("output"),
    cacheRead: rate("cache_read"),
    cacheWriteShort: rate("cache_write"),
    cacheWriteLong: rate("cache_write_1h"),
    reasoning: rate("reasoning"),
    webSearch: rate("web_search"),
  };
}

/** A billionth of a US dollar: sums of whole numbers come out the same in whatever order they are added. */
export type NanoUsd = number;

/**
 * What a call costs at rates. A kind of tokens without a rate of its own is billed as the wider kind that it belongs to
 * (cached tokens as input, reasoning as output). Null where something was used that no rate covers.
 */
export function costAt(rates: Rates, { tokens, webSearches, otherModality }: ModelUsage): NanoUsd | null {
  if (otherModality > 0) return null;
  const input = inputOf(tokens);
  const at = (rate: Rate | null): number | null => (rate === null ? null : usdAt(rate, input));
  const plain = at(rates.input);
  const written = at(rates.output);
  const short = at(rates.cacheWriteShort) ?? plain;
  const parts: [number, number | null][] = [
    [tokens.input, plain],
    [tokens.cacheRead, at(rates.cacheRead) ?? plain],
    [tokens.cacheWriteShort, short],
    [tokens.cacheWriteLong, at(rates.cacheWriteLong) ?? short],
    [tokens.output - tokens.reasoning, written],
    [tokens.reasoning, at(rates.reasoning) ?? written],
  ];
  let nano = 0;
  for (const [count, usd] of parts) {
    if (count === 0) continue;
    if (usd === null) return null;
    nano += count * usd * 1000;
  }
  if (webSearches > 0) {
    if (rates.webSearch === null) return null;
    nano += webSearches * rates.webSearch.usd * 1e6;
  }
  // A model without any price at all is not a free one.
  if (totalOf(tokens) === 0 && webSearches === 0 && plain === null) return null;
  return Math.round(nano);
}

/** The highest step that a call's input is over. */
function usdAt({ usd, above }: Rate, input: number): number {
  let [highest, at] = [0, usd];
  for (const step of above)
    if (input > step.tokens && step.tokens >= highest) [highest, at] = [step.tokens, step.usd];
  return at;
}
