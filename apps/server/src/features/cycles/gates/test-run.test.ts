import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  contradictionIn,
  flakyTests,
  freshTests,
  idOf,
  lostTests,
  redOnBase,
  type TestResult,
  type TestRun,
} from "./test-run.ts";

const failure = (kind: "assertion" | "missing" | "error", missing: string | null = null) => ({
  kind,
  missing,
  message: `it is ${kind}`,
});
const test = (name: string, state: TestResult["state"] = "passed", more: Partial<TestResult> = {}) => ({
  file: "test/a.js",
  name,
  state,
  failure: state === "failed" ? failure("assertion") : null,
  ...more,
});
const runOf = (tests: readonly TestResult[], more: Partial<TestRun> = {}): TestRun => ({
  tests,
  broken: [],
  exit: { code: tests.some(({ state }) => state === "failed") ? 1 : 0, timedOut: false },
  ...more,
});

const results = fc.array(
  fc.record({
    file: fc.constantFrom("test/a.js", "test/b.js", null),
    name: fc.constantFrom("one", "two", "three"),
    state: fc.constantFrom<TestResult["state"][]>("passed", "failed", "skipped", "todo"),
  }),
  { maxLength: 12 },
);
const anyRun = results.map((all) => runOf(all.map(({ file, name, state }) => test(name, state, { file }))));

describe("a run of tests", () => {
  it.each<[ReturnType<typeof contradictionIn>, TestRun]>([
    [null, runOf([test("adds")])],
    [null, runOf([test("adds", "failed")])],
    ["timed_out", runOf([test("adds")], { exit: { code: null, timedOut: true } })],
    ["red_exit", runOf([test("adds")], { exit: { code: 1, timedOut: false } })],
    ["red_exit", runOf([], { exit: { code: 1, timedOut: false } })],
    ["green_exit", runOf([test("adds", "failed")], { exit: { code: 0, timedOut: false } })],
    ["no_test", runOf([])],
    // A todo may fail.
    [null, runOf([test("adds", "todo")])],
    ["green_exit", runOf([test("adds")], { broken: [{ file: "test/b.js", failure: failure("error") }] })],
  ])("is read with how its command ended: %s", (says, run) => {
    expect(contradictionIn(run)).toBe(says);
  });

  it("loses what ran and passed and does not any more, whatever the totals", () => {
    const base = runOf([
      test("a"),
      test("b"),
      test("c"),
      test("d"),
      test("e", "failed"),
      test("f", "skipped"),
    ]);
    const head = runOf([
      test("b", "failed"),
      test("c", "skipped"),
      test("d", "todo"),
      test("a", "passed", { file: "test/z.js" }),
      test("g"),
      test("h"),
    ]);
    expect(lostTests(base, head)).toEqual([
      { file: "test/a.js", name: "a", now: "gone" },
      { file: "test/a.js", name: "b", now: "failed" },
      { file: "test/a.js", name: "c", now: "skipped" },
      { file: "test/a.js", name: "d", now: "todo" },
    ]);
  });

  it("loses one of two tests of one name", () => {
    expect(lostTests(runOf([test("a"), test("a")]), runOf([test("a")]))).toEqual([
      { file: "test/a.js", name: "a", now: "gone" },
    ]);
  });

  it("loses nothing where nothing is taken away, and nothing is flaky where nothing differs", () => {
    fc.assert(
      fc.property(anyRun, anyRun, (run, more) => {
        expect(lostTests(run, run)).toEqual([]);
        expect(lostTests(run, { ...run, tests: [...more.tests, ...run.tests] })).toEqual([]);
        expect(flakyTests(run, { ...run, tests: run.tests.toReversed() })).toEqual([]);
        expect(flakyTests(run, more).map(idOf).toSorted()).toEqual(
          flakyTests(more, run).map(idOf).toSorted(),
        );
        expect(freshTests(run, run)).toEqual([]);
        for (const { file, name } of lostTests(run, more))
          expect(run.tests).toContainEqual(expect.objectContaining({ file, name, state: "passed" }));
      }),
    );
  });

  it("tells which results differ between two runs of one commit", () => {
    const first = runOf([test("a"), test("b"), test("c")]);
    const second = runOf([test("a", "failed"), test("b")]);
    expect(flakyTests(first, second).map(({ name }) => name)).toEqual(["a", "c"]);
  });
});

describe("a new test on the base commit", () => {
  const fresh = [{ file: "test/a.js", name: "adds" }];
  const adds = (missing: string): boolean => missing === "../src/sum.js";
  const howOn = (base: TestRun) => redOnBase(fresh, base, adds).map(({ how }) => how);

  it("is red by assertion, by absence of what the change adds, or not at all", () => {
    expect(howOn(runOf([test("adds", "failed")]))).toEqual(["assertion"]);
    const absent = (missing: string) =>
      runOf([test("adds", "failed", { failure: failure("missing", missing) })]);
    expect(howOn(absent("../src/sum.js"))).toEqual(["absence"]);
    // What is missing there and here is a mistake of the test.
    expect(howOn(absent("left-pad"))).toEqual(["error"]);
    expect(howOn(runOf([test("adds", "failed", { failure: failure("error") })]))).toEqual(["error"]);
    expect(howOn(runOf([test("adds")]))).toEqual(["green"]);
    expect(howOn(runOf([test("adds", "skipped")]))).toEqual(["error"]);
    expect(howOn(runOf([]))).toEqual(["error"]);
  });

  it("has the reason of its file where that could not be loaded", () => {
    const broken = (file: string, missing: string) =>
      runOf([], { broken: [{ file, failure: failure("missing", missing) }] });
    expect(howOn(broken("test/a.js", "../src/sum.js"))).toEqual(["absence"]);
    expect(howOn(broken("test/a.js", "left-pad"))).toEqual(["error"]);
    expect(howOn(broken("test/b.js", "../src/sum.js"))).toEqual(["error"]);
    expect(redOnBase(fresh, broken("test/a.js", "../src/sum.js"), adds)[0]?.message).toBe("it is missing");
  });

  it("is whichever the base commit does not have", () => {
    const base = runOf([test("a"), test("b", "failed")]);
    expect(freshTests(base, runOf([test("a"), test("b"), test("c"), test("c")]))).toEqual([
      { file: "test/a.js", name: "c" },
    ]);
  });
});
