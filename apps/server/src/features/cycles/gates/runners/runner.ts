import type { TestRun } from "../test-run.ts";

/** What a run left behind: its report, where the runner writes one, and both streams. */
export type Left = { report: string | null; stdout: string; stderr: string };

/** What is added to a command so that its runner writes a report to a file. */
export type Reporting = {
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Files of the console that the runner has to read. */
  reads?: readonly string[];
};

/** A program that runs tests, and how its results are read. */
export type Runner = {
  id: string;
  /** Whether it is what a command runs: `vitest run`, `python -m pytest`. */
  isRunBy(command: string): boolean;
  /** `report` is the path of a file that does not exist yet. */
  reporting(report: string): Reporting;
  /**
   * Results, with files as they stand in the repository, which was at `root`. Null where there is no report that can be
   * read: the run proves nothing.
   */
  read(left: Left, root: string): Pick<TestRun, "tests" | "broken"> | null;
};

/** A path in the repository, with `/`; the path itself where it is in none. */
export function within(root: string, path: string): string {
  const plain = path.replaceAll("\\", "/").replace(/^file:\/\//, "");
  const folder = root.endsWith("/") ? root : `${root}/`;
  return plain.startsWith(folder) ? plain.slice(folder.length) : plain.replace(/^\.\//, "");
}

/** A test's name behind those of its suites. */
export const nameOf = (parts: readonly string[]): string => parts.filter((part) => part !== "").join(" > ");
