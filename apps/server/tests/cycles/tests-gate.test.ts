import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Checkout } from "../../src/features/cycles/checkout.ts";
import {
  contradictionIn,
  flakyTests,
  freshTests,
  lostTests,
  redOnBase,
} from "../../src/features/cycles/gates/test-run.ts";
import { runTests, type Tested } from "../../src/features/cycles/gates/tests.ts";
import { openGit } from "../../src/lib/git.ts";
import { openSandbox } from "../../src/lib/sandbox.ts";
import { ensureBubblewrap } from "../support/bubblewrap.ts";

const sandbox = openSandbox(process.env.PATH ?? "");
const limits = { timeoutMs: 60_000, outputBytes: 1_000_000, memoryBytes: 2e9, processes: 100 };
const tests = (body: string): string =>
  `const { test } = require("node:test");\nconst assert = require("node:assert");\nconst { sum } = require("../src/sum.js");\n${body}`;
const adds = 'test("adds nothing", () => assert.equal(sum(2, 0), 2));\n';
const buggy = "exports.sum = (a, b) => a - b;\n";
const mended = "exports.sum = (a, b) => a + b;\n";

let home = "";
let main = "";
let work = "";
let count = 0;

beforeAll(() => {
  ensureBubblewrap();
  home = mkdtempSync(join(tmpdir(), "ciclo-tests-gate-"));
  [work, main] = [join(home, "seed"), join(home, "shop.git")];
  mkdirSync(work);
  git("init", "--quiet", "--initial-branch=main");
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function git(...args: string[]): string {
  const who = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
  const { status, stdout, stderr } = spawnSync("git", [...who, ...args], { cwd: work, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}

function commit(files: Record<string, string>): string {
  git("rm", "--quiet", "-r", "--ignore-unmatch", ".");
  for (const [path, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(work, path)), { recursive: true });
    writeFileSync(join(work, path), contents);
  }
  git("add", "--all");
  git("commit", "--quiet", "--allow-empty", "-m", "x");
  git("clone", "--quiet", "--bare", work, `${main}-${(count += 1)}`);
  return git("rev-parse", "HEAD");
}

async function tested(files: Record<string, string>, command = "node --test", more = {}): Promise<Tested> {
  const at = commit(files);
  const of = { from: openGit(`${main}-${count}`), sandbox, hidden: [home], path: process.env.PATH ?? "" };
  const checkout = await Checkout.make(of, join(home, "checkouts", String(count)), at);
  const told = await runTests(checkout, command, { ...limits, ...more });
  await checkout.remove();
  return told;
}

const runOf = async (files: Record<string, string>) => {
  const { run } = await tested(files);
  if (run === null) throw new Error("no report");
  return run;
};

describe("tests that the console runs", () => {
  it("show that a change mends what it is for, and breaks nothing", async () => {
    const fresh = 'test("adds", () => assert.equal(sum(2, 2), 4));\n';
    const base = await runOf({ "src/sum.js": buggy, "test/sum.test.js": tests(adds) });
    const head = await runOf({ "src/sum.js": mended, "test/sum.test.js": tests(adds + fresh) });
    const again = await runOf({ "src/sum.js": mended, "test/sum.test.js": tests(adds + fresh) });
    // The new tests on the old code.
    const red = await runOf({ "src/sum.js": buggy, "test/sum.test.js": tests(adds + fresh) });
    expect([base, head].map(contradictionIn)).toEqual([null, null]);
    expect(lostTests(base, head)).toEqual([]);
    expect(flakyTests(head, again)).toEqual([]);
    expect(redOnBase(freshTests(base, head), red, () => false)).toMatchObject([
      { file: "test/sum.test.js", name: "adds", how: "assertion" },
    ]);
  });

  it.each([
    ["deletes a test", "", "gone"],
    ["skips a test", 'test("adds nothing", { skip: true }, () => assert.equal(sum(2, 0), 2));\n', "skipped"],
    ["lets a test fail", 'test("adds nothing", { todo: true }, () => assert.fail("later"));\n', "todo"],
    ["takes over its name", 'test("adds nothing ", () => {});\n', "gone"],
  ])("show that a change %s, though all is green", async (_, body, now) => {
    const base = await runOf({ "src/sum.js": mended, "test/sum.test.js": tests(adds) });
    const other = 'test("another", () => {});\n';
    const head = await tested({ "src/sum.js": mended, "test/sum.test.js": tests(body + other) });
    expect(head.ran.code).toBe(0);
    expect(head.run === null ? null : lostTests(base, head.run)).toEqual([
      { file: "test/sum.test.js", name: "adds nothing", now },
    ]);
  });

  it("are red by absence where they ask for what the change adds", async () => {
    const files = { "src/sum.js": mended, "test/sum.test.js": tests(adds) };
    const total =
      'const { test } = require("node:test");\nconst { total } = require("../src/total.js");\ntest("totals", () => total([]));\n';
    const base = await runOf(files);
    const head = await runOf({
      ...files,
      "src/total.js": "exports.total = () => 0;\n",
      "test/total.test.js": total,
    });
    const red = await runOf({ ...files, "test/total.test.js": total });
    expect(
      redOnBase(freshTests(base, head), red, (missing) => missing.endsWith("src/total.js")),
    ).toMatchObject([{ file: "test/total.test.js", name: "totals", how: "absence" }]);
  });

  it.each<[string, string, string, object, object]>([
    ["end before they begin", "node --test", "process.exit(0);\n", {}, { run: { tests: [] } }],
    [
      "hang",
      "node --test",
      "setInterval(() => {}, 1000);\n",
      { timeoutMs: 3000 },
      { ran: { ended: "timeout" } },
    ],
    [
      "are run by nobody known",
      "node test/sum.test.js",
      adds,
      {},
      { run: null, runner: null, ran: { code: 0 } },
    ],
    [
      "forge their report",
      "node --test",
      'const fs = require("node:fs");\nfor (const name of fs.readdirSync(process.env.HOME)) { fs.rmSync(`${process.env.HOME}/${name}`); fs.symlinkSync("/etc/passwd", `${process.env.HOME}/${name}`); }\n',
      {},
      { run: null },
    ],
    [
      "write no end",
      "node --test",
      'test("floods", () => { for (let n = 0; n < 400; n += 1) console.error("x".repeat(10_000)); });\n',
      {},
      { ran: { code: 0 }, run: { tests: [{ name: "floods", state: "passed" }] } },
    ],
  ])("prove nothing where they %s", async (_, command, body, more, told) => {
    expect(
      await tested({ "src/sum.js": mended, "test/sum.test.js": tests(body) }, command, more),
    ).toMatchObject(told);
  });
});
