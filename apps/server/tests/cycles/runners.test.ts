import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runnerOf } from "../../src/features/cycles/gates/runners/index.ts";
import type { TestRun } from "../../src/features/cycles/gates/test-run.ts";

/** One fixture for each runner: the same seven things, as its users write them. */
const fixtures: Record<string, { command: string; packages: string[]; files: Record<string, string> }> = {
  node: {
    command: "node --test",
    packages: [],
    files: {
      "test/sum.test.js": `
        const { describe, it, test } = require("node:test");
        const assert = require("node:assert");
        describe("sums", () => {
          it("adds", () => assert.equal(1 + 1, 2));
          it("subtracts", () => assert.equal(1 - 1, 1));
        });
        test("breaks", () => { throw new Error("out of order"); });
        test("uses what is not there", () => { require("../src/none.js"); });
        test("waits", { skip: true }, () => {});
        test("comes", { todo: true }, () => { assert.fail("not yet"); });`,
      "test/load.test.js": `require("../src/gone.js");`,
    },
  },
  vitest: {
    command: "vitest run",
    packages: ["vitest@4.0.14"],
    files: {
      "test/sum.test.js": `
        import { describe, expect, it, test } from "vitest";
        describe("sums", () => {
          it("adds", () => expect(1 + 1).toBe(2));
          it("subtracts", () => expect(1 - 1).toBe(1));
        });
        test("breaks", () => { throw new Error("out of order"); });
        test("uses what is not there", async () => { await import(["..", "src", "none.js"].join("/")); });
        test.skip("waits", () => {});
        test.todo("comes");`,
      "test/load.test.js": `import "../src/gone.js";`,
    },
  },
  jest: {
    command: "jest",
    packages: ["jest@30.2.0"],
    files: {
      "test/sum.test.js": `
        describe("sums", () => {
          it("adds", () => expect(1 + 1).toBe(2));
          it("subtracts", () => expect(1 - 1).toBe(1));
        });
        test("breaks", () => { throw new Error("out of order"); });
        test("uses what is not there", () => { require("../src/none.js"); });
        test.skip("waits", () => {});
        test.todo("comes");`,
      "test/load.test.js": `require("../src/gone.js"); test("never", () => {});`,
    },
  },
  mocha: {
    command: "mocha",
    packages: ["mocha@11.7.5"],
    files: {
      "test/sum.test.js": `
        const assert = require("node:assert");
        describe("sums", () => {
          it("adds", () => assert.equal(1 + 1, 2));
          it("subtracts", () => assert.equal(1 - 1, 1));
        });
        it("breaks", () => { throw new Error("out of order"); });
        it("uses what is not there", () => { require("../src/none.js"); });
        it.skip("waits", () => {});`,
    },
  },
  playwright: {
    command: "playwright test",
    packages: ["@playwright/test@1.65.1"],
    files: {
      "playwright.config.js": `
        const { defineConfig } = require("@playwright/test");
        module.exports = defineConfig({
          testDir: "test",
          retries: 2,
          projects: [{ name: "desk" }],
          reporter: "html",
        });`,
      "test/sum.spec.js": `
        const { test, expect } = require("@playwright/test");
        test.describe("sums", () => {
          test("adds", async ({}, info) => {
            expect(1 + 1).toBe(2);
            await info.attach("note", { body: "seen", contentType: "text/plain" });
          });
          test("subtracts", () => expect(1 - 1).toBe(1));
        });
        test("breaks", () => { throw new Error("out of order"); });
        test("uses what is not there", () => { require("../src/none.js"); });
        test.skip("waits", () => {});
        test.fail("comes", () => expect(1).toBe(2));`,
    },
  },
  tape: {
    command: "tape 'test/*.js'",
    packages: ["tape@5.10.2"],
    files: {
      "test/sum.test.js": `
        const test = require("tape");
        test("sums", (t) => { t.equal(1 + 1, 2, "adds"); t.equal(1 - 1, 1, "subtracts"); t.end(); });
        test("waits", { skip: true }, (t) => t.end());`,
    },
  },
  pytest: {
    command: "python3 -m pytest",
    packages: [],
    files: {
      "test/test_sum.py": `
import pytest


class TestSums:
    def test_adds(self):
        assert 1 + 1 == 2

    def test_subtracts(self):
        assert 1 - 1 == 1


def test_breaks():
    raise ValueError("out of order")


def test_uses_what_is_not_there():
    from os import none


@pytest.mark.skip(reason="later")
def test_waits():
    pass


@pytest.mark.xfail
def test_comes():
    assert False
`,
      "test/test_load.py": "import gone\n",
    },
  },
};

const folders = new Map<string, string>();
afterAll(() => {
  for (const folder of folders.values()) rmSync(folder, { recursive: true });
});

function install(id: string): string {
  const { packages, files } = fixtures[id] ?? { packages: [], files: {} };
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `ciclo-runner-${id}-`)));
  folders.set(id, folder);
  for (const [path, contents] of Object.entries({ "package.json": '{"private":true}', ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), contents);
  }
  if (packages.length > 0) {
    const { status, stderr } = spawnSync(
      "npm",
      ["install", "--no-audit", "--no-fund", "--silent", "--no-save", ...packages],
      { cwd: folder, encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`npm: ${stderr}`);
  }
  return folder;
}

function runIn(id: string): TestRun {
  const { command } = fixtures[id] ?? { command: "" };
  const folder = folders.get(id) ?? "";
  const runner = runnerOf(command);
  expect(runner?.id).toBe(id);
  const report = join(folder, "report.out");
  const { args = [], env = {} } = runner?.reporting(report) ?? {};
  const { PATH = "" } = process.env;
  const { status, stdout, stderr } = spawnSync("sh", ["-c", [command, ...args].join(" ")], {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: `${join(folder, "node_modules/.bin")}:${PATH}`, HOME: folder, CI: "true", ...env },
  });
  const written = existsSync(report) ? readFileSync(report, "utf8") : null;
  const read = runner?.read({ report: written, stdout, stderr }, folder);
  if (read == null) throw new Error(`no report: ${stdout}\n${stderr}`);
  return { ...read, exit: { code: status, timedOut: false } };
}

const told = ({ tests, broken }: TestRun) => ({
  tests: tests
    .map(({ file, name, state, failure }) => [
      file,
      name,
      state,
      failure?.kind ?? null,
      failure?.missing ?? null,
    ])
    .toSorted((a, b) => (String(a[1]) < String(b[1]) ? -1 : 1)),
  broken: broken.map(({ file, failure }) => [file, failure.kind, failure.missing]),
});

describe.each(["node", "vitest", "jest", "mocha"])("%s", (id) => {
  beforeAll(() => void install(id));

  it("is read test by test, with files, and why each failed", () => {
    const file = "test/sum.test.js";
    const join = id === "mocha" ? " " : " > ";
    const run = runIn(id);
    const missing = expect.stringContaining("src/none.js") as string;
    expect(told(run)).toEqual({
      tests: [
        [file, "breaks", "failed", "error", null],
        ...(id === "mocha" ? [] : [[file, "comes", "todo", null, null]]),
        [file, `sums${join}adds`, "passed", null, null],
        [file, `sums${join}subtracts`, "failed", "assertion", null],
        [file, "uses what is not there", "failed", "missing", missing],
        [file, "waits", "skipped", null, null],
      ],
      broken:
        id === "mocha" ? [] : [["test/load.test.js", "missing", expect.stringContaining("src/gone.js")]],
    });
    expect(run.exit.code).not.toBe(0);
  });
});

describe("mocha, where a file cannot be loaded", () => {
  it("reports nothing of any other, and the reason is read from what it says", () => {
    const folder = folders.get("mocha") ?? "";
    rmSync(join(folder, "report.out"), { force: true });
    writeFileSync(join(folder, "test/load.test.js"), 'require("../src/gone.js");');
    expect(told(runIn("mocha"))).toEqual({ tests: [], broken: [[null, "missing", "../src/gone.js"]] });
  });
});

describe("playwright", () => {
  beforeAll(() => void install("playwright"));

  it("is read test by test, with files, why each failed, and what each left of how it looked", () => {
    const file = "test/sum.spec.js";
    const run = runIn("playwright");
    expect(told(run)).toEqual({
      tests: [
        [file, "desk > breaks", "failed", "error", null],
        [file, "desk > comes", "todo", null, null],
        [file, "desk > sums > adds", "passed", null, null],
        [file, "desk > sums > subtracts", "failed", "assertion", null],
        [file, "desk > uses what is not there", "failed", "missing", "../src/none.js"],
        [file, "desk > waits", "skipped", null, null],
      ],
      broken: [],
    });
    const adds = run.tests.find(({ name }) => name === "desk > sums > adds");
    expect(adds?.captures).toEqual([
      { name: "note", path: null, body: Buffer.from("seen").toString("base64") },
      { name: "trace", path: "test-results/sum-sums-adds-desk/trace.zip", body: null },
    ]);
  });

  it("keeps no other file from being read as it is, where one cannot be loaded: none was run", () => {
    const folder = folders.get("playwright") ?? "";
    rmSync(join(folder, "report.out"), { force: true });
    writeFileSync(join(folder, "test/load.spec.js"), 'require("../src/gone.js");');
    expect(told(runIn("playwright"))).toEqual({
      tests: [],
      broken: [["test/load.spec.js", "missing", "../src/gone.js"]],
    });
  });
});

describe("tape", () => {
  beforeAll(() => void install("tape"));

  it("is read assertion by assertion, without files", () => {
    expect(told(runIn("tape"))).toEqual({
      tests: [
        [null, "sums > adds", "passed", null, null],
        [null, "sums > subtracts", "failed", "assertion", null],
        [null, "waits", "skipped", null, null],
      ],
      broken: [],
    });
  });
});

describe("pytest", () => {
  beforeAll(() => void install("pytest"));

  it("is read test by test, with files, and why each failed", () => {
    const file = "test/test_sum.py";
    expect(told(runIn("pytest"))).toEqual({
      tests: [
        [file, "TestSums > test_adds", "passed", null, null],
        [file, "TestSums > test_subtracts", "failed", "assertion", null],
        [file, "test_breaks", "failed", "error", null],
        [file, "test_comes", "todo", null, null],
        [file, "test_uses_what_is_not_there", "failed", "missing", "none"],
        [file, "test_waits", "skipped", null, null],
      ],
      broken: [["test/test_load.py", "missing", "gone"]],
    });
  });
});
