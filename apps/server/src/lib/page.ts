import { fieldError, invalidPayload, type Refusal } from "../errors.ts";

/** One page of a list, newest first. `next_cursor` is null on the last. */
export type Page<T> = { items: T[]; next_cursor: string | null };

/** Opaque text for a position in a list. */
export const encodeCursor = (...position: (string | number)[]): string =>
  Buffer.from(JSON.stringify(position)).toString("base64url");

/** Reads a cursor of `length` parts back. Refuses with `invalid_payload` what this server did not write. */
export function decodeCursor(cursor: string, length: number): string[] {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (Array.isArray(position) && position.length === length) return position.map(String);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw madeUp();
}

/** A part of a cursor that is a sequence number. */
export function wholeNumber(part: string): number {
  const value = Number(part);
  if (!Number.isSafeInteger(value)) throw madeUp();
  return value;
}

const madeUp = (): Refusal =>
  invalidPayload([
    fieldError(
      "cursor",
      "take it from next_cursor of the page before",
      "use o next_cursor da página anterior",
    ),
  ]);

/** Cuts a result that was read with one row more than asked for. */
export function toPage<T>(rows: T[], limit: number, cursorOf: (row: T) => string): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next_cursor: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}
