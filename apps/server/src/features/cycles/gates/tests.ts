import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../../../lib/files.ts";
import type { Checkout } from "../checkout.ts";
import { Recorder } from "../sandbox/recorder.ts";
import type { Limits, Ran } from "../sandbox/run.ts";
import { runnerOf } from "./runners/index.ts";
import type { Left, Runner } from "./runners/runner.ts";
import type { TestRun } from "./test-run.ts";

/** A run of a repository's tests. */
export type Tested = {
  ran: Ran;
  /** Its results one by one; null where its runner is not known, or left no report that can be read. */
  run: TestRun | null;
  /** The runner's name; null where it is not known. */
  runner: string | null;
};

/** Larger reports are none: a test may write what it likes. */
const mostReportBytes = 64 * 1024 * 1024;

/**
 * Runs tests by the command that the repository has for it. The runner is asked to write a report as well: what a command prints
 * is for people.
 */
export async function runTests(
  checkout: Checkout,
  command: string,
  limits: Limits,
  signal?: AbortSignal,
): Promise<Tested> {
  const runner = runnerOf(command);
  const report = join(checkout.home, `report-${randomUUID()}`);
  const { args = [], env = {}, reads = [] } = runner?.reporting(report) ?? {};
  const ran = await checkout.run([command, ...args].join(" "), limits, {
    env: { ...environmentOf(checkout), ...env },
    reads,
    recorder: new Recorder(),
    ...(signal === undefined ? {} : { signal }),
  });
  const left = {
    report: await reportAt(report),
    stdout: ran.stdout.bytes.toString("utf8"),
    stderr: ran.stderr.bytes.toString("utf8"),
  };
  // Of what was ended, or wrote more than is kept, nobody knows what is missing.
  const isWhole = ran.ended === null || ran.ended === "timeout";
  const read = runner === null || !isWhole ? null : readBy(runner, left, checkout.tree);
  const run = read && { ...read, exit: { code: ran.code, timedOut: ran.ended === "timeout" } };
  return { ran, run, runner: runner?.id ?? null };
}

/** A report may be nested deeper than anybody can read: it proves nothing then. */
function readBy(runner: Runner, left: Left, root: string): ReturnType<Runner["read"]> {
  try {
    return runner.read(left, root);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** What tests run with: the programs that the repository brings come first. */
export const environmentOf = (checkout: Checkout): Record<string, string> => ({
  CI: "true",
  PATH: `${join(checkout.tree, "node_modules/.bin")}:${checkout.path}`,
});

/** What stands in the report's place may be a link or a pipe: whatever a test put there. */
const noFollow = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export async function reportAt(path: string): Promise<string | null> {
  try {
    const file = await open(path, noFollow);
    try {
      const stat = await file.stat();
      if (!stat.isFile() || stat.size > mostReportBytes) return null;
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === "ELOOP") return null;
    throw error;
  }
}
