/** What came of a run of a repository's tests, whichever runner it was. */
export type TestRun = {
  tests: readonly TestResult[];
  /** Files, or what stands in their place, that the runner could not load: none of their tests is known. */
  broken: readonly { file: string | null; failure: TestFailure }[];
  /** How the command ended. */
  exit: { code: number | null; timedOut: boolean };
};

export type TestResult = {
  /** Where the test stands, from the repository's root, with `/`; null where the runner does not say. */
  file: string | null;
  /** Its name, behind those of the suites that it is in. */
  name: string;
  /** A todo is a test that may fail. */
  state: "passed" | "failed" | "skipped" | "todo";
  failure: TestFailure | null;
  /** Files that it left of how things looked, where its runner says which. */
  captures?: readonly Capture[] | undefined;
};

/** A picture, video or trace: a file by its path in the repository, or what it holds, as Base64. */
export type Capture = { name: string; path: string | null; body: string | null };

export type TestFailure = {
  /** An assertion that does not hold; a module or name that is not there; anything else. */
  kind: "assertion" | "missing" | "error";
  /** Of what is missing, its name as the runner says it. */
  missing: string | null;
  message: string;
};

/** A test as it is found again in another run. */
export const idOf = ({ file, name }: Pick<TestResult, "file" | "name">): string => `${file ?? ""}\n${name}`;

/**
 * What a runner reported, and how its command ended. A report that stops early says nothing of what would have followed, and
 * a green one of a command that failed is none.
 */
export function contradictionIn({
  tests,
  broken,
  exit,
}: TestRun): "timed_out" | "no_test" | "red_exit" | "green_exit" | null {
  const isRed = broken.length > 0 || tests.some(({ state }) => state === "failed");
  if (exit.timedOut) return "timed_out";
  if (!isRed && exit.code !== 0) return "red_exit";
  if (isRed && exit.code === 0) return "green_exit";
  return tests.length === 0 && broken.length === 0 ? "no_test" : null;
}

/** A test that ran and passed before, and what became of it. */
export type Lost = { file: string | null; name: string; now: "gone" | "failed" | "skipped" | "todo" };

/** Tests that ran and passed on the base commit, and do not on the new one. Totals would hide them. Pure. */
export function lostTests(base: TestRun, head: TestRun): Lost[] {
  const now = statesOf(head);
  return passedIn(base).flatMap(({ file, name, count }): Lost[] => {
    const states = now.get(idOf({ file, name })) ?? [];
    const passed = states.filter((state) => state === "passed").length;
    if (passed >= count) return [];
    const worst = (["failed", "skipped", "todo"] as const).find((state) => states.includes(state));
    return [{ file, name, now: worst ?? "gone" }];
  });
}

function passedIn({ tests }: TestRun): { file: string | null; name: string; count: number }[] {
  const passed = new Map<string, { file: string | null; name: string; count: number }>();
  for (const { file, name, state } of tests) {
    if (state !== "passed") continue;
    const known = passed.get(idOf({ file, name }));
    if (known === undefined) passed.set(idOf({ file, name }), { file, name, count: 1 });
    else known.count += 1;
  }
  return [...passed.values()];
}

/** Several tests may have one name: as many results as there are of it. */
function statesOf({ tests }: TestRun): Map<string, TestResult["state"][]> {
  const states = new Map<string, TestResult["state"][]>();
  for (const test of tests) states.set(idOf(test), [...(states.get(idOf(test)) ?? []), test.state]);
  return states;
}

/** Tests of which two runs of one commit say different things. Pure. */
export function flakyTests(first: TestRun, second: TestRun): { file: string | null; name: string }[] {
  const [one, other] = [statesOf(first), statesOf(second)];
  const said = (states: readonly string[] | undefined): string =>
    [...(states ?? [])].toSorted((a, b) => (a < b ? -1 : 1)).join(" ");
  const all = new Map([...first.tests, ...second.tests].map((test) => [idOf(test), test]));
  return [...all]
    .filter(([id]) => said(one.get(id)) !== said(other.get(id)))
    .map(([, { file, name }]) => ({ file, name }));
}

/**
 * How a new test did on the base commit: `assertion` is what a test of new behaviour should do there; `absence` is weaker: it
 * could not even ask, since what it asks for is what the change adds. `green` shows nothing, and `error` is no red test.
 */
export type Red = {
  file: string | null;
  name: string | null;
  how: "assertion" | "absence" | "green" | "error";
  message: string | null;
};

/**
 * What new tests did on the base commit, one entry each, and one for each of their files that could not be loaded there.
 * `adds` says whether the change adds what a runner calls missing. Pure.
 */
export function redOnBase(
  fresh: readonly Pick<TestResult, "file" | "name">[],
  base: TestRun,
  adds: (missing: string) => boolean,
): Red[] {
  const results = new Map<string, TestResult[]>();
  for (const test of base.tests) results.set(idOf(test), [...(results.get(idOf(test)) ?? []), test]);
  const howOf = ({ kind, missing }: TestFailure): Red["how"] =>
    kind === "missing" && missing !== null && adds(missing)
      ? "absence"
      : kind === "assertion"
        ? kind
        : "error";
  const unloaded = new Map(base.broken.map(({ file, failure }) => [file, failure]));
  return fresh.map(({ file, name }): Red => {
    const found = results.get(idOf({ file, name })) ?? [];
    const failed = found.find(({ state }) => state === "failed");
    if (failed !== undefined) {
      const { failure } = failed;
      return {
        file,
        name,
        how: failure === null ? "error" : howOf(failure),
        message: failure?.message ?? null,
      };
    }
    if (found.some(({ state }) => state === "passed")) return { file, name, how: "green", message: null };
    const failure = unloaded.get(file);
    return {
      file,
      name,
      how: failure === undefined ? "error" : howOf(failure),
      message: failure?.message ?? null,
    };
  });
}

/** Tests of the new commit that the base commit does not have. Pure. */
export function freshTests(base: TestRun, head: TestRun): Pick<TestResult, "file" | "name">[] {
  const before = new Set(base.tests.map(idOf));
  const fresh = new Map(
    head.tests.filter((test) => !before.has(idOf(test))).map((test) => [idOf(test), test]),
  );
  return [...fresh.values()].map(({ file, name }) => ({ file, name }));
}
