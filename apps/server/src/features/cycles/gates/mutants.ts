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
const swaps: Record<Language, readonly Swap[]> = {
  javascript: [
    exactly(/===/g, "!=="),
    exactly(/!==/g, "==="),
    exactly(/\breturn (?=[^;\s])/g, "return true ? undefined : "),
    ...cLike,
  ],
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

/**
 * Mutants of some lines of a file, at most `most`: first one of each line, then the second ones, so that few say something of all
 * lines. What stands in strings and comments stays. Pure.
 */
export function mutantsOf(path: string, source: string, lines: ReadonlySet<number>, most: number): Mutant[] {
  const language = languageOf(path);
  if (language === null) return [];
  const rows = source.split("\n");
  const masked = withoutWords(source, language).split("\n");
  const byLine = [...lines]
    .toSorted((a, b) => a - b)
    .map((line) => {
      const [row = "", shown = ""] = [rows[line - 1], masked[line - 1]];
      return isCode(row) ? swapsOf(shown, swaps[language]).map((swap) => ({ line, row, ...swap })) : [];
    });
  const deepest = Math.max(0, ...byLine.map((of) => of.length));
  const found = Array.from({ length: deepest }, (_, depth) => byLine.flatMap((of) => of[depth] ?? [])).flat();
  return found.slice(0, most).map(({ line, row, at, length, to }) => {
    const changed = row.slice(0, at) + to + row.slice(at + length);
    return {
      path,
      line,
      from: row.trim(),
      to: changed.trim(),
      source: [...rows.slice(0, line - 1), changed, ...rows.slice(line)].join("\n"),
    };
  });
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

const words: Record<Language, RegExp> = {
  javascript: /\/\/[^\n]*|\/\*[^]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g,
  c_like: /\/\/[^\n]*|\/\*[^]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`[^`]*`/g,
  python: /"""[^]*?"""|'''[^]*?'''|#[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g,
};

/** The source with blanks in the place of strings and comments: letter by letter as long. */
const withoutWords = (source: string, language: Language): string =>
  source.replaceAll(words[language], (found) => found.replaceAll(/[^\n]/g, " "));
