const maxIdLine = 16 * 1024;
const [lineFeed, carriageReturn] = [0x0a, 0x0d];

/**
 * Seals the ids of events in a stream as it passes, and leaves all else as it came: an id is what a stream can be taken up
 * again by (HTML, "Server-sent events"), and may be used by nobody but who was given it.
 */
export class EventIds {
  readonly #seal: (id: string) => string;
  /** The beginning of a line that may turn out to hold an id. */
  #held: Buffer = Buffer.alloc(0);
  #startsLine = true;

  constructor(seal: (id: string) => string) {
    this.#seal = seal;
  }

  /** The bytes to pass on for those that came. Throws where an id has no end. */
  pass(chunk: Buffer): Buffer {
    const data = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const startsLine = this.#startsLine;
    const cut = this.#whole(data, startsLine);
    this.#held = data.subarray(cut);
    if (this.#held.length > maxIdLine) throw new Error("the id of an event is too long");
    const whole = data.subarray(0, cut);
    const last = whole.at(-1);
    if (last !== undefined) this.#startsLine = last === lineFeed || last === carriageReturn;
    return hasIds(whole, startsLine) ? this.#sealed(whole, startsLine) : whole;
  }

  /** How much of it can go on: all but a last line that is, or may become, one with an id. */
  #whole(data: Buffer, startsLine: boolean): number {
    const end = Math.max(data.lastIndexOf(lineFeed), data.lastIndexOf(carriageReturn)) + 1;
    if (end === 0 && !startsLine) return data.length;
    const rest = data.subarray(end, end + 2).toString("latin1");
    return rest !== "" && "id".startsWith(rest) ? end : data.length;
  }

  #sealed(data: Buffer, startsLine: boolean): Buffer {
    // As Latin-1, each byte stays what it is.
    const form = startsLine ? /(^|[\r\n])id: ?([^\r\n]*)/g : /([\r\n])id: ?([^\r\n]*)/g;
    const said = data.toString("latin1").replaceAll(form, (line: string, before: string, id: string) => {
      if (id === "") return line;
      const sealed = this.#seal(Buffer.from(id, "latin1").toString("utf8"));
      return `${before}id: ${Buffer.from(sealed, "utf8").toString("latin1")}`;
    });
    return Buffer.from(said, "latin1");
  }
}

const hasIds = (data: Buffer, startsLine: boolean): boolean =>
  data.includes("\nid") ||
  data.includes("\rid") ||
  (startsLine && data.subarray(0, 2).toString("latin1") === "id");
