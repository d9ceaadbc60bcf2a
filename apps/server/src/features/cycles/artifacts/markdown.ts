import { showHidden } from "@ciclo/contract";

/**
 * Markdown whose text others wrote, models among them: it is shown as text, and makes no heading, link, table or HTML of its
 * own. Hidden characters are written out.
 */

/** A text on one line. */
export const inline = (words: string): string =>
  showHidden(words.replaceAll(/\s+/g, " ").trim()).replaceAll(/[\\`*_[\]<>|~#&!]/g, (mark) => `\\${mark}`);

/** Backticks, `least` of them or more, that nothing within ends. */
export const fenceFor = (words: string, least: number): string =>
  "`".repeat(Math.max(least, ...[...words.matchAll(/`+/g)].map(([run]) => run.length + 1)));

/** A path, an id or a command, letter by letter. Not for tables, in which GitHub ends a cell at `|` also within code. */
export function code(words: string): string {
  const shown = showHidden(words.replaceAll(/\s+/g, " "));
  const fence = fenceFor(shown, 1);
  const room = fence.length > 1 ? " " : "";
  return `${fence}${room}${shown}${room}${fence}`;
}

/** Lines letter by letter, as a block of their own. */
export function block(lines: string, language: string): string {
  const shown = lines.split("\n").map(showHidden).join("\n");
  const fence = fenceFor(shown, 3);
  return `${fence}${language}\n${shown}\n${fence}`;
}

export const heading = (level: 1 | 2 | 3, words: string): string => `${"#".repeat(level)} ${inline(words)}`;

/** Paragraphs as they were written. */
export const paragraphs = (words: string): string =>
  words
    .split(/\n\s*\n/)
    .map(startless)
    .filter((part) => part !== "")
    .join("\n\n");

/** A line that begins neither a list nor anything else. */
const startless = (words: string): string =>
  inline(words).replace(
    /^(?:([-+=])|(\d+)([.)]))/,
    (_, mark: string | undefined, number: string, end: string) =>
      mark === undefined ? `${number}\\${end}` : `\\${mark}`,
  );

/** Entries are Markdown already. */
export const list = (entries: readonly string[]): string => entries.map((entry) => `- ${entry}`).join("\n");

/** Cells are Markdown already. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

export const document = (...parts: readonly (string | null)[]): string =>
  `${parts.filter((part) => part !== null && part !== "").join("\n\n")}\n`;
