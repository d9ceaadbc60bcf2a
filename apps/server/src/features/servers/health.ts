import { type ServerState, text } from "@ciclo/contract";

/** One look at a server: whether it answered, and after how many milliseconds. */
export type Sample = { at: string; ok: boolean; ms: number | null };

/** Where a server stands, and how the latest looks went. Quarantine is not a matter of looking. */
export type Health = {
  state: Exclude<ServerState, "quarantined">;
  /** Looks in a row that failed, or that did not. */
  failures: number;
  successes: number;
};

export const unknownHealth: Health = { state: "starting", failures: 0, successes: 0 };

/** An answer that takes longer is one of a server that is not well, in milliseconds. */
const slowMs = 2000;

export const slowOrShaky = text(
  `it answers slowly (over ${slowMs} ms), or failed a moment ago`,
  `responde devagar (acima de ${slowMs} ms) ou falhou há pouco`,
);

/** This many failures in a row are an outage; as many good answers in a row end one. */
const downAfter = 3;
const wellAfter = 2;

/** The state after one more look. Pure. An answer slower than `slow` milliseconds is one, but not a good one. */
export function nextHealth(health: Health, sample: Pick<Sample, "ok" | "ms">, slow = slowMs): Health {
  if (!sample.ok) {
    const failures = health.failures + 1;
    const isDown = health.state === "down" || health.state === "starting" || failures >= downAfter;
    return { state: isDown ? "down" : "degraded", failures, successes: 0 };
  }
  if ((sample.ms ?? 0) > slow) return { state: "degraded", failures: 0, successes: 0 };
  const successes = health.successes + 1;
  const isWell = health.state === "starting" || health.state === "healthy" || successes >= wellAfter;
  return { state: isWell ? "healthy" : "degraded", failures: 0, successes };
}

const firstRetryMs = 1000;
const longestRetryMs = 60_000;

/** How long to wait before connecting again, in milliseconds: 1 s, 2 s, … 60 s. */
export const retryMs = (failures: number): number =>
  Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(20, Math.max(0, failures - 1)));
