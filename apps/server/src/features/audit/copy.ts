import { createReadStream } from "node:fs";
import { appendFile, open, readdir, truncate } from "node:fs/promises";
import { basename, join } from "node:path";
import { auditEventSchema, text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import { privateFolder, readIfThere, replaceFile } from "../../lib/files.ts";
import { parseJson } from "../../lib/parse-json.ts";
import { eventHash, type StoredEvent } from "./chain.ts";
import { presentEvent } from "./store.ts";

/** A copied event as it is read again: as `presentEvent` writes it. */
const copiedSchema = auditEventSchema;

const dayFile = /^\d{4}-\d\d-\d\d\.jsonl$/;

/**
 * Copies events to `<folder>/YYYY-MM-DD.jsonl`, one JSON object a line, for a SIEM to collect. A file is that of the
 * day an event says it happened; where clocks of nodes differ, days may take turns. Within all files together the
 * order is that of the log, so after a crash the copy goes on behind the highest number that is there. Where a SIEM
 * has taken away the file that was written last, the file `copied` says how far the copy had come.
 */
export class SiemCopy {
  readonly #folder: string;
  readonly #eventsAfter: (seq: number) => Promise<StoredEvent[]>;
  readonly #latest: () => Promise<number>;
  readonly #position: string;
  #copied: number | null = null;

  constructor(
    folder: string,
    log: { eventsAfter(seq: number): Promise<StoredEvent[]>; latest(): Promise<number> },
  ) {
    this.#folder = folder;
    this.#position = join(folder, "copied");
    this.#eventsAfter = log.eventsAfter;
    this.#latest = log.latest;
  }

  /** Copies what is new. One call at a time. Throws where the log is shorter than what was copied of it. */
  async catchUp(): Promise<void> {
    this.#copied ??= await this.#lastCopied();
    const latest = await this.#latest();
    if (latest < this.#copied) throw cutOff(latest, this.#copied);
    for (let events = await this.#next(); events.length > 0; events = await this.#next()) {
      for (const run of runsOfDays(events)) await this.#write(run);
      const last = events.at(-1);
      if (last !== undefined) await replaceFile(this.#position, `${last.seq} ${dayOf(last)}\n`);
    }
  }

  #next(): Promise<StoredEvent[]> {
    return this.#eventsAfter(this.#copied ?? 0);
  }

  async #write(run: readonly StoredEvent[]): Promise<void> {
    const [first] = run;
    if (first === undefined) return;
    const lines = run.map((event) => `${JSON.stringify(presentEvent(event))}\n`).join("");
    try {
      await appendFile(join(this.#folder, `${dayOf(first)}.jsonl`), lines, { mode: 0o600 });
    } catch (error) {
      // A full disk may take part of it: the next time looks how far it came.
      this.#copied = null;
      throw error;
    }
    this.#copied = run.at(-1)?.seq ?? this.#copied;
  }

  async #lastCopied(): Promise<number> {
    await privateFolder(this.#folder);
    const files = await dayFiles(this.#folder);
    let last = await lastTakenAway(this.#position, files);
    for (const path of files) {
      await endWithWholeLine(path);
      const line = await lastLine(path);
      const event = line === null ? null : copiedOf(line);
      // What is no event of ours is for the verdict to name; what is new is copied all the same.
      if (event !== null) last = Math.max(last, event.seq);
    }
    return last;
  }
}

/** The highest number in the file that was written last, where that is gone; else 0: what is there says more. */
async function lastTakenAway(position: string, files: readonly string[]): Promise<number> {
  const [, seq, day] = /^(\d{1,15}) (\d{4}-\d\d-\d\d)\n$/.exec((await readIfThere(position)) ?? "") ?? [];
  const isThere = files.some((path) => basename(path) === `${day}.jsonl`);
  return seq === undefined || isThere ? 0 : Number(seq);
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
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isFile() && dayFile.test(entry.name))
    .map(({ name }) => join(folder, name));
}

const cutOff = (latest: number, copied: number): Refusal =>
  new Refusal(
    "audit_unavailable",
    text(
      `The audit log ends at entry ${latest}, but ${copied} are in its copy outside the database: it was cut off. Run: ciclo audit verify`,
      `O registro de auditoria termina na entrada ${latest}, mas ${copied} estão na cópia fora do banco de dados: ele foi cortado. Execute: ciclo audit verify`,
    ),
  );

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

type Fault = { seq: number; reason: string };
export type CopySource = {
  hashesOf(seqs: readonly number[]): Promise<ReadonlyMap<number, string>>;
  /** Number and day of entries between two others, oldest first. */
  daysBetween(range: {
    after: number;
    before: number;
    limit: number;
  }): Promise<{ seq: number; day: string }[]>;
};

/**
 * Holds the copy against the log. The first entry that differs or is missing there, a line that is not what was
 * copied, or that is gone from the file of a day that is there; null when all is well. A last line without an end
 * was cut off by a crash, and says nothing. Files that a SIEM has taken away are no fault.
 */
export async function copyProblem(folder: string, source: CopySource): Promise<Fault | null> {
  let first: Fault | null = null;
  const copied = new Ranges();
  const paths = (await dayFiles(folder)).toSorted();
  for (const path of paths) {
    for await (const lines of batches(path)) {
      const found = lines.map((line) => copiedOf(line));
      if (found.includes(null)) return { seq: 0, reason: `a line of ${path} is not an event` };
      const events = found.filter((event) => event !== null);
      const logged = await source.hashesOf(events.map(({ seq }) => seq));
      for (const { seq, hash, isWhole } of events) {
        copied.add(seq);
        const fault = isWhole
          ? faultOf(logged.get(seq), hash)
          : "is not what was copied outside the database";
        if (fault !== null && seq < (first?.seq ?? Infinity)) first = { seq, reason: fault };
      }
    }
  }
  const days = new Set(paths.map((path) => basename(path, ".jsonl")));
  const hole = await firstHole(copied, days, source);
  return hole !== null && hole < (first?.seq ?? Infinity)
    ? { seq: hole, reason: "is gone from the copy outside the database" }
    : first;
}

function faultOf(logged: string | undefined, copied: string): string | null {
  if (logged === copied) return null;
  return logged === undefined
    ? "is missing, but is in the copy outside the database"
    : "differs from its copy outside the database";
}

/** An event of a line; `isWhole` where its fields have the hash that it gives. Null where it is no event. */
function copiedOf(line: string): { seq: number; hash: string; isWhole: boolean } | null {
  const { success, data } = copiedSchema.safeParse(parseJson(line));
  if (!success) return null;
  const { hash, actor_roles, metadata, ...plain } = data;
  const stored = { ...plain, actor_roles: JSON.stringify(actor_roles), metadata: JSON.stringify(metadata) };
  return { seq: data.seq, hash, isWhole: eventHash(stored) === hash };
}

/** The first entry that is in no file, though the file of its day is there and files before and behind it are. */
async function firstHole(
  copied: Ranges,
  days: ReadonlySet<string>,
  { daysBetween }: CopySource,
): Promise<number | null> {
  for (const gap of copied.gaps()) {
    for (let { after } = gap; ;) {
      const events = await daysBetween({ after, before: gap.before, limit: batch });
      const hole = events.find(({ day }) => days.has(day));
      if (hole !== undefined) return hole.seq;
      const last = events.at(-1);
      if (last === undefined) break;
      after = last.seq;
    }
  }
  return null;
}

/** Numbers as runs of consecutive ones. Files take turns with the log's numbers only where clocks differ. */
class Ranges {
  readonly #runs: { from: number; to: number }[] = [];

  add(number: number): void {
    const run = this.#runs.at(-1);
    if (run !== undefined && number === run.to + 1) run.to = number;
    else this.#runs.push({ from: number, to: number });
  }

  /** What lies between: `after` and `before` are in. */
  gaps(): { after: number; before: number }[] {
    const gaps: { after: number; before: number }[] = [];
    let end: number | null = null;
    for (const { from, to } of this.#runs.toSorted((a, b) => a.from - b.from)) {
      if (end !== null && from > end + 1) gaps.push({ after: end, before: from });
      end = Math.max(end ?? to, to);
    }
    return gaps;
  }
}

/** The whole lines of a file, some at a time. */
async function* batches(path: string): AsyncGenerator<string[]> {
  let lines: string[] = [];
  let rest = "";
  // Not by `node:readline`, which takes separators of Unicode that may stand in a JSON text for ends of lines.
  for await (const chunk of createReadStream(path, "utf8") as AsyncIterable<string>) {
    const [first = "", ...more] = chunk.split("\n");
    const last = more.pop();
    if (last === undefined) {
      rest += first;
      continue;
    }
    lines.push(rest + first, ...more);
    rest = last;
    if (lines.length < batch) continue;
    yield lines;
    lines = [];
  }
  if (lines.length > 0) yield lines;
}
