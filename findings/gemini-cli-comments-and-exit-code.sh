#!/usr/bin/env bash
# @google/gemini-cli 0.61.0 (npm), run with -p (no terminal), against a base URL of one's own:
#   comments in a stream   a line that begins with a colon is a comment in server-sent events, and gateways send one to keep
#                          a quiet connection open. The client takes it for data: "Incomplete JSON segment", the same
#                          request several times over (each one billed), and exit code 1. The same answer without the
#                          comment is one request and exit code 0
#   402 with -o json       the process ends with 146, which is 402 modulo 256, and writes its JSON to standard error;
#                          without -o json it ends with 1. A script that reads 128 + n as a signal sees signal 18
# So: never keep a Gemini stream open with comments, and read the JSON's error, not the exit code.
# Run it anywhere with Node and npm. It fails when the behaviour is no longer as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @google/gemini-cli@0.61.0 node@22.23.3
cat >try.mjs <<'JS'
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

let answers = "plain";
let streams = 0;
const part = {
  candidates: [{ content: { role: "model", parts: [{ text: "hello" }] }, finishReason: "STOP", index: 0 }],
  usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 },
  modelVersion: "gemini-2.5-flash",
};
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    if (request.url.includes(":streamGenerateContent")) streams += 1;
    if (answers === "402") {
      const error = { code: 402, message: "none left", status: "RESOURCE_EXHAUSTED" };
      response.writeHead(402, { "content-type": "application/json" }).end(JSON.stringify({ error }));
    } else {
      response.writeHead(200, { "content-type": "text/event-stream" });
      if (answers === "comment") response.write(": keep-alive\n\n");
      response.end(`data: ${JSON.stringify(part)}\n\n`);
    }
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const home = join(process.cwd(), "home");
mkdirSync(join(home, ".gemini"), { recursive: true });
mkdirSync(join(home, "tmp"));
const settings = {
  security: { auth: { selectedType: "gemini-api-key" } },
  privacy: { usageStatisticsEnabled: false },
  general: { enableAutoUpdate: false },
};
writeFileSync(join(home, ".gemini/settings.json"), JSON.stringify(settings));

async function run(answer, ...more) {
  answers = answer;
  streams = 0;
  const texts = { stdout: "", stderr: "" };
  const args = [join(process.cwd(), "node_modules/@google/gemini-cli/bundle/gemini.js"), "-p", "hello"];
  const child = spawn(join(process.cwd(), "node_modules/.bin/node"), [...args, "-m", "gemini-2.5-flash", ...more], {
    cwd: home,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 90_000,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      TMPDIR: join(home, "tmp"),
      GOOGLE_GEMINI_BASE_URL: `http://127.0.0.1:${server.address().port}`,
      GEMINI_API_KEY: "key-of-nobody",
      GEMINI_CLI_TRUST_WORKSPACE: "true",
    },
  });
  for (const name of ["stdout", "stderr"]) child[name].on("data", (text) => (texts[name] += text));
  const code = await new Promise((resolve) => child.on("close", (status, signal) => resolve(status ?? signal)));
  return { code, streams, ...texts };
}

const plain = await run("plain");
console.log(`plain: exit ${plain.code}, requests ${plain.streams}, says ${plain.stdout.trim()}`);
const comment = await run("comment");
const segment = /Incomplete JSON segment/.test(comment.stdout + comment.stderr);
console.log(`comment: exit ${comment.code}, more than one request ${comment.streams > 1}, "Incomplete JSON segment" ${segment}`);
console.log(`402: exit ${(await run("402")).code}`);
const json = await run("402", "-o", "json");
console.log(`402 with -o json: exit ${json.code}, stdout "${json.stdout.trim()}", JSON on stderr ${/"error": \{/.test(json.stderr)}`);
server.close();
JS
seen=$(node try.mjs)
printf '%s\n' "$seen"
expected='plain: exit 0, requests 1, says hello
comment: exit 1, more than one request true, "Incomplete JSON segment" true
402: exit 1
402 with -o json: exit 146, stdout "", JSON on stderr true'
[ "$seen" = "$expected" ] || { echo "gemini-cli 0.61.0 no longer behaves as described" >&2; exit 1; }
