import { posix } from "node:path";
import type { CheckReport } from "@ciclo/contract";
import { type ChangedFile, isTestFile } from "./guard.ts";
import { languageOf } from "./languages.ts";
import { within } from "./runners/runner.ts";

/** How often each line of a file ran, by its number; lines that cannot run are not in it. */
export type LineCounts = ReadonlyMap<number, number>;

/** What an lcov report says, by the path of each file in the repository, which was at `root`. Pure. */
export function parseLcov(report: string, root: string): Map<string, LineCounts> {
  const files = new Map<string, Map<number, number>>();
  let lines: Map<number, number> | null = null;
  for (const line of report.split(/\r?\n/)) {
    const file = /^SF:(.+)$/.exec(line)?.[1];
    if (file !== undefined) {
      const path = posix.normalize(within(root, file));
      lines = files.get(path) ?? new Map();
      files.set(path, lines);
    }
    const [, number, count] = /^DA:(\d+),(\d+)/.exec(line) ?? [];
    if (lines !== null && number !== undefined)
      lines.set(Number(number), (lines.get(Number(number)) ?? 0) + Number(count));
    if (line === "end_of_record") lines = null;
  }
  return files;
}

type Coverage = NonNullable<NonNullable<CheckReport["measures"]>["coverage"]>;
const mostNamed = 200;

/**
 * Which changed lines ran in the tests. A changed source file that the report does not have is named, and counts nowhere: what was
 * not measured is not covered. Null where none of the changed files was measured. Pure.
 */
export function coverageOfChange(
  lcov: ReadonlyMap<string, LineCounts>,
  changed: readonly ChangedFile[],
): Coverage | null {
  const coverage: Coverage = { covered: 0, lines: 0, missed: [], not_measured: [] };
  for (const { path, added } of sourcesIn(changed)) {
    const counts = lcov.get(path);
    const code = added.filter(({ text }) => isCode(text));
    if (code.length === 0) continue;
    if (counts === undefined) {
      coverage.not_measured.push(path);
      continue;
    }
    for (const { line } of code) {
      const count = counts.get(line);
      if (count === undefined) continue;
      coverage.lines += 1;
      if (count > 0) coverage.covered += 1;
      else if (coverage.missed.length < mostNamed) coverage.missed.push({ path, line });
    }
  }
  return coverage.lines === 0 ? null : coverage;
}

/** Changed files that hold code which is no test. */
export const sourcesIn = (changed: readonly ChangedFile[]): ChangedFile[] =>
  changed.filter(({ path, isDeleted }) => !isDeleted && !isTestFile(path) && languageOf(path) !== null);

/** A line of more than a comment, a bracket or nothing. */
export const isCode = (text: string): boolean => !/^\s*(?:\/\/|\/\*|\*|#|[\])}({[;,]*\s*$)/.test(text);
