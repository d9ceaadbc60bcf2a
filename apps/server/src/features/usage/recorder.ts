import type { Database } from "../../db/dialect.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { newSequentialId } from "../../lib/ids.ts";
import type { WorkerTrouble } from "../../domain/feature.ts";
import { Worker } from "../../lib/background.ts";
import type { Logger } from "../../lib/logger.ts";
import * as store from "./store.ts";
import type { UsageEvent } from "../../domain/usage.ts";

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
  readonly #writing: Worker;
  #rows: store.UsageRow[] = [];

  constructor(deps: RecorderDeps) {
    this.#deps = deps;
    this.#writing = new Worker({
      name: "recording usage",
      logger: deps.logger,
      retry: { firstMs: 1000, longestMs: 5000 },
      pass: () => this.#write(),
    });
  }

  troubles(): WorkerTrouble[] {
    return this.#writing.troubles();
  }

  start(): Promise<void> {
    return this.#writing.start();
  }

  /** Writes what is still there. */
  async stop(): Promise<void> {
    await this.#writing.stop();
    await this.#write();
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
      event.clientName,
      event.clientVersion,
    ]);
    this.#writing.wakeWithin(flushMs);
  }

  /** Writes what is there now. */
  flush(): Promise<void> {
    return this.#writing.run();
  }

  async #write(): Promise<void> {
    const { database, logger } = this.#deps;
    const rows = this.#rows;
    if (rows.length === 0) return;
    this.#rows = [];
    try {
      await database.transaction(async (queries) => {
        await store.insertEvents(queries, database.kind, rows);
        await store.addToTotals(queries, rows);
      });
    } catch (error) {
      this.#rows = [...rows, ...this.#rows];
      const dropped = Math.max(0, this.#rows.length - maxKept);
      this.#rows.splice(0, dropped);
      if (dropped > 0)
        logger.error({ dropped }, "usage events were dropped: the database does not take them");
      throw error;
    }
  }
}
