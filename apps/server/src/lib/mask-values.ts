/** A text without certain values. */
export type Mask = {
  (said: string): string;
  /**
   * Those that are long enough not to maul what is no error, each as it is and as it may be encoded, longest first; empty
   * where there is nothing to hide.
   */
  readonly long: readonly string[];
  /** False where there is nothing to hide at all, short or long. */
  readonly hides: boolean;
};

const stars = "***";
const longLength = 8;

/**
 * Replaces credentials in what a server or library says, as they are and as they may be encoded. Very short ones are no
 * secrets, and would maul words.
 */
export function maskValues(values: readonly string[]): Mask {
  const found = new Set(
    values
      // The whole header, and what stands behind its scheme.
      .flatMap((value) => [value, value.replace(/^(Bearer|Basic|token) /, "")])
      .filter((value) => value.length >= 4)
      .flatMap(encodings),
  );
  const secrets = [...found].toSorted((a, b) => b.length - a.length);
  return Object.assign((said: string) => replaced(said, secrets), {
    long: secrets.filter(({ length }) => length >= longLength),
    hides: secrets.length > 0,
  });
}

const replaced = (said: string, secrets: readonly string[]): string =>
  secrets.reduce((result, secret) => result.replaceAll(secret, stars), said);

function encodings(value: string): string[] {
  const bytes = Buffer.from(value);
  const [base64, base64url] = [bytes.toString("base64"), bytes.toString("base64url")];
  const inJson = JSON.stringify(value).slice(1, -1);
  const inUrl = encodeURIComponent(value.toWellFormed());
  return [value, base64.replace(/=+$/, ""), base64url, inJson, inUrl, inUrl.replaceAll("%20", "+")];
}

/** A value with every text in it masked, names of members too. The value itself where nothing is found. */
export const maskDeep = <T>(value: T, mask: (said: string) => string): T => {
  const said = JSON.stringify(value);
  if (said === undefined) return value;
  const masked = mask(said);
  return masked === said ? value : (JSON.parse(masked) as T);
};

/** The same of what is no error: only long values are looked for. */
export const maskResult = <T>(value: T, { long }: Mask): T =>
  long.length === 0 ? value : maskDeep(value, (said) => replaced(said, long));

/** Letters, digits and signs that JSON may write as `\u00XX`, and a server that wants to be overlooked does. */
const escaped = /(\\\\)|\\u00([2-7][0-9a-f])/gi;
const unfinishedEscape = /(?<!\\)(?:\\\\)*(\\(?:u0{0,2}[0-9a-f]?)?)$/i;

/**
 * Masks bytes as they pass, also where a value is cut in two, or written in JSON's escapes. Holds back no more than
 * what may be the beginning of a value.
 */
export class MaskedStream {
  readonly #needles: readonly Buffer[];
  readonly #longest: number;
  #held: Buffer = Buffer.alloc(0);

  constructor({ long }: Mask) {
    this.#needles = long.map((secret) => Buffer.from(secret));
    this.#longest = Math.max(...this.#needles.map(({ length }) => length));
  }

  pass(chunk: Buffer): Buffer {
    const data = this.#replaced(this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]));
    const cut = this.#cutOf(data);
    this.#held = data.subarray(cut);
    return data.subarray(0, cut);
  }

  /** What was held back, when nothing follows. */
  end(): Buffer {
    const rest = this.#held;
    this.#held = Buffer.alloc(0);
    return rest;
  }

  #replaced(data: Buffer): Buffer {
    const plain = data.includes("\\u00") ? unescaped(data) : data;
    if (!this.#needles.some((needle) => plain.includes(needle))) return plain;
    // As Latin-1, each byte stays what it is.
    const said = this.#needles.reduce(
      (text, needle) => text.replaceAll(needle.toString("latin1"), stars),
      plain.toString("latin1"),
    );
    return Buffer.from(said, "latin1");
  }

  /** Where what may be the beginning of a value, or of an escape, starts. */
  #cutOf(data: Buffer): number {
    const from = Math.max(0, data.length - this.#longest + 1);
    for (let at = from; at < data.length; at += 1) {
      const rest = data.subarray(at);
      const begins = this.#needles.some(
        (needle) =>
          needle[0] === rest[0] &&
          needle.length > rest.length &&
          needle.subarray(0, rest.length).equals(rest),
      );
      if (begins) return at;
    }
    const tail = data.subarray(-8).toString("latin1");
    return data.length - (unfinishedEscape.exec(tail)?.[1]?.length ?? 0);
  }
}

function unescaped(data: Buffer): Buffer {
  const text = data
    .toString("latin1")
    .replaceAll(escaped, (all: string, pair: string | undefined, code: string | undefined) => {
      const letter = code === undefined ? "" : String.fromCharCode(Number.parseInt(code, 16));
      return pair !== undefined || letter === '"' || letter === "\\" || letter === "\u007F" ? all : letter;
    });
  return Buffer.from(text, "latin1");
}
