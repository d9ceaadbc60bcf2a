import { describe, expect, it } from "vitest";
import { type ChangedFile, guard, isChecksFile, isTestFile } from "./guard.ts";

const lines = (texts: readonly string[]) => texts.map((text, index) => ({ line: index + 1, text }));
const changed = (
  path: string,
  of: { added?: string[]; removed?: string[]; before?: string | null; isDeleted?: boolean } = {},
): ChangedFile => ({
  path,
  before: of.before === undefined ? path : of.before,
  isDeleted: of.isDeleted ?? false,
  added: lines(of.added ?? []),
  removed: lines(of.removed ?? []),
});
const kinds = (file: ChangedFile): string[] => guard([file]).map(({ kind }) => kind);

describe("what a person has to agree to", () => {
  it.each([
    "test/a.js",
    "src/a.test.ts",
    "src/a.spec.tsx",
    "packages/x/__tests__/a.mjs",
    "tests/test_a.py",
    "a_test.py",
    "pkg/a_test.go",
    "src/test/java/ATest.java",
    "src/__snapshots__/a.test.ts.snap",
    "test.js",
  ])("knows a test: %s", (path) => expect(isTestFile(path)).toBe(true));

  it.each(["src/latest.js", "src/testament.py", "contest/a.js", "src/attest.go", "docs/spec.md"])(
    "takes nothing else for one: %s",
    (path) => expect(isTestFile(path)).toBe(false),
  );

  it.each([
    ".github/workflows/ci.yml",
    ".gitlab-ci.yml",
    "packages/x/tsconfig.build.json",
    "eslint.config.js",
    ".eslintrc.cjs",
    "vitest.config.ts",
    "jest.config.js",
    ".mocharc.yml",
    ".c8rc.json",
    "pytest.ini",
    "tests/conftest.py",
    ".ciclo/cycle.yaml",
    ".golangci.yml",
  ])("knows what says what is checked: %s", (path) => {
    expect(isChecksFile(path)).toBe(true);
    expect(kinds(changed(path, { added: ["anything"] }))).toEqual(["checks_changed"]);
    expect(kinds(changed(path, { isDeleted: true }))).toEqual(["checks_changed"]);
    // Also where it is moved away.
    expect(kinds(changed("old/file.txt", { before: path }))).toEqual(["checks_changed"]);
  });

  it("asks about a test that is deleted, or moved to where no runner looks", () => {
    expect(kinds(changed("test/a.js", { isDeleted: true }))).toEqual(["test_deleted"]);
    expect(kinds(changed("src/a.js", { isDeleted: true }))).toEqual([]);
    expect(kinds(changed("old/a.js", { before: "test/a.js" }))).toEqual(["test_deleted"]);
    expect(kinds(changed("test/b.js", { before: "test/a.js" }))).toEqual([]);
  });

  it.each([
    'it.skip("adds", () => {});',
    'test.concurrent.skip("adds", () => {});',
    'describe.only("sums", () => {',
    'test.todo("adds");',
    'test.fails("adds", () => {});',
    'it.failing("adds", () => {});',
    'test.skipIf(true)("adds", () => {});',
    "xit('adds', function () {",
    "fdescribe('sums', () => {",
    "  this.skip();",
    '  t.skip("not yet");',
    'test("adds", { skip: true }, () => {});',
    "test('adds', { todo: 'later' }, () => {});",
    'test.only("adds", (t) => {',
    "@pytest.mark.skip(reason='slow')",
    "@pytest.mark.xfail",
    "@unittest.skipIf(True, '')",
    "pytest.skip('no', allow_module_level=True)",
    "    self.skipTest('no')",
    '\tt.Skip("no")',
    "//go:build never",
    "#[ignore]",
    "#[cfg(any())]",
    "@Disabled",
    '@Ignore("x")',
    "assumeTrue(false);",
  ])("asks about a test that is switched off: %s", (line) => {
    expect(kinds(changed("test/a_test.go", { added: [line] }))).toContain("test_disabled");
    // In a test that is new, too: it may hide one that it replaces.
    expect(kinds(changed("test/new.js", { added: [line], before: null }))).toContain("test_disabled");
    expect(kinds(changed("src/a.js", { added: [line] }))).not.toContain("test_disabled");
  });

  it.each([
    'it("skips what is empty", () => {',
    "const skipped = rows.filter((row) => row.skip);",
    'test("adds", { skip: false }, () => {});',
    "list.skip(2);",
    "function xitems() {",
    "only = 3",
    "def test_skip_is_counted():",
  ])("asks about nothing that only sounds so: %s", (line) => {
    expect(kinds(changed("test/a.js", { added: [line] }))).toEqual([]);
  });

  it.each([
    "  expect(sum(1, 2)).toBe(3);",
    "  assert.equal(sum(1, 2), 3);",
    "    assert total == 3",
    "    self.assertEqual(total, 3)",
    "  t.equal(sum(1, 2), 3);",
    "  t.plan(3);",
    "    assert_eq!(sum(1, 2), 3);",
    '\tt.Errorf("got %d", got)',
    "\trequire.Equal(t, 3, got)",
  ])("asks about an assertion that was there and is gone or another: %s", (line) => {
    const other = "  expect(sum(1, 2)).toBeDefined();";
    expect(kinds(changed("test/a.js", { removed: [line] }))).toEqual(["assertion_changed"]);
    expect(kinds(changed("test/a.js", { removed: [line], added: [other] }))).toEqual(["assertion_changed"]);
    // Moved or indented otherwise, it is the same.
    expect(kinds(changed("test/a.js", { removed: [line], added: [`    ${line.trim()}`] }))).toEqual([]);
    expect(kinds(changed("src/a.js", { removed: [line] }))).toEqual([]);
  });

  it("takes each line of a snapshot for an assertion", () => {
    const snapshot = "src/__snapshots__/a.test.ts.snap";
    expect(kinds(changed(snapshot, { removed: ["  total: 3,"], added: ["  total: 4,"] }))).toEqual([
      "assertion_changed",
    ]);
    expect(kinds(changed(snapshot, { added: ["  total: 4,"] }))).toEqual([]);
  });

  it.each([
    "// eslint-disable-next-line no-undef",
    "/* oxlint-disable */",
    "// biome-ignore lint: later",
    "// @ts-expect-error",
    "/* c8 ignore next */",
    "/* istanbul ignore else */",
    "/* node:coverage disable */",
    "// Stryker disable all",
    "x = 1  # noqa",
    "x = f()  # type: ignore[arg-type]",
    "if debug:  # pragma: no cover",
    "return nil //nolint:errcheck",
    "#[allow(dead_code)]",
    '@SuppressWarnings("unchecked")',
  ])("asks about a check that is silenced, wherever: %s", (line) => {
    expect(kinds(changed("src/a.js", { added: [line] }))).toEqual(["check_silenced"]);
    expect(kinds(changed("src/a.js", { removed: [line] }))).toEqual([]);
  });

  it("says where, in words of one line", () => {
    const [finding] = guard([
      { ...changed("test/a.js"), added: [{ line: 7, text: `  it.skip("${"x".repeat(400)}");` }] },
    ]);
    expect(finding).toMatchObject({ path: "test/a.js", line: 7 });
    expect(finding?.text).toHaveLength(300);
  });
});
