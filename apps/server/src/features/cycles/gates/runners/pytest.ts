import { XMLParser } from "fast-xml-parser";
import { z } from "zod";
import type { TestResult, TestRun } from "../test-run.ts";
import { failureOf } from "./failure.ts";
import { nameOf, type Runner, within } from "./runner.ts";

const attribute = z.string().optional();
const sayingSchema = z.array(
  z.object({ "@message": attribute, "@type": attribute, "#text": z.string().optional() }),
);
const caseSchema = z.object({
  "@classname": z.string(),
  "@name": z.string(),
  "@file": attribute,
  failure: sayingSchema.optional(),
  error: sayingSchema.optional(),
  skipped: sayingSchema.optional(),
});
const reportSchema = z.object({
  testsuites: z.object({ testsuite: z.array(z.object({ testcase: z.array(caseSchema).optional() })) }),
});
type Case = z.infer<typeof caseSchema>;
type Saying = z.infer<typeof sayingSchema>[number];

const lists = new Set(["testsuite", "testcase", "failure", "error", "skipped"]);
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  parseTagValue: false,
  alwaysCreateTextNode: true,
  htmlEntities: true,
  isArray: (name) => lists.has(name),
});

/** pytest 7 to 9, by its JUnit report in the form that names files. */
export const pytest: Runner = {
  id: "pytest",
  isRunBy: (command) => /(?:^|[\s/])(?:py\.?test|python[\d.]*\s+-m\s+pytest)(?:\s|$)/.test(command),
  reporting: (report) => ({
    args: [],
    env: {
      PYTEST_ADDOPTS: `-o junit_family=xunit1 --junitxml=${report} --continue-on-collection-errors -p no:cacheprovider`,
    },
  }),
  read({ report }, root) {
    const parsed = reportSchema.safeParse(report === null ? undefined : parsedXml(report));
    if (!parsed.success) return null;
    const cases = parsed.data.testsuites.testsuite.flatMap(({ testcase }) => testcase ?? []);
    return {
      tests: cases.filter((one) => !isUncollected(one)).map((one) => resultOf(one, root)),
      broken: cases.filter(isUncollected).map(brokenOf),
    };
  },
};

function parsedXml(report: string): unknown {
  try {
    return parser.parse(report, true);
  } catch {
    // What is no XML is no report.
    return undefined;
  }
}

/** A file that cannot be collected is told as a test without a class, by its module's name. */
const isUncollected = ({ "@classname": of, error }: Case): boolean =>
  of === "" && error?.[0]?.["@message"] === "collection failure";

const brokenOf = ({ "@name": name, error }: Case): TestRun["broken"][number] => ({
  file: `${name.replaceAll(".", "/")}.py`,
  failure: failureOf(error?.[0]?.["#text"] ?? "", false),
});

function resultOf(one: Case, root: string): TestResult {
  const file = one["@file"] === undefined ? null : within(root, one["@file"]);
  const module = (file ?? "").replace(/\.py$/, "").replaceAll("/", ".");
  const of = one["@classname"];
  const classes =
    of === module ? [] : (of.startsWith(`${module}.`) ? of.slice(module.length + 1) : of).split(".");
  const [skipped] = one.skipped ?? [];
  const failed = one.failure?.[0] ?? one.error?.[0];
  const state =
    failed !== undefined
      ? "failed"
      : skipped === undefined
        ? "passed"
        : skipped["@type"] === "pytest.xfail"
          ? "todo"
          : "skipped";
  return {
    file,
    name: nameOf([...classes, one["@name"]]),
    state,
    failure: failed === undefined ? null : saidOf(failed),
  };
}

/** Told apart by the message alone: the text quotes the test's source, with assertions that held. */
function saidOf({ "@message": message = "", "#text": words = "" }: Saying): TestResult["failure"] {
  const { kind, missing } = failureOf(message);
  return { ...failureOf(`${message}\n${words}`), kind, missing };
}
