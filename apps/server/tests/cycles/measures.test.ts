import { expect, it } from "vitest";
import { plan } from "../support/cycles/artifacts.ts";
import { carriedThrough, cyclesConsole, nothing, shown, type Step, test } from "../support/cycles/console.ts";

/** Mends the sums, and brings along a function that no test calls. */
const source = [
  "exports.sum = (a, b) => a + b;",
  "exports.twice = (a) => {",
  "  return a * 2;",
  "};",
  "",
].join("\n");
const work: Step[] = [
  { do: "write", path: "src/sum.js", contents: source },
  { do: "write", path: "test/sum.test.js", contents: test(nothing + shown) },
];

const promising = (check: "changed_lines_covered" | "mutants_detected", least: number) => ({
  ...plan,
  definitions: {
    ...plan.definitions,
    done: [
      ...plan.definitions.done,
      { text: "The change is tested", verified_by: { check, at_least: least } },
    ],
  },
});

it("the gates say which changed lines ran, and which mutants of them nobody noticed", async () => {
  const hidden: Step[] = [
    ...work,
    { do: "write", path: "src/sum.js", contents: `// Stryker disable all\n${source}` },
    // Sloppy mode: Node takes it, and a parser of modules does not.
    { do: "write", path: "src/old.cjs", contents: "with (Math) { exports.pi = PI + 010; }\n" },
  ];
  const running = await cyclesConsole({
    turns: [hidden],
    replies: { planner: [promising("changed_lines_covered", 0.5)] },
    policy: { limits: { mutants: 20 } },
  });
  const { id } = await running.start();
  const cycle = await carriedThrough(running, id);
  expect([cycle.state, cycle.reason]).toEqual(["completed", null]);
  const check = cycle.artifacts.findLast((one) => one.kind === "check");
  // Defining a function runs its first line, and not what it does.
  expect(check?.content.measures?.coverage).toEqual({
    covered: 2,
    lines: 3,
    missed: [{ path: "src/sum.js", line: 4 }],
    not_measured: ["src/old.cjs"],
  });
  const mutation = check?.content.measures?.mutation;
  expect(mutation).toMatchObject({ detected: 2, mutants: 4, is_cut: false, not_measured: ["src/old.cjs"] });
  expect(mutation?.survived.map(({ line, from, to }) => [line, from, to])).toEqual([
    [3, "exports.twice = (a) => { return a * 2; };", "exports.twice = (a) => {};"],
    [4, "return a * 2;", "return a / 2;"],
  ]);
  expect(check?.markdown).toContain("Changed lines that ran in the tests: 2 / 3");
  const manifest = cycle.evidence.find(({ name }) => name === "manifest.sigstore.json");
  const { base64 } = await running.approver.client.call("getCycleEvidence", {
    params: { id, sha256: manifest?.sha256 ?? "" },
  });
  const { dsseEnvelope } = JSON.parse(Buffer.from(base64, "base64").toString("utf8")) as {
    dsseEnvelope: { payload: string };
  };
  expect(JSON.parse(Buffer.from(dsseEnvelope.payload, "base64").toString("utf8"))).toMatchObject({
    predicate: { coverage: { covered: 2, lines: 3 }, mutation: { detected: 2, mutants: 4 } },
  });
});

it.each(["changed_lines_covered", "mutants_detected"] as const)(
  "what a plan promises of %s goes back to the agent where it does not hold",
  async (promise) => {
    const running = await cyclesConsole({
      turns: [work],
      replies: { planner: [promising(promise, 1)] },
      policy: { tries: 1, limits: { mutants: 20 } },
    });
    const { id } = await running.start();
    const cycle = await carriedThrough(running, id);
    expect([cycle.state, cycle.waits_for]).toEqual(["waiting", "help"]);
    expect(cycle.reason).toContain(promise);
  },
);

it("what cannot be measured is said to be so, and a person agrees to a promise of it", async () => {
  const running = await cyclesConsole({
    turns: [work],
    replies: { planner: [promising("mutants_detected", 1)] },
    policy: { limits: { mutants: 0 } },
  });
  const { id } = await running.start();
  const cycle = await carriedThrough(running, id);
  expect(cycle.state).toBe("completed");
  const check = cycle.artifacts.findLast((one) => one.kind === "check");
  expect(check?.content.measures?.mutation).toBeNull();
  expect(check?.content.to_agree.map(({ kind, text }) => [kind, text])).toEqual([
    ["not_measured", "The change is tested (mutants_detected)"],
  ]);
  expect(check?.markdown).toContain("not measured");
});
