import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { CallSubject, Cost, MeteredCall } from "../../domain/usage.ts";
import type { Logger } from "../../lib/logger.ts";
import { parseJson } from "../../lib/parse-json.ts";

/** A call as the journal has it. What began and did not end has no cost. */
type Line = { call: MeteredCall; cost: Cost | null };

type Segment = { file: string; descriptor: number; bytes: number; begun: number; unwritten: number };

const subjects = new WeakMap<CallSubject, string>();

/** A line as JSON. Calls that are alike share their subject, which is most of it. */
function textOf({ call, cost }: Line): string {
  const { subject, ...rest } = call;
  let said = subjects.get(subject);
  if (said === undefined) subjects.set(subject, (said = JSON.stringify(subject)));
  return `{"call":{"subject":${said},${JSON.stringify(rest).slice(1)},"cost":${JSON.stringify(cost)}}\n`;
}

const longestSegment = 4 * 1024 * 1024;

/**
 * Calls that are under way, and those that have ended and are not in the database yet, in files of this node. A console that
 * is killed loses none of them: what it had handed to the system is there when it starts again. What a power cut takes is the
 * last moment. Reading it twice counts nothing twice: calls have keys.
 */
export class CallJournal {
  readonly #folder: string;
  readonly #logger: Logger;
  #current: Segment | null = null;
  readonly #older = new Set<Segment>();
  /** Where calls began, and where their end stands, by key. */
  readonly #begun = new Map<string, Segment>();
  readonly #ended = new Map<string, Segment>();
  #count = 0;
  #hasFailed = false;
  /** Lines that go out together at the end of this turn of the event loop: a write takes as long as the rest of a call. */
  #lines: string[] = [];
  #writing: Promise<void> | null = null;

  constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
  }

  /** What an earlier process left: calls that ended, and those of which nobody knows how they did. */
  leftBehind(): Line[] {
    const lines = new Map<string, Line>();
    for (const file of this.#files()) {
      // The last line may be cut: nobody had an answer for it yet.
      for (const text of readFileSync(file, "utf8").split("\n")) {
        const line = text === "" ? undefined : (parseJson(text) as Line | undefined);
        if (line === undefined) continue;
        const before = lines.get(line.call.key);
        if (before === undefined || before.cost === null) lines.set(line.call.key, line);
      }
    }
    return [...lines.values()];
  }

  /** Lets go of what an earlier process left, once it is in the database. */
  forgetLeft(): void {
    const own = new Set([this.#current, ...this.#older].map((segment) => segment?.file));
    for (const file of this.#files()) if (!own.has(file)) rmSync(file, { force: true });
  }

  /** A call is about to be sent. Once this resolves it may cost something. Never rejects. */
  begin(call: MeteredCall): Promise<void> {
    const segment = this.#add({ call, cost: null });
    if (segment === null) return Promise.resolve();
    segment.begun += 1;
    this.#begun.set(call.key, segment);
    return this.#soon();
  }

  /** A call has ended, or was never sent. Once this resolves it will be known, whatever becomes of this process. Never rejects. */
  end(call: MeteredCall, cost: Cost): Promise<void> {
    const segment = this.#add({ call, cost });
    this.#letGo(this.#begun, call.key, "begun");
    if (segment === null) return Promise.resolve();
    segment.unwritten += 1;
    this.#ended.set(call.key, segment);
    return this.#soon();
  }

  /** Calls are in the database. */
  written(keys: Iterable<string>): void {
    for (const key of keys) this.#letGo(this.#ended, key, "unwritten");
  }

  close(): void {
    this.#write();
    for (const segment of [...this.#older, this.#current]) if (segment !== null) this.#drop(segment);
    this.#current = null;
  }

  #letGo(of: Map<string, Segment>, key: string, counted: "begun" | "unwritten"): void {
    const segment = of.get(key);
    if (segment === undefined) return;
    of.delete(key);
    segment[counted] -= 1;
    if (segment !== this.#current) this.#drop(segment);
  }

  /** Deletes a file of which nothing is needed any more. */
  #drop(segment: Segment): void {
    if (segment.begun > 0 || segment.unwritten > 0) return;
    this.#older.delete(segment);
    closeSync(segment.descriptor);
    rmSync(segment.file, { force: true });
  }

  #add(line: Line): Segment | null {
    try {
      const segment = this.#segment();
      const text = textOf(line);
      this.#lines.push(text);
      segment.bytes += text.length;
      return segment;
    } catch (error) {
      this.#fails(error);
      return null;
    }
  }

  /** Resolves when what was added is with the system. */
  #soon(): Promise<void> {
    return (this.#writing ??= new Promise((done) => {
      setImmediate(() => {
        this.#write();
        done();
      });
    }));
  }

  #write(): void {
    const [segment, lines] = [this.#current, this.#lines];
    [this.#lines, this.#writing] = [[], null];
    if (segment === null || lines.length === 0) return;
    try {
      writeSync(segment.descriptor, lines.join(""));
      this.#hasFailed = false;
    } catch (error) {
      this.#fails(error);
    }
  }

  /** The call itself goes on: what is lost is the safety net, which is said once. */
  #fails(error: unknown): void {
    if (!this.#hasFailed) this.#logger.error({ err: error }, "the journal of calls cannot be written");
    this.#hasFailed = true;
  }

  #segment(): Segment {
    const current = this.#current;
    if (current !== null && current.bytes < longestSegment) return current;
    this.#write();
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#count += 1;
    const file = join(this.#folder, `${process.pid}-${Date.now()}-${this.#count}.jsonl`);
    const segment = { file, descriptor: openSync(file, "ax", 0o600), bytes: 0, begun: 0, unwritten: 0 };
    this.#current = segment;
    if (current !== null) {
      this.#older.add(current);
      this.#drop(current);
    }
    return segment;
  }

  #files(): string[] {
    try {
      return readdirSync(this.#folder)
        .filter((name) => name.endsWith(".jsonl"))
        .toSorted()
        .map((name) => join(this.#folder, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }
}
