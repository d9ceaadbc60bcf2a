import type { UsageSums } from "@ciclo/contract";
import { rollupSums } from "../../db/usage-schema.ts";

/** Sums of a group, in the order of `rollupSums`. */
export type Sums = number[];

const place = new Map<string, number>(rollupSums.map((name, index) => [name, index]));
const bounds = rollupSums
  .filter((name) => /^ms_\d+$/.test(name))
  .map((name) => Number(name.slice("ms_".length)));
const firstBucket = place.get("ms_1") ?? 0;

export const nothing = (): Sums => rollupSums.map(() => 0);

export function addInto(all: Sums, more: readonly number[]): void {
  for (const [index, value] of more.entries()) all[index] = (all[index] ?? 0) + value;
}

export const sumOf = (sums: Sums, name: (typeof rollupSums)[number]): number =>
  sums[place.get(name) ?? 0] ?? 0;

export const costOf = (sums: Sums): number => sumOf(sums, "cost_nano_usd") / 1e9;

export function presented(sums: Sums): UsageSums {
  return {
    calls: sumOf(sums, "calls"),
    errors: sumOf(sums, "errors"),
    refused: sumOf(sums, "refused"),
    cost_usd: costOf(sums),
    input_tokens: sumOf(sums, "input"),
    cache_read_tokens: sumOf(sums, "cache_read"),
    cache_write_short_tokens: sumOf(sums, "cache_write_short"),
    cache_write_long_tokens: sumOf(sums, "cache_write_long"),
    output_tokens: sumOf(sums, "output"),
    reasoning_tokens: sumOf(sums, "reasoning"),
    web_searches: sumOf(sums, "web_searches"),
    unpriced_calls: sumOf(sums, "unpriced"),
    unknown_calls: sumOf(sums, "unknown"),
    estimated_calls: sumOf(sums, "estimated"),
    p50_ms: quantile(sums, 0.5),
    p95_ms: quantile(sums, 0.95),
  };
}

/** The latency that so large a part of calls does not exceed, within the width of what is counted together. Null without calls. */
export function quantile(sums: Sums, part: number): number | null {
  const counts = sums.slice(firstBucket, firstBucket + bounds.length + 1);
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all <= 0) return null;
  const wanted = part * all;
  let below = 0;
  for (const [index, count] of counts.entries()) {
    if (below + count >= wanted && count > 0) {
      const low = index === 0 ? 0 : (bounds[index - 1] ?? 0);
      // Of what is slower than the last bound only that is known.
      const high = bounds[index] ?? low;
      return Math.round((low + ((wanted - below) / count) * (high - low)) * 10) / 10;
    }
    below += count;
  }
  return bounds.at(-1) ?? null;
}
