import { Parser } from "tap-parser";
import type { TestResult } from "../test-run.ts";
import { failureOf } from "./failure.ts";
import { nameOf, type Runner } from "./runner.ts";

type Assert = {
  ok: boolean;
  name: string;
  skip?: string | boolean;
  todo?: string | boolean;
  diag?: Record<string, unknown> | null;
};

/** Tape 5, which writes TAP to standard output, one line an assertion. It names no file; an exception ends the whole run. */
export const tape: Runner = {
  id: "tape",
  isRunBy: (command) => /(?:^|[\s/])tape(?:\s|$)/.test(command),
  reporting: () => ({ args: [], env: {} }),
  read({ stdout, stderr }) {
    const unloaded = [{ file: null, failure: failureOf(stderr, false) }];
    if (!/^TAP version /m.test(stdout)) return stderr.trim() === "" ? null : { tests: [], broken: unloaded };
    const tests: TestResult[] = [];
    let suite = "";
    let isPlanned = false;
    for (const [event, data] of Parser.parse(stdout) as [string, unknown][]) {
      if (event === "plan") isPlanned = true;
      else if (event === "assert") tests.push(resultOf(data as Assert, suite));
      else if (event === "comment" && typeof data === "string") {
        const comment = data.replace(/^\s*#\s*/, "").trim();
        const skipped = /^SKIP\s+(.*)$/.exec(comment)?.[1];
        if (skipped === undefined) suite = comment;
        else tests.push({ file: null, name: skipped, state: "skipped", failure: null });
      }
    }
    // What ended the run is told of outside the report.
    return { tests, broken: isPlanned ? [] : unloaded };
  },
};

const isSaid = (directive: string | boolean | undefined): boolean =>
  directive !== undefined && directive !== false;

function resultOf({ ok, name, skip, todo, diag }: Assert, suite: string): TestResult {
  const state = isSaid(todo) ? "todo" : isSaid(skip) ? "skipped" : ok ? "passed" : "failed";
  const words = [name, diag?.["stack"], diag?.["at"]].filter((one) => typeof one === "string").join("\n");
  // An exception that a test hands on is an assertion that there was none.
  const isThrown = diag?.["operator"] === "error" || diag?.["operator"] === "fail";
  return {
    file: null,
    name: nameOf([suite, name]),
    state,
    failure: state === "failed" ? failureOf(words, isThrown ? undefined : true) : null,
  };
}
