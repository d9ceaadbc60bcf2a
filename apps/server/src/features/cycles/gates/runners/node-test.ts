import { join } from "node:path";
import { z } from "zod";
import { parseJson } from "../../../../lib/parse-json.ts";
import { serverFolder } from "../../../../lib/places.ts";
import type { TestResult, TestRun } from "../test-run.ts";
import { failureOf } from "./failure.ts";
import { nameOf, type Runner, within } from "./runner.ts";

/** A line of `node-test-reporter.mjs`. */
const eventSchema = z.object({
  file: z.string().nullable(),
  names: z.array(z.string()),
  kind: z.enum(["test", "suite"]),
  state: z.enum(["passed", "failed", "skipped", "todo"]),
  code: z.string().nullable(),
  failureType: z.string().nullable(),
  error: z.string().nullable(),
  /** What its file wrote to standard error, of a test that is in no suite. */
  said: z.string().nullable(),
});
type Event = z.infer<typeof eventSchema>;

const reporter = join(serverFolder, "src/features/cycles/gates/runners/node-test-reporter.mjs");

/** Node's own runner (seen: 26.10), by a reporter of the console's: its TAP and JUnit leave out files. */
export const nodeTest: Runner = {
  id: "node",
  isRunBy: (command) => /(?:^|[\s/])node(?:\s+\S+)*\s+--test(?:\s|$|=)/.test(command),
  reporting: (report) => ({
    args: [],
    reads: [reporter],
    env: {
      NODE_OPTIONS: `--test-reporter=${reporter} --test-reporter-destination=${report} --test-reporter=spec --test-reporter-destination=stdout`,
    },
  }),
  read({ report }, root) {
    if (report === null) return null;
    const lines = report.split("\n").filter((line) => line !== "");
    const events = lines.map((line) => eventSchema.safeParse(parseJson(line)).data);
    if (lines.length === 0 || events.some((event) => event === undefined)) return null;
    return runOf(events as Event[], root);
  },
};

function runOf(events: readonly Event[], root: string): Pick<TestRun, "tests" | "broken"> {
  const tests: TestResult[] = [];
  const broken: TestRun["broken"][number][] = [];
  for (const { file, names, kind, state, code, failureType, error, said } of events) {
    const at = file === null ? null : within(root, file);
    const failure =
      state === "failed" ? failureOf(error ?? "", code === "ERR_ASSERTION" ? true : undefined) : null;
    // A file that ends with an error is told as a test that has the file's name.
    const isFile = at !== null && names.length === 1 && isPathOf(at, names[0] ?? "");
    if (isFile) {
      if (failure !== null) broken.push({ file: at, failure: failureOf(said ?? error ?? "", false) });
    } else if (kind === "test") tests.push({ file: at, name: nameOf(names), state, failure });
    // A suite fails with its tests, or by itself: in a hook, or in its body.
    else if (failure !== null && failureType !== "subtestsFailed")
      tests.push({ file: at, name: nameOf(names), state, failure });
  }
  return { tests, broken };
}

const isPathOf = (file: string, name: string): boolean => {
  const said = name.replaceAll("\\", "/");
  return said === file || said.endsWith(`/${file}`) || file.endsWith(`/${said}`);
};
