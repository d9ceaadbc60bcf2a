import { hostname } from "node:os";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Queries } from "../../db/dialect.ts";
import type { MeteredCall } from "../../domain/usage.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { isMissing } from "../../lib/files.ts";
import type { Logger } from "../../lib/logger.ts";
import { type Batch, readOn, start } from "./follow.ts";
import type { Rejected } from "./rejected.ts";
import { filesOf, type LogSource } from "./sources.ts";
import { opencodeName } from "./agents/opencode.ts";
import { isBehind, opencodeSince } from "./opencode-store.ts";
import { type LogFile, positionOf, savePosition } from "./store.ts";

export type IngestDeps = {
  queries: Queries;
  clock: Clock;
  logger: Logger;
  rejected: Rejected;
  /** Writes calls, with `also` in the same transaction; `tooOld` of them were left out. */
  take(
    calls: readonly MeteredCall[],
    also: (queries: Queries, tooOld: number) => Promise<void>,
  ): Promise<unknown>;
};

/** Rows are looked at again for so long: what was written first is not always stored first. */
const overlapMs = 60_000;

type Seen = { size: number; mtimeMs: number };

/** Takes logs into the ledger: each pass reads what has been added since the last. */
export class Ingest {
  readonly #deps: IngestDeps;
  readonly #sources: readonly LogSource[];
  /** Of opencode. */
  readonly #databases: readonly string[];
  /** Files as they were when they had been read to their end. */
  readonly #seen = new Map<string, Seen>();

  constructor(deps: IngestDeps, sources: readonly LogSource[], databases: readonly string[]) {
    this.#deps = deps;
    this.#sources = sources;
    this.#databases = databases;
  }

  async pass(signal: AbortSignal): Promise<void> {
    const failures: unknown[] = [];
    // One file or folder that cannot be read keeps no other from being read.
    const failed = (path: string, error: unknown): void => {
      this.#deps.logger.warn({ err: error, path }, "a log cannot be read");
      failures.push(error);
    };
    const trying = async (path: string, work: () => Promise<void>): Promise<void> => {
      try {
        if (!signal.aborted) await work();
      } catch (error) {
        if (!isMissing(error)) failed(path, error);
      }
    };
    for (const source of this.#sources)
      for (const path of await filesOf(source, failed))
        await trying(path, () => this.#read(source, path, signal));
    for (const path of this.#databases) await trying(path, () => this.#readDatabase(path, signal));
    if (failures.length > 0) throw failures[0];
  }

  async #readDatabase(path: string, signal: AbortSignal): Promise<void> {
    const { queries, rejected, take, clock } = this.#deps;
    // What is written is in the log beside it until that is taken over.
    const { mtimeMs, size } = await newest(path, `${path}-wal`);
    const known = this.#seen.get(path);
    if (known !== undefined && known.size === size && known.mtimeMs === mtimeMs) return;
    const file: LogFile = { id: `${hostname()}:${path}`, source: opencodeName, path };
    const from = (await positionOf(queries, file.id)) ?? start;
    const totals = { lines: from.lines, bad: from.bad, tooOld: from.tooOld };
    let seen = { updated: Number(from.context["updated"] ?? 0), id: String(from.context["id"] ?? "") };
    // What a row from the future hides was written before its time has come.
    let place = { updated: Math.min(seen.updated, clock().getTime()) - overlapMs, id: "" };
    while (!signal.aborted) {
      const found = opencodeSince(path, place, seen);
      if (found.rows === 0) break;
      place = found.place;
      if (isBehind(place, seen)) seen = place;
      totals.lines += found.unseen;
      totals.bad += found.bad.length;
      await rejected.keep(opencodeName, "opencode.db", found.bad, false);
      await take(found.calls, (also, tooOld) => {
        totals.tooOld += tooOld;
        return savePosition(also, file, { ...start, ...totals, context: seen }, stamp(clock()));
      });
    }
    this.#seen.set(path, { size, mtimeMs });
  }

  async #read(source: LogSource, path: string, signal: AbortSignal): Promise<void> {
    const full = join(source.root, path);
    const { size, mtimeMs } = await stat(full);
    const seen = this.#seen.get(full);
    if (seen !== undefined && seen.size === size && seen.mtimeMs === mtimeMs) return;
    const file: LogFile = { id: `${hostname()}:${full}`, source: source.name, path: full };
    const from = (await positionOf(this.#deps.queries, file.id)) ?? start;
    const writing = { old: from.tooOld };
    await readOn(
      full,
      from,
      source.readerFor(path),
      (batch) => this.#write(source, path, file, batch, writing),
      signal,
    );
    if (!signal.aborted) this.#seen.set(full, { size, mtimeMs });
  }

  async #write(
    source: LogSource,
    path: string,
    file: LogFile,
    { calls, bad, position }: Batch,
    writing: { old: number },
  ): Promise<void> {
    const { rejected, take, clock } = this.#deps;
    await rejected.keep(source.name, path, bad, source.keepsLines);
    const before = writing.old;
    await take(calls, (queries, tooOld) => {
      writing.old = before + tooOld;
      return savePosition(queries, file, { ...position, tooOld: writing.old }, stamp(clock()));
    });
  }
}

/** When and how large a file was last changed, or the one beside it, where there is one. */
async function newest(path: string, beside: string): Promise<Seen> {
  const own = await stat(path);
  const other = await stat(beside).catch((error: unknown) => {
    if (isMissing(error)) return { size: 0, mtimeMs: 0 };
    throw error;
  });
  return { size: own.size + other.size, mtimeMs: Math.max(own.mtimeMs, other.mtimeMs) };
}
