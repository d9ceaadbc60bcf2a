import { rollupSums } from "../../db/usage-schema.ts";
import { type Entry, toMicroseconds } from "./entry.ts";

export type RollupSum = (typeof rollupSums)[number];

/** Upper bounds of the latencies that are counted together, in milliseconds. */
export const latencyBounds = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000,
] as const;

const place = new Map(rollupSums.map((name, index) => [name, index]));
const firstBound = place.get("ms_1") ?? 0;
const failures: ReadonlySet<string> = new Set(["error", "tool_error", "timeout", "partial"]);

/** What one call adds to the sums of its hour and day, in the order of `rollupSums`; `sign` -1 takes it away again. */
export function addTo(sums: number[], { call, cost }: Entry, sign: 1 | -1): void {
  const add = (name: RollupSum, value: number): void => {
    const at = place.get(name) ?? 0;
    sums[at] = (sums[at] ?? 0) + sign * value;
  };
  add("calls", 1);
  if (failures.has(call.status)) add("errors", 1);
  if (call.status === "refused") add("refused", 1);
  if (cost.source === "unpriced") add("unpriced", 1);
  if (cost.source === "unknown") add("unknown", 1);
  if (cost.source === "estimated") add("estimated", 1);
  if (cost.nanoUsd !== null) add("cost_nano_usd", cost.nanoUsd);
  if (call.usage !== null) {
    const { tokens, webSearches } = call.usage;
    add("input", tokens.input);
    add("cache_read", tokens.cacheRead);
    add("cache_write_short", tokens.cacheWriteShort);
    add("cache_write_long", tokens.cacheWriteLong);
    add("output", tokens.output);
    add("reasoning", tokens.reasoning);
    add("web_searches", webSearches);
  }
  // A refusal is quick, and would make what is let through look so.
  if (call.ms !== null && call.status !== "refused") {
    const at = firstBound + bucketOf(toMicroseconds(call.ms));
    sums[at] = (sums[at] ?? 0) + sign;
  }
}

function bucketOf(ms: number): number {
  const index = latencyBounds.findIndex((bound) => ms <= bound);
  return index === -1 ? latencyBounds.length : index;
}

/** What calls of hours and days add up to, by period and subject. */
export class Rollups {
  readonly #hours = new Map<string, Map<number, number[]>>();

  add(entry: Entry, subject: number, sign: 1 | -1 = 1): void {
    addTo(sumsIn(this.#hours, entry.call.at.slice(0, 13), subject), entry, sign);
  }

  hours(): Rollup[] {
    return listed(this.#hours);
  }

  days(): Rollup[] {
    const days = new Map<string, Map<number, number[]>>();
    for (const { period, subject, sums } of this.hours()) {
      const all = sumsIn(days, period.slice(0, 10), subject);
      for (const [index, sum] of sums.entries()) all[index] = (all[index] ?? 0) + sum;
    }
    return listed(days);
  }
}

/** Sums in the order of `rollupSums`. */
export type Rollup = { period: string; subject: number; sums: number[] };

function sumsIn(periods: Map<string, Map<number, number[]>>, period: string, subject: number): number[] {
  let bySubject = periods.get(period);
  if (bySubject === undefined) periods.set(period, (bySubject = new Map()));
  let sums = bySubject.get(subject);
  if (sums === undefined) bySubject.set(subject, (sums = Array.from(rollupSums, () => 0)));
  return sums;
}

/** In one order everywhere: two nodes that add to the same rows must not wait for each other. */
const listed = (periods: ReadonlyMap<string, ReadonlyMap<number, number[]>>): Rollup[] =>
  [...periods]
    .flatMap(([period, bySubject]) => [...bySubject].map(([subject, sums]) => ({ period, subject, sums })))
    .toSorted((a, b) => (a.period === b.period ? a.subject - b.subject : a.period < b.period ? -1 : 1));
