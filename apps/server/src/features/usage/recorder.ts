import type { Database } from "../../db/dialect.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { newSequentialId } from "../../lib/ids.ts";
import type { Logger } from "../../lib/logger.ts";
import * as store from "./store.ts";

/** One request through the gateway, as it ended. Times in milliseconds, sizes in bytes of bodies. */
export type UsageEvent = {
  server: string;
  tool: string | null;
  method: string;
  actorId: string | null;
  actorName: string;
  /** `ok`, `tool_error`, `error`, `refused`, `timeout`, `cancelled`. */
  status: string;
  error: string | null;
  era: "modern" | "legacy";
  ms: number;
  requestBytes: number;
  responseBytes: number;
  costUsd: number | null;
};

export type RecorderDeps = { database: Pick<Database, "kind" | "transaction">; clock: Clock; logger: Logger };

const flushMs = 250;
/** Kept while the database does not take them; the oldest are dropped beyond it, and counted. */
const maxKept = 50_000;

/**
 * Writes usage events together, a moment after the calls: none of them waits for the disk.
 * What a power cut takes is the last quarter of a second.
 */
export class UsageRecorder {
  readonly #deps: RecorderDeps;
  #rows: store.UsageRow[] = [];
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(deps: RecorderDeps) {
    this.#deps = deps;
  }

  record(event: UsageEvent): void {
    this.#rows.push([
      newSequentialId(),
      stamp(this.#deps.clock()),
      "tool",
      event.server,
      event.tool,
      event.method.slice(0, 200),
      event.actorId,
      event.actorName,
      event.status,
      event.error?.slice(0, 500) ?? null,
      event.era,
      null,
      Math.round(event.ms * 1000) / 1000,
      event.requestBytes,
      event.responseBytes,
      event.costUsd,
    ]);
    this.#timer ??= setTimeout(() => void this.flush(), flushMs).unref();
  }

  /** Writes what is there now. */
  flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const rows = this.#rows;
    this.#rows = [];
    if (rows.length > 0) this.#writing = this.#writing.then(() => this.#write(rows));
    return this.#writing;
  }

  async #write(rows: store.UsageRow[]): Promise<void> {
    const { database, logger } = this.#deps;
    try {
      await database.transaction((queries) => store.insertEvents(queries, database.kind, rows));
    } catch (error) {
      this.#rows = [...rows, ...this.#rows];
      const dropped = Math.max(0, this.#rows.length - maxKept);
      this.#rows.splice(0, dropped);
      logger.error(
        { err: error, kept: this.#rows.length, dropped },
        "usage cannot be written; it is tried again",
      );
      this.#timer ??= setTimeout(() => void this.flush(), 20 * flushMs).unref();
    }
  }
}
