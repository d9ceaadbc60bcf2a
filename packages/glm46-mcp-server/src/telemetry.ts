import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

/** One call, as it is written to `<log folder>/YYYY-MM-DD.jsonl`. */
export type TelemetryLine = {
  /** ISO 8601 UTC. */
  ts: string;
  route: string | null;
  tool: string;
  tokens_in: number;
  tokens_out: number;
  duration_ms: number;
  status: "success" | "denied" | "error" | "pending";
  cost_estimated_usd: number | null;
  metadata: Record<string, unknown>;
  experiment_cohort?: string;
  experiment_tag?: string;
};

/** Appends a line in one write, so that lines of several servers do not mix. What cannot be written is said on standard error, and loses no answer. */
export function writeTelemetry(logDir: string, line: TelemetryLine): void {
  try {
    mkdirSync(logDir, { recursive: true, mode: 0o700 });
    appendFileSync(join(logDir, `${line.ts.slice(0, 10)}.jsonl`), `${JSON.stringify(line)}\n`, {
      mode: 0o600,
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : "unknown";
    process.stderr.write(`telemetry cannot be written: ${why}\n`);
  }
}
