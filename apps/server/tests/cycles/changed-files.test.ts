import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { changedFiles, changedFilesArgs } from "../../src/features/cycles/gates/changed-files.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ciclo-changed-"));
  git("init", "--quiet");
});
afterEach(() => rmSync(folder, { recursive: true }));

function git(...args: string[]): string {
  const who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "core.quotePath=true"];
  const { status, stdout, stderr } = spawnSync("git", [...who, ...args], { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}
const write = (path: string, contents: string): void => {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), contents);
};
function commit(): string {
  git("add", "--all");
  git("commit", "--quiet", "--allow-empty", "-m", "x");
  return git("rev-parse", "HEAD").trim();
}
const between = (base: string, head: string) =>
  changedFiles(git(...changedFilesArgs.names(base, head)), git(...changedFilesArgs.lines(base, head)));

describe("files that a change touches", () => {
  it("have the lines that were added and removed, where they are and were", () => {
    write("a.js", "one\ntwo\nthree\nfour\n");
    const base = commit();
    write("a.js", "one\nTWO\nthree\nfour\nfive\nsix");
    expect(between(base, commit())).toEqual([
      {
        path: "a.js",
        before: "a.js",
        isDeleted: false,
        removed: [{ line: 2, text: "two" }],
        added: [
          { line: 2, text: "TWO" },
          { line: 5, text: "five" },
          { line: 6, text: "six" },
        ],
      },
    ]);
  });

  it("may be new, gone, moved, binary, of unusual names, or only of another mode", () => {
    const long = Array.from({ length: 40 }, (_, n) => `line ${n}\n`).join("");
    write("gone.js", "x\n");
    write("moved.js", long);
    write("image.bin", "\0\u0001");
    write("tool.sh", "x\n");
    const base = commit();
    rmSync(join(folder, "gone.js"));
    mkdirSync(join(folder, "sub"));
    renameSync(join(folder, "moved.js"), join(folder, 'sub/it\'s "ção"\t.js'));
    write("image.bin", "\0\u0002");
    write("new file.js", "-- a\n++ b\n@@ -1 +1 @@\ndiff --git a/x b/x\n");
    write("empty.js", "");
    git("update-index", "--chmod=+x", "tool.sh");
    git("add", "--all");
    git("update-index", "--chmod=+x", "tool.sh");
    git("commit", "--quiet", "-m", "x");
    const files = between(base, git("rev-parse", "HEAD").trim());
    expect(
      files.map(({ path, before, isDeleted, added }) => [path, before, isDeleted, added.length]),
    ).toEqual([
      ["empty.js", null, false, 0],
      ["gone.js", "gone.js", true, 0],
      // What git takes for binary is read all the same: a test with a null in it is one.
      ["image.bin", "image.bin", false, 1],
      ["new file.js", null, false, 4],
      ['sub/it\'s "ção"\t.js', "moved.js", false, 0],
      ["tool.sh", "tool.sh", false, 0],
    ]);
    expect(files[3]?.added.map(({ text }) => text)).toEqual([
      "-- a",
      "++ b",
      "@@ -1 +1 @@",
      "diff --git a/x b/x",
    ]);
    expect(files[1]?.removed).toEqual([{ line: 1, text: "x" }]);
  });

  it("are none where nothing changed, and are not guessed where the two answers differ", () => {
    write("a.js", "x\n");
    const base = commit();
    expect(between(base, commit())).toEqual([]);
    expect(() => changedFiles(":100644 100644 1 2 M\0a.js\0", "")).toThrow("git names 1 files");
  });
});
