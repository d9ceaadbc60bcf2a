import { createReadStream } from "node:fs";
import { appendFile, open, readdir, truncate } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { privateFolder } from "../../lib/files.ts";
import type { StoredEvent } from "./chain.ts";
import { presentEvent } from "./store.ts";

/** What is read of a copied event again. */
const copiedSchema = z.object({ seq: z.int(), hash: z.string() });

const dayFile = /^\d{4}-\d\d-\d\d\.jsonl$/;

/**
 * Copies events to `<folder>/YYYY-MM-DD.jsonl`, one JSON object a line, for a SIEM to collect. A file is that of the
 * day an event says it happened; where clocks of nodes differ, days may take turns. Within all files together the
 * order is that of the log, so after a crash the copy goes on behind the highest number that is there.
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
      for (const run of runsOfDays(events)) await this.#write(run);
    }
  }

  #next(): Promise<StoredEvent[]> {
    return this.#eventsAfter(this.#copied ?? 0);
  }

  async #write(run: readonly StoredEvent[]): Promise<void> {
    const [first] = run;
    if (first === undefined) return;
    const lines = run.map((event) => `${JSON.stringify(presentEvent(event))}\n`).join("");
    await appendFile(join(this.#folder, `${dayOf(first)}.jsonl`), lines, { mode: 0o600 });
    this.#copied = run.at(-1)?.seq ?? this.#copied;
  }

  async #lastCopied(): Promise<number> {
    await privateFolder(this.#folder);
    let last = 0;
    for (const path of await dayFiles(this.#folder)) {
      await endWithWholeLine(path);
      const line = await lastLine(path);
      if (line !== null) last = Math.max(last, copiedSchema.parse(JSON.parse(line)).seq);
    }
    return last;
  }
}

const dayOf = (event: StoredEvent): string => event.at.slice(0, 10);

/** Consecutive events of one day, in the log's order. */
function runsOfDays(events: readonly StoredEvent[]): StoredEvent[][] {
  const runs: StoredEvent[][] = [];
  for (const event of events) {
    const run = runs.at(-1);
    if (run?.[0] !== undefined && dayOf(run[0]) === dayOf(event)) run.push(event);
    else runs.push([event]);
  }
  return runs;
}

async function dayFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => dayFile.test(name)).map((name) => join(folder, name));
}

const tailBytes = 64 * 1024;

/** Takes off a last line that a crash cut short, to be written again whole. Does nothing where there is no file. */
export async function endWithWholeLine(path: string): Promise<void> {
  const tail = await tailOf(path);
  if (tail === null || tail.bytes.length === 0 || tail.bytes.at(-1) === newLine) return;
  await truncate(path, tail.size - (tail.bytes.length - (tail.bytes.lastIndexOf(newLine) + 1)));
}

const newLine = 10;

async function lastLine(path: string): Promise<string | null> {
  const tail = await tailOf(path);
  const last = tail?.bytes.toString("utf8").trimEnd().split("\n").at(-1);
  return last === undefined || last === "" ? null : last;
}

/** The end of a file, long enough for any line of ours; null where there is no file. */
async function tailOf(path: string): Promise<{ bytes: Buffer; size: number } | null> {
  const handle = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (handle === null) return null;
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, tailBytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return { bytes: buffer.subarray(0, bytesRead), size };
  } finally {
    await handle.close();
  }
}

const batch = 2000;

/**
 * Holds the copy against the log. The first entry that differs or is missing there, or a line that cannot be read; null
 * when all is well. A last line without an end was cut off by a crash, and says nothing. Files that a SIEM has taken
 * away are no fault.
 */
export async function copyProblem(
  folder: string,
  hashesOf: (seqs: readonly number[]) => Promise<ReadonlyMap<number, string>>,
): Promise<{ seq: number; reason: string } | null> {
  await privateFolder(folder);
  let first: { seq: number; reason: string } | null = null;
  for (const path of (await dayFiles(folder)).toSorted()) {
    for await (const lines of batches(path)) {
      const copied = new Map<number, string>();
      for (const line of lines) {
        const parsed = copiedSchema.safeParse(parseJson(line));
        if (!parsed.success) return { seq: 0, reason: `a line of ${path} is not an event` };
        copied.set(parsed.data.seq, parsed.data.hash);
      }
      const logged = await hashesOf([...copied.keys()]);
      for (const [seq, hash] of copied) {
        if (logged.get(seq) === hash || seq >= (first?.seq ?? Infinity)) continue;
        const how = logged.has(seq) ? "differs from its copy" : "is missing, but is in the copy";
        first = { seq, reason: `${how} outside the database` };
      }
    }
  }
  return first;
}

/** The whole lines of a file, some at a time. */
async function* batches(path: string): AsyncGenerator<string[]> {
  const { bytes = Buffer.alloc(0) } = (await tailOf(path)) ?? {};
  const isWhole = bytes.length === 0 || bytes.at(-1) === newLine;
  let lines: string[] = [];
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (lines.length > batch) {
      const last = lines.pop() ?? "";
      yield lines;
      lines = [last];
    }
    lines.push(line);
  }
  if (!isWhole) lines.pop();
  if (lines.length > 0) yield lines;
}

/** The value of a line; undefined where it is no JSON. */
export function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
