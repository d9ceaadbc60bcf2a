import { z } from "zod";
import { parseJson } from "../../../../lib/parse-json.ts";
import type { TestResult } from "../test-run.ts";
import { failureOf } from "./failure.ts";
import { type Runner, within } from "./runner.ts";

const testSchema = z.object({
  title: z.string(),
  fullTitle: z.string(),
  file: z.string().nullish(),
  err: z
    .object({
      message: z.string().optional(),
      stack: z.string().optional(),
      code: z.string().optional(),
      name: z.string().optional(),
    })
    .partial()
    .nullish(),
});
const reportSchema = z.object({
  passes: z.array(testSchema),
  failures: z.array(testSchema),
  pending: z.array(testSchema),
});
type Test = z.infer<typeof testSchema>;

/** Mocha 11. A file that cannot be loaded ends it before it reports anything. */
export const mocha: Runner = {
  id: "mocha",
  isRunBy: (command) => /(?:^|[\s/])_?mocha(?:\s|$|\.js)/.test(command),
  reporting: (report) => ({
    args: ["--forbid-only", "--reporter", "json", "--reporter-option", `output=${report}`],
    env: {},
  }),
  read({ report, stderr }, root) {
    const parsed = reportSchema.safeParse(report === null ? undefined : parseJson(report));
    if (!parsed.success)
      return stderr.trim() === ""
        ? null
        : { tests: [], broken: [{ file: null, failure: failureOf(stderr, false) }] };
    const { passes, failures, pending } = parsed.data;
    const as =
      (state: TestResult["state"]) =>
      ({ fullTitle, file, err }: Test): TestResult => ({
        file: file == null ? null : within(root, file),
        name: fullTitle,
        state,
        failure: state === "failed" ? failureOf(said(err), isAssertion(err)) : null,
      });
    return {
      tests: [...passes.map(as("passed")), ...failures.map(as("failed")), ...pending.map(as("skipped"))],
      broken: [],
    };
  },
};

const said = (error: Test["err"]): string => error?.stack ?? error?.message ?? "";

const isAssertion = (error: Test["err"]): true | undefined =>
  error?.code === "ERR_ASSERTION" || /^AssertionError\b/.test(error?.name ?? error?.stack ?? "")
    ? true
    : undefined;
