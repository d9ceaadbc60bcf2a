import { z } from "zod";
import { fromJson } from "../../db/json.ts";
import { appendFile, readdir, readFile, truncate } from "node:fs/promises";
import { join } from "node:path";
import { privateFolder } from "../../lib/files.ts";
import { presentEvent } from "./store.ts";
import type { StoredEvent } from "./chain.ts";

/**
 * Copies events to `<folder>/YYYY-MM-DD.jsonl`, one JSON object a line, for a SIEM to collect.
 * It follows the table: after a crash it goes on behind the last line written.
 */
export class SiemCopy {
  readonly #folder: string;
  readonly #eventsAfter: (seq: number) => Promise<StoredEvent[]>;
  #copied: number | null = null;

  constructor(folder: string, eventsAfter: (seq: number) => Promise<StoredEvent[]>) {
    this.#folder = folder;
    this.#eventsAfter = eventsAfter;
  }

  /** Copies what is new. One call at a time. */
  async catchUp(): Promise<void> {
    this.#copied ??= await this.#lastCopied();
    for (let events = await this.#next(); events.length > 0; events = await this.#next()) {
      await this.#write(events);
    }
  }

  #next(): Promise<StoredEvent[]> {
    return this.#eventsAfter(this.#copied ?? 0);
  }

  async #write(events: StoredEvent[]): Promise<void> {
    for (const [day, group] of Map.groupBy(events, (event) => event.at.slice(0, 10))) {
      const lines = group.map((event) => `${JSON.stringify(presentEvent(event))}\n`).join("");
      await appendFile(join(this.#folder, `${day}.jsonl`), lines, { mode: 0o600 });
      this.#copied = group.at(-1)?.seq ?? this.#copied;
    }
  }

  async #lastCopied(): Promise<number> {
    await privateFolder(this.#folder);
    const files = (await readdir(this.#folder)).filter((name) => /^\d{4}-\d\d-\d\d\.jsonl$/.test(name));
    for (const name of files.toSorted().toReversed()) {
      const seq = await lastWhole(join(this.#folder, name));
      if (seq !== null) return seq;
    }
    return 0;
  }
}

/** The last event of a file. A line that a crash cut short is taken off, to be written again whole. */
async function lastWhole(path: string): Promise<number | null> {
  const text = await readFile(path, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  if (whole !== text) await truncate(path, Buffer.byteLength(whole));
  const last = whole.trimEnd().split("\n").at(-1);
  return last === undefined || last === "" ? null : fromJson(z.object({ seq: z.int() }), last).seq;
}
