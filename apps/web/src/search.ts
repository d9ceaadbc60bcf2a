/** What the address says behind `?`, read with care: anybody can write it. */
type Raw = Record<string, unknown>;

const maxLength = 300;

/** A text of the address; absent when empty, too long or no text. */
export function textOf(raw: Raw, name: string): string | undefined {
  const value = raw[name];
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && text !== "" && text.length <= maxLength ? text : undefined;
}

/** One of the given values; absent when it is another. */
export function oneOf<T extends string>(raw: Raw, name: string, values: readonly T[]): T | undefined {
  return values.find((value) => value === raw[name]);
}

/** An instant in ISO 8601; absent when it is none. */
export function instantOf(raw: Raw, name: string): string | undefined {
  const text = textOf(raw, name);
  return text === undefined || Number.isNaN(Date.parse(text)) ? undefined : new Date(text).toISOString();
}

type Present<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** Without what is absent, so that the address stays short. */
export const present = <T extends object>(values: T): Present<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>;
