/**
 * Characters that a reader does not see and a machine reads: direction overrides (Trojan Source,
 * CVE-2021-42574), zero-width and tag characters, controls. What emoji are made of is none.
 */
const emoji = String.raw`[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}]\uFE0F?(?:\u200D(?=\p{Extended_Pictographic}))?|[0-9#*]\uFE0F\u20E3`;
const hidden = String.raw`(?![\t\n])[\p{Cf}\p{Cc}\p{Default_Ignorable_Code_Point}]`;
const pattern = new RegExp(`(?<shown>${emoji})|${hidden}`, "gu");

export const hasHidden = (text: string): boolean => showHidden(text) !== text;

/** Writes hidden characters out, `‹U+202E›`, so that a reviewer sees what a machine will read. */
export const showHidden = (text: string): string =>
  text.replace(pattern, (found, shown: string | undefined) => shown ?? `‹U+${codeOf(found)}›`);

/** The same of every text in a value, names of members too. */
export function showHiddenIn<T>(value: T): T {
  if (typeof value === "string") return showHidden(value) as T;
  if (Array.isArray(value)) return value.map((each: unknown) => showHiddenIn(each)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [showHidden(key), showHiddenIn(each)]),
  ) as T;
}

const codeOf = (character: string): string =>
  (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
