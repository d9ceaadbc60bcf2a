// npm test: every check, in the order in which a failure is cheapest to find.
// Arguments go to vitest, and leave the other checks out: npm test -- apps/server/tests/http.test.ts
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureBuilt, ensureInstalled, projectEnvironment, root } from "./ensure.mjs";

ensureInstalled();
ensureBuilt();
const artifacts = join(root, ".artifacts");
const report = join(artifacts, "vitest.json");
mkdirSync(artifacts, { recursive: true });
rmSync(report, { force: true });

const chosen = process.argv.slice(2);
const checks = [
  { name: "format", command: "oxfmt", args: ["--check"] },
  { name: "lint and boundaries", command: "oxlint", args: ["--type-aware", "--deny-warnings"] },
  { name: "types", command: "tsc", args: ["--noEmit"] },
  { name: "types of the web console", command: "tsc", args: ["--noEmit", "-p", "apps/web"] },
  { name: "unused code", command: "knip", args: [] },
];

const run = (command, args) =>
  spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"], env: projectEnvironment() })
    .status === 0;

let passed = 0;
let failed = 0;
for (const { name, command, args } of chosen.length === 0 ? checks : []) {
  const ok = run(command, args);
  console.log(`${ok ? "✓" : "✗"} ${name}`);
  if (ok) passed += 1;
  else failed += 1;
}

const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
const ok = run("vitest", ["run", ...reporters, ...chosen]);
try {
  const { numPassedTests, numTotalTests, testResults } = JSON.parse(readFileSync(report, "utf8"));
  passed += numPassedTests;
  failed += numTotalTests - numPassedTests;
  // A file that cannot be loaded has no tests to count.
  failed += testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  ).length;
} catch (error) {
  console.log(`the test report cannot be read: ${error.message}`);
  failed += 1;
}
if (!ok && failed === 0) failed = 1;

const summary = `${passed} passed, ${failed} failed`;
writeFileSync(join(artifacts, "summary.txt"), `${summary}\n`);
console.log(summary);
process.exitCode = failed === 0 ? 0 : 1;
