/** Languages whose code the console changes, to see whether a test notices. */
export type Language = "javascript" | "python" | "c_like";

const languages: readonly (readonly [RegExp, Language])[] = [
  [/\.(?:[cm]?[jt]s|[jt]sx)$/, "javascript"],
  [/\.py$/, "python"],
  [/\.(?:go|java|rs|kt|cs|php|rb|c|cc|cpp|h|hpp|swift|scala)$/, "c_like"],
];

/** The language of a source file, by its name; null for what is none. Declarations of types alone are none. */
export const languageOf = (path: string): Language | null =>
  /\.d\.[cm]?ts$/.test(path) ? null : (languages.find(([pattern]) => pattern.test(path))?.[1] ?? null);
