/** Reading of JSON that nobody vouches for: what is not there, or is of another kind, is null. */

export type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What stands at a path of names; undefined where there is nothing. */
export function at(from: unknown, ...path: string[]): unknown {
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

/** A moment, from ISO 8601 text or milliseconds since 1970, as ISO 8601 UTC; null where it is none. */
export function timeOf(value: unknown): string | null {
  const ms = typeof value === "number" ? value : typeof value === "string" ? Date.parse(value) : Number.NaN;
  return ms >= earliest && ms < 8.64e15 ? new Date(ms).toISOString() : null;
}
