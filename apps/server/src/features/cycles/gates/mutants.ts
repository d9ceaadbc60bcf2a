import { isCode } from "./coverage.ts";
import { type Language, languageOf } from "./languages.ts";

/** A change of one place of a file that a good test notices. */
export type Mutant = { path: string; line: number; from: string; to: string; source: string };

type Swap = readonly [pattern: RegExp, to: (found: string) => string];

const spaced = (sign: string, to: string): Swap => [new RegExp(` \\${sign} `, "g"), () => ` ${to} `];
const exactly = (pattern: RegExp, to: string): Swap => [pattern, () => to];

const arithmetic: readonly Swap[] = [
  spaced("+", "-"),
  spaced("-", "+"),
  spaced("*", "/"),
  spaced("/", "*"),
  [/(?<![\w.])\d+(?![\w.])/g, (found) => String(Number(found) + 1)],
];
const comparisons: readonly Swap[] = [
  exactly(/(?<![=!<>])==(?!=)/g, "!="),
  exactly(/!=(?!=)/g, "=="),
  exactly(/<=(?!=)/g, ">"),
  exactly(/(?<!=)>=(?!=)/g, "<"),
  spaced("<", ">="),
  spaced(">", "<="),
];
const cLike: readonly Swap[] = [
  exactly(/&&/g, "||"),
  exactly(/\|\|/g, "&&"),
  exactly(/\btrue\b/g, "false"),
  exactly(/\bfalse\b/g, "true"),
  exactly(/\+=/g, "-="),
  exactly(/-=/g, "+="),
  ...comparisons,
  ...arithmetic,
];
const swaps: Record<Exclude<Language, "javascript">, readonly Swap[]> = {
  python: [
    exactly(/\band\b/g, "or"),
    exactly(/\bor\b/g, "and"),
    exactly(/\bnot (?!in\b)/g, ""),
    exactly(/\bTrue\b/g, "False"),
    exactly(/\bFalse\b/g, "True"),
    exactly(/\breturn (?=[^\s#])/g, "return None if True else "),
    exactly(/\+=/g, "-="),
    ...comparisons,
    ...arithmetic,
  ],
  c_like: cLike,
};

/** Another text for a part of a source, which is from `start` up to `end` (offsets). */
export type Replacement = { start: number; end: number; to: string };

/**
 * Replacements in a source of a language that no library of ours reads, line by line: one sign at a time, outside of strings and
 * comments. None for JavaScript and TypeScript, whose mutants are Stryker's. Pure.
 */
export function replacementsIn(path: string, source: string): Replacement[] {
  const language = languageOf(path);
  if (language === null || language === "javascript") return [];
  const rows = source.split("\n");
  let offset = 0;
  return withoutWords(source, language)
    .split("\n")
    .flatMap((shown, index) => {
      const begin = offset;
      offset += shown.length + 1;
      return isCode(rows[index] ?? "")
        ? swapsOf(shown, swaps[language]).map(({ at, length, to }) => ({
            start: begin + at,
            end: begin + at + length,
            to,
          }))
        : [];
    });
}

/**
 * Mutants of some lines of a file, at most `most`: first one of each line, then the second ones, so that few say something of all
 * lines. A mutant is of the line that it begins on. Pure.
 */
export function mutantsOf(
  { path, source }: { path: string; source: string },
  replacements: readonly Replacement[],
  lines: ReadonlySet<number>,
  most: number,
): Mutant[] {
  const lineAt = lineNumbers(source);
  const byLine = Map.groupBy(replacements, ({ start }) => lineAt(start));
  const wanted = [...byLine]
    .filter(([line]) => lines.has(line))
    .toSorted(([a], [b]) => a - b)
    .map(([line, of]) => of.map((one) => ({ line, ...one })));
  const deepest = Math.max(0, ...wanted.map((of) => of.length));
  const found = Array.from({ length: deepest }, (_, depth) => wanted.flatMap((of) => of[depth] ?? [])).flat();
  return found.slice(0, most).map(({ line, start, end, to }) => {
    const changed = source.slice(0, start) + to + source.slice(end);
    const from = source.lastIndexOf("\n", start - 1) + 1;
    return {
      path,
      line,
      from: onOneLine(source.slice(from, endOfLine(source, end))),
      to: onOneLine(changed.slice(from, endOfLine(changed, start + to.length))),
      source: changed,
    };
  });
}

const longestShown = 200;

function onOneLine(part: string): string {
  const plain = part.replaceAll(/\s+/g, " ").trim();
  return plain.length <= longestShown ? plain : `${plain.slice(0, longestShown - 1)}…`;
}

function endOfLine(source: string, at: number): number {
  const end = source.indexOf("\n", at);
  return end === -1 ? source.length : end;
}

/** The number of the line that an offset is on, as git counts them. */
function lineNumbers(source: string): (offset: number) => number {
  const starts = [0];
  for (let at = source.indexOf("\n"); at !== -1; at = source.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}

function swapsOf(shown: string, of: readonly Swap[]): { at: number; length: number; to: string }[] {
  const taken = new Set<number>();
  return of.flatMap(([pattern, to]) =>
    [...shown.matchAll(pattern)].flatMap(({ index, 0: found }) => {
      // `===` is one sign, and not two.
      if (taken.has(index)) return [];
      for (let at = index; at < index + found.length; at += 1) taken.add(at);
      return [{ at: index, length: found.length, to: to(found) }];
    }),
  );
}

const words: Record<keyof typeof swaps, RegExp> = {
  c_like: /\/\/[^\n]*|\/\*[^]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`[^`]*`/g,
  python: /"""[^]*?"""|'''[^]*?'''|#[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g,
};

/** The source with blanks in the place of strings and comments: letter by letter as long. */
const withoutWords = (source: string, language: keyof typeof swaps): string =>
  source.replaceAll(words[language], (found) => found.replaceAll(/[^\n]/g, " "));
