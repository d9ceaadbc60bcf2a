import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream";
import { isDeepStrictEqual } from "node:util";
import { createGunzip } from "node:zlib";
import { UsageError } from "../../domain/provider-usage.ts";
import type { MeteredCall } from "../../domain/usage.ts";
import { sha256 } from "../../lib/crypto.ts";
import { parseJson } from "../../lib/parse-json.ts";
import { LineError, type LogContext } from "./agents/reader.ts";
import { isObject, type Json } from "./said.ts";

/** Up to where a file has been read. Offsets in bytes, of what is in it once it is unpacked. */
export type Position = {
  offset: number;
  /** Lines before the offset, and those of them that could not be used. */
  lines: number;
  bad: number;
  /** Calls that are older than calls are kept: they were left out. */
  tooOld: number;
  /** SHA-256 of the first `headBytes` bytes: a file that begins otherwise is another file. */
  head: string;
  headBytes: number;
  context: LogContext;
};

export const start: Position = {
  offset: 0,
  lines: 0,
  bad: 0,
  tooOld: 0,
  head: "",
  headBytes: 0,
  context: {},
};

export type BadLine = { line: number; reason: string; bytes: Buffer };
export type Batch = { calls: MeteredCall[]; bad: BadLine[]; position: Position };

export type LineReader = {
  /** Bytes without one of which a line cannot matter; all lines matter when left out. */
  marks?: readonly string[];
  read(line: Json, context: LogContext, raw: Uint8Array): MeteredCall[];
};

const chunkBytes = 1024 * 1024;
/** Chunks that say little are handed over together: a transaction takes longer than the few calls in it. */
const enough = 2000;
/** Lines that cannot be used are held as they stand. */
const mostHeldBytes = 16 * chunkBytes;
/** Longer lines are counted as bad and passed over. */
const mostLineBytes = 8 * 1024 * 1024;
const headBytes = 1024;

/**
 * Reads a file from a position to its last whole line, and hands over what it says a chunk at a time. A file that begins
 * otherwise than before, or is shorter than was read, is read from its start. Returns the position it came to.
 */
export async function readOn(
  path: string,
  from: Position,
  reader: LineReader,
  take: (batch: Batch) => Promise<void>,
  signal: AbortSignal,
): Promise<Position> {
  return path.endsWith(".gz")
    ? await readPacked(path, from, reader, take, signal)
    : await readPlain(path, from, reader, take, signal);
}

async function readPlain(
  path: string,
  from: Position,
  reader: LineReader,
  take: (batch: Batch) => Promise<void>,
  signal: AbortSignal,
): Promise<Position> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const isSame = from.offset <= size && (await headOf(file, from.headBytes)) === from.head;
    const known = isSame ? from : start;
    const length = Math.min(headBytes, size);
    const lines = new Lines({ ...known, headBytes: length, head: await headOf(file, length) }, reader);
    let held: Batch | null = null;
    let begun = known.offset;
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, size - known.offset));
    for (let at = known.offset; at < size;) {
      if (signal.aborted) break;
      const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, size - at), at);
      if (bytesRead === 0) break;
      at += bytesRead;
      held = joined(held, lines.add(chunk.subarray(0, bytesRead)));
      if (held !== null && (held.calls.length + held.bad.length >= enough || at - begun >= mostHeldBytes)) {
        await take(held);
        held = null;
        begun = at;
      }
    }
    if (held !== null) await take(held);
    return lines.position;
  } finally {
    await file.close();
  }
}

/** What two chunks in a row say. */
function joined(first: Batch | null, next: Batch | null): Batch | null {
  if (first === null || next === null) return first ?? next;
  const { calls, bad } = first;
  return { calls: [...calls, ...next.calls], bad: [...bad, ...next.bad], position: next.position };
}

async function headOf(file: Awaited<ReturnType<typeof open>>, bytes: number): Promise<string> {
  if (bytes === 0) return "";
  const head = Buffer.alloc(bytes);
  const { bytesRead } = await file.read(head, 0, bytes, 0);
  return bytesRead < bytes ? "shorter" : sha256(head);
}

async function headOfPacked(path: string): Promise<{ head: string; headBytes: number }> {
  const file = await open(path, "r");
  try {
    const bytes = Math.min(headBytes, (await file.stat()).size);
    return { head: await headOf(file, bytes), headBytes: bytes };
  } finally {
    await file.close();
  }
}

/** A packed file does not grow: it is read once, past what was taken in before. Its last line may lack its end. */
async function readPacked(
  path: string,
  from: Position,
  reader: LineReader,
  take: (batch: Batch) => Promise<void>,
  signal: AbortSignal,
): Promise<Position> {
  const head = await headOfPacked(path);
  // Rotation renames files: another file may have this name now.
  const passed = head.head === from.head && head.headBytes === from.headBytes ? from.offset : 0;
  const lines = new Lines({ ...start, ...head, context: {} }, reader);
  const unpacked = createGunzip();
  // What goes wrong with the file ends what is unpacked with the same error, which is then thrown below.
  pipeline(createReadStream(path), unpacked, () => {});
  try {
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      if (signal.aborted) return lines.position;
      const batch = lines.add(chunk);
      if (batch !== null && batch.position.offset > passed) await take(batch);
    }
  } catch (error) {
    if (!isUnpackError(error)) throw error;
    // It may be written still. Then it is another file when that is done, and is read once more.
    await take(lines.broken(`cannot be unpacked any further: ${error.message}`));
    return lines.position;
  } finally {
    unpacked.destroy();
  }
  const last = lines.end();
  if (last !== null) await take(last);
  return lines.position;
}

const isUnpackError = (error: unknown): error is Error =>
  error instanceof Error && "code" in error && String(error.code).startsWith("Z_");

/** Cuts bytes into lines, and reads those that matter. Of the chunks that it is given it keeps none. */
class Lines {
  position: Position;
  readonly #reader: LineReader;
  /** The beginning of a line whose end is still to come. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** Where a chunk is put behind such a beginning. */
  #room = Buffer.alloc(0);

  constructor(position: Position, reader: LineReader) {
    this.position = { ...position, context: { ...position.context } };
    this.#reader = reader;
  }

  /** What a chunk says, up to its last whole line; null where it has no line's end. */
  add(chunk: Buffer): Batch | null {
    const last = chunk.lastIndexOf(10);
    if (last === -1) {
      this.#keep(chunk);
      return null;
    }
    const whole = chunk.subarray(0, last + 1);
    const isLong = this.#restBytes > mostLineBytes;
    const bytes = this.#rest.length === 0 || isLong ? whole : this.#behindRest(whole);
    const passed = isLong ? this.#restBytes : 0;
    const batch = this.#read(bytes, passed);
    this.#rest = [];
    this.#restBytes = 0;
    this.#keep(chunk.subarray(last + 1));
    return batch;
  }

  #behindRest(bytes: Buffer): Buffer {
    const length = this.#restBytes + bytes.length;
    if (this.#room.length < length) this.#room = Buffer.allocUnsafe(length);
    let end = 0;
    for (const part of [...this.#rest, bytes]) end += part.copy(this.#room, end);
    return this.#room.subarray(0, end);
  }

  /** The last line, where it has no end and none will come. */
  end(): Batch | null {
    if (this.#restBytes === 0) return null;
    return this.add(Buffer.from("\n"));
  }

  /** The line that cannot be read to its end, nor can what would follow. */
  broken(reason: string): Batch {
    const bytes = Buffer.concat(this.#rest);
    const { position } = this;
    this.position = { ...position, lines: position.lines + 1, bad: position.bad + 1 };
    return { calls: [], bad: [{ line: this.position.lines, reason, bytes }], position: this.position };
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#restBytes += bytes.length;
    // Of a line that is too long nothing is kept.
    this.#rest = this.#restBytes > mostLineBytes ? [] : [...this.#rest, Buffer.from(bytes)];
  }

  /** `passed`: bytes of the first line that were too many to keep. */
  #read(bytes: Buffer, passed: number): Batch {
    const { position } = this;
    const calls: MeteredCall[] = [];
    const bad: BadLine[] = [];
    // Told of all at once; only where something is wrong is it looked for line by line.
    const isSound = isUtf8(bytes);
    const nextOf = (this.#reader.marks ?? []).map((mark) => new Mark(mark, bytes));
    let line = position.lines;
    for (let from = 0; from < bytes.length;) {
      const end = bytes.indexOf(10, from);
      line += 1;
      const isTooLong = (from === 0 && passed > 0) || end - from > mostLineBytes;
      if (isTooLong) bad.push({ line, reason: `longer than ${mostLineBytes} bytes`, bytes: Buffer.alloc(0) });
      else if (nextOf.length === 0 || nextOf.some((mark) => mark.isBefore(from, end)))
        this.#line(bytes.subarray(from, end), { line, isSound, calls, bad });
      from = end + 1;
    }
    this.position = {
      ...position,
      lines: line,
      bad: position.bad + bad.length,
      offset: position.offset + passed + bytes.length,
      context: position.context,
    };
    return { calls, bad, position: this.position };
  }

  #line(bytes: Buffer, to: { line: number; isSound: boolean; calls: MeteredCall[]; bad: BadLine[] }): void {
    const { line, calls, bad } = to;
    const raw = line === 1 && startsWithMark(bytes) ? bytes.subarray(3) : bytes;
    const refuse = (reason: string): void => void bad.push({ line, reason, bytes: Buffer.from(raw) });
    if (!to.isSound && !isUtf8(raw)) return refuse("no UTF-8");
    const text = raw.toString("utf8");
    const value = parseJson(text);
    if (value === undefined && text.trim() === "") return;
    if (!isObject(value)) return refuse("no JSON object");
    try {
      for (const call of this.#reader.read(value, this.position.context, raw))
        if (!isSaidAgain(calls.at(-1), call)) calls.push(call);
    } catch (error) {
      if (!(error instanceof LineError || error instanceof UsageError)) throw error;
      refuse(error.message);
    }
  }
}

/** Some editors begin a file with the mark of its encoding. */
const startsWithMark = (raw: Buffer): boolean => raw[0] === 0xef && raw[1] === 0xbb && raw[2] === 0xbf;

/** Whether a call is that of the line before, with nothing new: agents write an answer's usage with each of its blocks. */
function isSaidAgain(before: MeteredCall | undefined, now: MeteredCall): boolean {
  if (before === undefined || before.key !== now.key || before.subject !== now.subject) return false;
  return (
    before.session === now.session &&
    before.status === now.status &&
    before.isEstimate === now.isEstimate &&
    before.ms === now.ms &&
    isDeepStrictEqual(before.aliases, now.aliases) &&
    isDeepStrictEqual(before.usage, now.usage)
  );
}

/** Where a mark stands next: most lines hold none, and need not be looked at one by one. */
class Mark {
  readonly #mark: string;
  readonly #bytes: Buffer;
  #next = -1;
  #isAtEnd = false;

  constructor(mark: string, bytes: Buffer) {
    this.#mark = mark;
    this.#bytes = bytes;
  }

  isBefore(from: number, end: number): boolean {
    if (!this.#isAtEnd && this.#next < from) {
      this.#next = this.#bytes.indexOf(this.#mark, from, "latin1");
      this.#isAtEnd = this.#next === -1;
    }
    return !this.#isAtEnd && this.#next < end;
  }
}
