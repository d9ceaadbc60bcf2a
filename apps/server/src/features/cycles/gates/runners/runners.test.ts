import { describe, expect, it } from "vitest";
import { failureOf, withoutColours } from "./failure.ts";
import { runnerOf } from "./index.ts";
import { within } from "./runner.ts";

const idOf = (command: string): string | undefined => runnerOf(command)?.id;

describe("a command", () => {
  it.each([
    ["node --test", "node"],
    ["node --experimental-vm-modules --test 'test/**/*.js'", "node"],
    ["npm run build && node --test", "node"],
    ["tsc --noEmit && vitest run --coverage", "vitest"],
    ["./node_modules/.bin/vitest", "vitest"],
    ["NODE_OPTIONS=--experimental-vm-modules npx jest --ci", "jest"],
    ["node node_modules/jest/bin/jest.js", "jest"],
    ["c8 mocha --recursive", "mocha"],
    ["nyc tape 'test/**/*.js'", "tape"],
    ["pytest -q", "pytest"],
    [".venv/bin/python -m pytest", "pytest"],
    ["python3.12 -m pytest tests", "pytest"],
    ["npx playwright test --project=chromium", "playwright"],
    ["vitest run && playwright test", "playwright"],
    ["node node_modules/@playwright/test/cli.js test -x", "playwright"],
    ["playwright test && vitest run", "vitest"],
    ["node --test | tee log", undefined],
    ["npx playwright install", undefined],
    ["make check", undefined],
    ["node test.js", undefined],
    ["echo the latest vitests", undefined],
    ["duct-tape --all", undefined],
  ])("%s is of %s", (command, id) => expect(idOf(command)).toBe(id));
});

describe("why a test failed", () => {
  it.each([
    ["AssertionError [ERR_ASSERTION]: 1 == 2", "assertion", null],
    ["AssertionError: expected 2 to be 3", "assertion", null],
    ["assert (1 - 1) == 1", "assertion", null],
    ["Error: Cannot find module '../src/sum.js'\nRequire stack:", "missing", "../src/sum.js"],
    ['Error: Failed to resolve import "../src/sum" from "a.test.ts"', "missing", "../src/sum"],
    ["SyntaxError: The requested module './a.js' does not provide an export named 'sum'", "missing", "sum"],
    ["TypeError: sum is not a function", "missing", "sum"],
    ["TypeError: (0 , total.of) is not a function", "missing", "total.of"],
    ["ReferenceError: sum is not defined", "missing", "sum"],
    ["ModuleNotFoundError: No module named 'shop.sum'", "missing", "shop.sum"],
    ["ImportError: cannot import name 'total' from 'shop'", "missing", "total"],
    ["AttributeError: module 'shop' has no attribute 'total'", "missing", "total"],
    ["NameError: name 'total' is not defined", "missing", "total"],
    ["Error: connect ECONNREFUSED 127.0.0.1:1", "error", null],
    ["", "error", null],
  ])("is told apart: %s", (words, kind, missing) => {
    expect(failureOf(words)).toMatchObject({ kind, missing });
  });

  it("is what the runner says where it says so, in words of bounded length without colours", () => {
    expect(failureOf("AssertionError: x", false).kind).toBe("error");
    expect(failureOf("anything", true).kind).toBe("assertion");
    expect(failureOf("x".repeat(100_000)).message).toHaveLength(4000);
    expect(withoutColours("\u001B[31mred\u001B[39m")).toBe("red");
  });
});

describe("a file of a report", () => {
  it.each([
    ["/repo/test/a.js", "test/a.js"],
    ["file:///repo/test/a.js", "test/a.js"],
    ["./test/a.js", "test/a.js"],
    ["/repository/test/a.js", "/repository/test/a.js"],
    ["C:\\x\\a.js", "C:/x/a.js"],
  ])("%s stands at %s", (path, at) => expect(within("/repo", path)).toBe(at));
});
