import { text } from "@ciclo/contract";
import type { Database } from "../../db/dialect.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { newSequentialId } from "../../lib/ids.ts";
import { storable } from "../../lib/storable.ts";
import { isDatabaseUnavailable } from "../../db/unavailable.ts";
import type { WorkerTrouble } from "../../domain/feature.ts";
import { Worker } from "../../lib/background.ts";
import type { Logger } from "../../lib/logger.ts";
import * as store from "./store.ts";
import type { UsageEvent } from "../../domain/usage.ts";

export type RecorderDeps = { database: Pick<Database, "kind" | "transaction">; clock: Clock; logger: Logger };

const flushMs = 250;
/** Kept while the database does not take them; the oldest are dropped beyond it, and counted. */
const maxKept = 50_000;
/** The largest whole number of the column. */
const maxBytes = 2 ** 31 - 1;

/**
 * Writes usage events together, a moment after the calls: none of them waits for the disk.
 * What a power cut takes is the last quarter of a second.
 */
export class UsageRecorder {
  readonly #deps: RecorderDeps;
  readonly #writing: Worker;
  /** What is not written yet, the oldest first. Rows leave it once they are. */
  #rows: store.UsageRow[] = [];
  #isUncertain = false;

  constructor(deps: RecorderDeps) {
    this.#deps = deps;
    this.#writing = new Worker({
      name: text("recording usage", "o registro de uso"),
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
      event.tool === null ? null : storable(event.tool),
      storable(event.method.slice(0, 200)),
      event.actorId,
      storable(event.actorName),
      event.status,
      event.error === null ? null : storable(event.error.slice(0, 500)),
      event.era,
      null,
      Math.round(event.ms * 1000) / 1000,
      Math.min(event.requestBytes, maxBytes),
      Math.min(event.responseBytes, maxBytes),
      event.costUsd,
      event.clientName === null ? null : storable(event.clientName),
      event.clientVersion === null ? null : storable(event.clientVersion),
    ]);
    this.#writing.wakeWithin(flushMs);
  }

  /** What calls cost in a period (`2026-11-27` or `2026-11`), by server, that no database knows yet. */
  unwritten(period: string): Map<string, number> {
    return store.spendOf(this.#rows, period);
  }

  /** Writes what is there now. */
  flush(): Promise<void> {
    return this.#writing.run();
  }

  async #write(): Promise<void> {
    const { logger } = this.#deps;
    const rows = this.#rows;
    if (rows.length === 0) return;
    try {
      await this.#insert(rows);
      this.#written(rows.length);
    } catch (error) {
      // Whether a commit whose answer was lost has been done, only the database knows.
      this.#isUncertain = true;
      if (!isDatabaseUnavailable(error)) return this.#setAside(rows, error);
      const dropped = Math.max(0, this.#rows.length - maxKept);
      this.#written(dropped);
      if (dropped > 0)
        logger.error({ dropped }, "usage events were dropped: the database does not take them");
      throw error;
    }
  }

  async #insert(rows: readonly store.UsageRow[]): Promise<void> {
    const { database } = this.#deps;
    await database.transaction(async (queries) => {
      const missing = this.#isUncertain ? await store.notYetThere(queries, rows) : rows;
      await store.insertEvents(queries, database.kind, missing);
      await store.addToTotals(queries, missing);
    });
    this.#isUncertain = false;
  }

  /** Writes one by one what is refused together, so that one that no database takes keeps no other from it. */
  async #setAside(rows: readonly store.UsageRow[], cause: unknown): Promise<void> {
    for (const row of rows) {
      try {
        this.#isUncertain = true;
        await this.#insert([row]);
      } catch (error) {
        if (isDatabaseUnavailable(error)) throw error;
        this.#deps.logger.error({ err: cause }, "a usage event was dropped: the database refuses it");
      }
      this.#written(1);
    }
  }

  #written(count: number): void {
    this.#rows = this.#rows.slice(count);
  }
}
