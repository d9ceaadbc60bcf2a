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
/** Longer values are looked for in their plainest forms alone. */
const longest = 4096;

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

/** How a value may be written: as it is, in JSON and JSON within JSON, in an address, in Base64 at any place of it. */
function encodings(value: string): string[] {
  // A private key or a file is quoted whole or not at all, and each form of it takes its size once more.
  if (value.length > longest) {
    return [value, JSON.stringify(value).slice(1, -1), ...base64Of(Buffer.from(value))];
  }
  const wellFormed = value.toWellFormed();
  const url = encodeURIComponent(wellFormed);
  const strictUrl = url.replace(/[!'()*~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  const urls = [url, strictUrl]
    .flatMap((each) => [each, each.replaceAll("%20", "+")])
    .flatMap((each) => [each, each.replaceAll("%2F", "/")]);
  const plain = [
    value,
    ...urls,
    ...urls.map((each) => each.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())),
    ...base64Of(Buffer.from(value)),
  ];
  // Libraries escape other signs than JSON demands: a slash, what HTML knows, all but letters and digits.
  const inJson = plain.flatMap((each) => {
    const json = JSON.stringify(each).slice(1, -1);
    const codes = (signs: RegExp, upper: boolean): string =>
      json.replace(signs, (sign) => {
        const code = sign.charCodeAt(0).toString(16).padStart(4, "0");
        return `\\u${upper ? code.toUpperCase() : code}`;
      });
    return [
      json,
      json.replaceAll("/", String.raw`\/`),
      ...[true, false].flatMap((upper) => [codes(/[<>&'+]/g, upper), codes(/[<>&]/g, upper)]),
    ];
  });
  const twice = inJson.map((each) => JSON.stringify(each).slice(1, -1));
  const thrice = twice.map((each) => JSON.stringify(each).slice(1, -1));
  return [...plain, ...inJson, ...twice, ...thrice];
}

/** What Base64 of a text always holds where it holds these bytes, wherever in it they begin. */
function base64Of(bytes: Buffer): string[] {
  const found = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    // The first digits depend on what stands before, and the last on what follows.
    const first = before === 0 ? 0 : before + 1;
    const rest = (before + bytes.length) % 3;
    return text.slice(first, rest === 0 ? undefined : -1);
  });
  const whole = bytes.toString("base64").replace(/=+$/, "");
  const long = [whole, ...found.filter(({ length }) => length >= 6)];
  return [...long, ...long.map((each) => each.replaceAll("+", "-").replaceAll("/", "_"))];
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

/** The beginning of a text that was cut, masked, without what may be the beginning of a value at its end. */
export const maskStart = (start: string, mask: Mask): string =>
  // Bytes of half a letter are none of a value.
  mask(new MaskedStream(mask).pass(Buffer.from(start.replace(/\uFFFD+$/, ""))).toString("utf8"));

/** Letters, digits and signs that JSON may write as `\u00XX`, and a server that wants to be overlooked does. */
const escaped = /(\\\\)|\\u00([2-7][0-9a-f])/gi;
const unfinishedEscape = /(?<!\\)(?:\\\\)*(\\(?:u0{0,2}[0-9a-f]?)?)$/i;

/**
 * Masks bytes as they pass, also where a value is cut in two, or written in JSON's escapes. Holds back no more than
 * what may be the beginning of a value.
 */
export class MaskedStream {
  readonly #needles: readonly Buffer[];
  #held: Buffer = Buffer.alloc(0);

  constructor({ long }: Mask) {
    this.#needles = long.map((secret) => Buffer.from(secret));
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
    const begins = Math.min(...this.#needles.map((needle) => beginningOf(needle, data)));
    if (begins < data.length) return begins;
    const tail = data.subarray(-8).toString("latin1");
    return data.length - (unfinishedEscape.exec(tail)?.[1]?.length ?? 0);
  }
}

/** Where the end of the data is the beginning of a value; its length where it is none. */
function beginningOf(needle: Buffer, data: Buffer): number {
  const [first = 0] = needle;
  let at = data.indexOf(first, Math.max(0, data.length - needle.length + 1));
  while (at >= 0) {
    const rest = data.subarray(at);
    if (needle.subarray(0, rest.length).equals(rest)) return at;
    at = data.indexOf(first, at + 1);
  }
  return data.length;
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
