import { expect, it } from "vitest";
import {
  carriedThrough,
  cyclesConsole,
  mends,
  nothing,
  shop,
  shown,
  test,
} from "../support/cycles/console.ts";

/** What tests leave behind, which the next run of them must not see. */
const leaves = {
  "a tag": 'execSync("git tag left")',
  "a file in the index": 'fs.writeFileSync("made.txt", "x", { flag: "wx" }); execSync("git add made.txt")',
  "a folder that nobody may write to":
    'fs.mkdirSync("shut"); fs.writeFileSync("shut/a", "x"); fs.chmodSync("shut", 0o500)',
  "a lock and a changed file":
    'fs.writeFileSync(".git/index.lock", "", { flag: "wx" }); fs.writeFileSync("CHANGELOG.md", "")',
  "no repository": 'fs.renameSync(".git", "moved")',
  "a file in the home": 'fs.writeFileSync(`${process.env.HOME}/left`, "x", { flag: "wx" })',
};

it.each(Object.entries(leaves))(
  "tests that leave %s behind run again as if they had not",
  async (_, left) => {
    const body = `const fs = require("node:fs");\nconst { execSync } = require("node:child_process");\n`;
    const leaving = `test("leaves something behind", () => { ${left}; });\n`;
    const running = await cyclesConsole({
      files: { ...shop, "test/sum.test.js": test(body + leaving + nothing) },
      turns: [
        mends.map((step) =>
          step["path"] === "test/sum.test.js"
            ? { ...step, contents: test(body + leaving + nothing + shown) }
            : step,
        ),
      ],
      policy: { limits: { mutants: 0 } },
    });
    const { id } = await running.start();
    const cycle = await carriedThrough(running, id);
    const check = cycle.artifacts.findLast(({ kind }) => kind === "check");
    expect([cycle.state, cycle.reason, check?.content]).toMatchObject([
      "completed",
      null,
      { problems: [], tests: { flaky: [], lost: [] } },
    ]);
  },
);

it("mutants are not measured where a red run of the tests may have another reason", async () => {
  const once = `test("works once", () => require("node:fs").mkdirSync(".git/once"));\n`;
  const running = await cyclesConsole({
    turns: [
      mends.map((step) =>
        step["path"] === "test/sum.test.js" ? { ...step, contents: test(once + nothing + shown) } : step,
      ),
    ],
    policy: { limits: { mutants: 5 } },
  });
  const { id } = await running.start();
  const cycle = await carriedThrough(running, id);
  const check = cycle.artifacts.findLast(({ kind }) => kind === "check");
  expect(check?.content).toMatchObject({ problems: [], measures: { mutation: null } });
});
