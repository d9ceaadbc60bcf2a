import { z } from "zod";
import { parseJson } from "../../../../lib/parse-json.ts";
import type { Capture, TestFailure, TestResult, TestRun } from "../test-run.ts";
import { failureOf, withoutColours } from "./failure.ts";
import { type Left, nameOf, type Runner, within } from "./runner.ts";

const errorSchema = z.object({ message: z.string().optional(), stack: z.string().optional() });
const attachmentSchema = z.object({
  name: z.string(),
  path: z.string().optional(),
  /** Base64. */
  body: z.string().optional(),
});
const testSchema = z.object({
  projectName: z.string(),
  expectedStatus: z.string(),
  status: z.enum(["expected", "unexpected", "flaky", "skipped"]),
  results: z.array(
    z.object({
      errors: z.array(errorSchema).default([]),
      attachments: z.array(attachmentSchema).default([]),
    }),
  ),
});
const specSchema = z.object({ title: z.string(), file: z.string(), tests: z.array(testSchema) });
type Suite = { title: string; specs: z.infer<typeof specSchema>[]; suites?: Suite[] | undefined };
const suiteSchema: z.ZodType<Suite> = z.lazy(() =>
  z.object({ title: z.string(), specs: z.array(specSchema), suites: z.array(suiteSchema).optional() }),
);
/** As Playwright 1.65 writes it. */
const reportSchema = z.object({
  config: z.object({ rootDir: z.string() }),
  suites: z.array(suiteSchema),
  errors: z.array(errorSchema.extend({ location: z.object({ file: z.string() }).optional() })),
});

/**
 * Tests in a browser. A trace is made of each, whatever the repository's settings say of that; each runs once, since what passes only
 * when it is tried again is flaky. A file that cannot be loaded keeps all others from running.
 */
export const playwright: Runner = {
  id: "playwright",
  isRunBy: (command) =>
    /(?:^|[\s/])(?:playwright(?:\.js)?|@playwright\/test\/cli\.js) test(?:\s|$)/.test(command),
  reporting: (report) => ({
    args: ["--reporter=list,json", "--trace=on", "--retries=0", "--forbid-only"],
    env: { PLAYWRIGHT_JSON_OUTPUT_NAME: report },
  }),
  read({ report }: Left, root): Pick<TestRun, "tests" | "broken"> | null {
    const parsed = reportSchema.safeParse(report === null ? undefined : parseJson(report));
    if (!parsed.success) return null;
    const { config, suites, errors } = parsed.data;
    const folder = within(root, config.rootDir);
    // The outermost suites are files.
    const tests = suites.flatMap((file) =>
      testsIn(file, [], (path) => (folder === root ? path : `${folder}/${path}`)),
    );
    return {
      tests: tests.map((one) => ({
        ...one,
        captures: one.captures?.map((capture) => capturedIn(root, capture)),
      })),
      broken: errors.map((error) => ({
        file: error.location === undefined ? null : within(root, error.location.file),
        failure: why([error]),
      })),
    };
  },
};

const capturedIn = (root: string, capture: Capture): Capture =>
  capture.path === null ? capture : { ...capture, path: within(root, capture.path) };

const testsIn = (
  { specs, suites = [] }: Suite,
  titles: readonly string[],
  inRepository: (path: string) => string,
): TestResult[] => [
  ...specs.flatMap(({ title, file, tests }) =>
    tests.map(({ projectName, expectedStatus, status, results }): TestResult => {
      const last = results.at(-1);
      const state = stateOf(status, expectedStatus);
      return {
        file: inRepository(file),
        name: nameOf([projectName, ...titles, title]),
        state,
        failure: state === "failed" ? why(last?.errors ?? []) : null,
        captures: (last?.attachments ?? []).map(({ name, path = null, body = null }) => ({
          name,
          path,
          body,
        })),
      };
    }),
  ),
  ...suites.flatMap((suite) => testsIn(suite, [...titles, suite.title], inRepository)),
];

/** One that is expected to fail says nothing of what it is for. */
function stateOf(status: z.infer<typeof testSchema>["status"], expected: string): TestResult["state"] {
  if (status === "skipped") return "skipped";
  if (status !== "expected") return "failed";
  return expected === "passed" ? "passed" : "todo";
}

/** What it waits for in vain is not there: the words by which a person would find it. */
const waited = /waiting for (?:getBy\w+\((?:'\w+', \{ name: )?|locator\()['"]([^'"]+)['"]/;

function why(errors: readonly z.infer<typeof errorSchema>[]): TestFailure {
  const said = withoutColours(errors.map(({ message, stack }) => message ?? stack ?? "").join("\n"))
    .split("\n")
    // Lines of the test itself, which Playwright shows around the one that failed.
    .filter((line) => !/^[> ]*\d* \|/.test(line))
    .join("\n");
  if (/^(?:Error: )?expect\([^)]*\)\.[\w.]+\(/m.test(said)) return failureOf(said, true);
  const name = /Timeout .*exceeded|Test timeout/i.test(said) ? waited.exec(said)?.[1] : undefined;
  return name === undefined
    ? failureOf(said, false)
    : { ...failureOf(said, false), kind: "missing", missing: name };
}
