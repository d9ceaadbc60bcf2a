import { z } from "zod";
import { parseJson } from "../../../../lib/parse-json.ts";
import type { TestResult, TestRun } from "../test-run.ts";
import { failureOf, withoutColours } from "./failure.ts";
import { type Left, nameOf, type Runner, within } from "./runner.ts";

/** As vitest 4 and jest 30 write it. */
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().nullish(),
      assertionResults: z.array(
        z.object({
          ancestorTitles: z.array(z.string()),
          title: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).nullish(),
          failureDetails: z.array(z.unknown()).nullish(),
        }),
      ),
    }),
  ),
});
type File = z.infer<typeof reportSchema>["testResults"][number];

const states: Readonly<Record<string, TestResult["state"]>> = {
  passed: "passed",
  failed: "failed",
  todo: "todo",
};

/** Jest says of a failed matcher which one it was. */
const isMatcher = (details: unknown): boolean =>
  typeof details === "object" && details !== null && "matcherResult" in details;

function read({ report }: Left, root: string): Pick<TestRun, "tests" | "broken"> | null {
  const parsed = reportSchema.safeParse(report === null ? undefined : parseJson(report));
  if (!parsed.success) return null;
  const files = parsed.data.testResults;
  return {
    tests: files.flatMap((file) => testsIn(file, root)),
    broken: files
      .filter(({ status, assertionResults }) => status === "failed" && assertionResults.length === 0)
      .map(({ name, message }) => ({
        file: within(root, name),
        failure: failureOf(withoutColours(message ?? ""), false),
      })),
  };
}

const testsIn = ({ name, assertionResults }: File, root: string): TestResult[] =>
  assertionResults.map((one) => {
    const state = states[one.status] ?? "skipped";
    const words = withoutColours((one.failureMessages ?? []).join("\n"));
    const isAssertion = one.failureDetails?.some(isMatcher) === true ? true : undefined;
    return {
      file: within(root, name),
      name: nameOf([...one.ancestorTitles, one.title]),
      state,
      failure: state === "failed" ? failureOf(words, isAssertion) : null,
    };
  });

export const vitest: Runner = {
  id: "vitest",
  isRunBy: (command) => /(?:^|[\s/])vitest(?:\s|$)/.test(command),
  reporting: (report) => ({
    args: ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
    env: {},
  }),
  read,
};

export const jest: Runner = {
  id: "jest",
  isRunBy: (command) => /(?:^|[\s/])jest(?:\s|$|\.js)/.test(command),
  reporting: (report) => ({ args: ["--json", `--outputFile=${report}`], env: {} }),
  read,
};
