#!/usr/bin/env bash
# Node 26.10.0 (npm package node): reporters of node:test get two names for one file. `test:start`, `test:pass` and `test:fail` give
# `data.file` as an absolute path; `test:stdout` and `test:stderr` of the same file give it as it was found, relative to the working
# folder. Where a test file cannot be loaded, its failure says "test failed" and nothing else: the reason is in `test:stderr` alone.
# A reporter that puts what a file wrote to that file's tests therefore shows no reason, for just those failures that need one.
# Run it anywhere with Node and npm. It fails when the behaviour is no longer as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund node@26.10.0
mkdir test
echo 'require("../src/gone.js");' >test/load.test.js
cat >reporter.mjs <<'JS'
export default async function* report(source) {
  const said = new Map();
  for await (const { type, data } of source) {
    if (type === "test:stderr") said.set(data.file, `${said.get(data.file) ?? ""}${data.message}`);
    if (type !== "test:fail") continue;
    const [written] = said.keys();
    yield `test:fail of ${data.file.replace(process.cwd(), "<folder>")}: ${data.details.error.cause}\n`;
    yield `test:stderr of ${written}, with the reason: ${said.get(written).includes("Cannot find module")}\n`;
    yield `found by the file of the failure: ${said.has(data.file)}\n`;
  }
}
JS
found=$(node_modules/.bin/node --test --test-reporter=./reporter.mjs || true)
printf '%s\n' "$found"
expected='test:fail of <folder>/test/load.test.js: test failed
test:stderr of test/load.test.js, with the reason: true
found by the file of the failure: false'
[ "$found" = "$expected" ] || { echo "not as described" >&2; exit 1; }
