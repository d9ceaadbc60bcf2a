/** Reading of JSON that nobody vouches for: what is not there, or is of another kind, is null. */

export type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What stands at a path of names; undefined where there is nothing. */
export function at(from: unknown, ...path: string[]): unknown {
  const [only] = path;
  if (path.length === 1 && only !== undefined) return isObject(from) ? from[only] : undefined;
  let value = from;
  for (const name of path) {
    if (!isObject(value)) return undefined;
    value = value[name];
  }
  return value;
}

const longest = 500;

export function textAt(from: unknown, ...path: string[]): string | null {
  const value = at(from, ...path);
  return typeof value === "string" && value !== "" ? value.slice(0, longest) : null;
}

/** A finite number that is not negative. */
export function numberAt(from: unknown, ...path: string[]): number | null {
  const value = at(from, ...path);
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null;
}

/** The first years and the far future are mistakes of a clock or a writer. */
const earliest = Date.parse("2020-01-01T00:00:00.000Z");

const latest = Date.parse("9999-12-31T23:59:59.999Z");

/** A moment, from ISO 8601 text or milliseconds since 1970, as ISO 8601 UTC; null where it is none. */
export function timeOf(value: unknown): string | null {
  const ms = msOf(value);
  if (!(ms >= earliest && ms <= latest)) return null;
  // Writing a date out takes longer than all else that is done with a line.
  return isWrittenOut(value) ? value : new Date(ms).toISOString();
}

const msOf = (value: unknown): number =>
  typeof value === "number" ? value : typeof value === "string" ? Date.parse(value) : Number.NaN;

/** Whether a text that is a date is written as `Date` writes it: `2026-11-27T12:00:00.000Z`. */
const isWrittenOut = (value: unknown): value is string =>
  typeof value === "string" &&
  value.length === 24 &&
  value.endsWith("Z") &&
  // `Date` also reads the 31st of February, and 24 o'clock.
  value.slice(8, 10) <= "28" &&
  value.slice(11, 13) < "24" &&
  value[10] === "T" &&
  value[19] === ".";
