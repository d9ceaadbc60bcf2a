import { performance } from "node:perf_hooks";

/** Figures of one run, by name, in the unit that the name ends with. */
export type Figures = Record<string, number>;

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

export const median = (times: readonly number[]): number =>
  at(
    times.toSorted((a, b) => a - b),
    0.5,
  );
export const p99 = (times: readonly number[]): number =>
  at(
    times.toSorted((a, b) => a - b),
    0.99,
  );

/** Milliseconds that work takes. */
export async function timed<T>(work: () => Promise<T> | T): Promise<{ ms: number; result: T }> {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}

export const rounded = (figures: Figures): Figures =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Number(value.toPrecision(4))]));
