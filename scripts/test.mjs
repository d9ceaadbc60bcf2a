// npm run check     static checks and pure tests: no database, no browser, no built console
// npm test          everything that guards a promise, in the order in which a failure is cheapest to find
// npm run test:all  the same with every page in every language, theme and width, and with the long kill campaigns
// CICLO_TEST_EXTENT=ci   with either: a few blows of each campaign too
// Arguments go to vitest, and leave the static checks out: npm test -- apps/server/tests/http.test.ts
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureBuilt, ensureInstalled, projectEnvironment, root } from "./ensure.mjs";

const flags = ["--pure", "--all"];
const given = process.argv.slice(2);
const isPure = given[0] === "--pure";
const isAll = given[0] === "--all";
const chosen = flags.includes(given[0]) ? given.slice(1) : given;

const began = Date.now();
ensureInstalled();
if (!isPure) ensureBuilt();
const artifacts = join(root, ".artifacts");
const report = join(artifacts, "vitest.json");
mkdirSync(artifacts, { recursive: true });
rmSync(report, { force: true });

const checks = [
  { name: "format", command: "oxfmt", args: ["--check"] },
  { name: "import rules", command: "node", args: ["scripts/import-rules.ts"] },
  // In one go: each would read the types of everything again.
  { name: "lint and types", command: "oxlint", args: ["--type-aware", "--type-check", "--deny-warnings"] },
  { name: "unused code", command: "knip", args: [] },
];

const extent = isAll ? "all" : (process.env.CICLO_TEST_EXTENT ?? "once");
const environment = { ...projectEnvironment(), CICLO_TEST_EXTENT: extent };
const run = (command, args) =>
  spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"], env: environment })
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
const projects = isPure ? ["--project=pure"] : [];
const ok = run("vitest", ["run", ...reporters, ...projects, ...chosen]);
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

const seconds = Math.round((Date.now() - began) / 1000);
console.log(`${seconds} s`);
// What `npm run bench` shows beside its figures.
if (chosen.length === 0 && !isPure && extent === "once")
  writeFileSync(join(artifacts, "seconds.txt"), `${seconds}\n`);
const summary = `${passed} passed, ${failed} failed`;
writeFileSync(join(artifacts, "summary.txt"), `${summary}\n`);
console.log(summary);
process.exitCode = failed === 0 ? 0 : 1;
