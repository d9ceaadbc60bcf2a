#!/usr/bin/env bash
# opencode-ai 1.18.33: the tools that it offers a model depend on the model's name, also where the name is that of a model of one's
# own, behind one's own endpoint, with nothing declared about it. A name with `gpt-` in it (`gpt-5.2`, `team-gpt-5`) gets `apply_patch`
# and neither `edit` nor `write`; any other gets `edit` and `write` and no `apply_patch`. So an alias decides what an agent can do: a
# prompt, a recording or a policy that names the tools holds for one name of the same model and not for another.
# Where a model calls `write` all the same, no file is written, and the run ends with exit code 0.
# Run it anywhere with Node and npm. It fails when the behaviour is no longer as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${model:-0}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund opencode-ai@1.18.33
cat >model.mjs <<'JS'
// A model on loopback: it notes the tools that it is offered, calls `write` once, and is done.
import { createServer } from "node:http";
import { appendFileSync, writeFileSync } from "node:fs";
const chunk = (delta, finish_reason = null) =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const server = createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  const { model, tools = [], messages = [] } = JSON.parse(body || "{}");
  const names = tools.map((tool) => tool.function.name).filter((name) => /^(edit|write|apply_patch)$/.test(name));
  if (tools.length > 0) appendFileSync("offered", `${model}: ${names.sort().join(" ")}\n`);
  response.writeHead(200, { "content-type": "text/event-stream" });
  const isDone = tools.length === 0 || messages.some(({ role }) => role === "tool");
  if (isDone) response.write(chunk({ role: "assistant", content: "Done." }) + chunk({}, "stop"));
  else {
    const call = { index: 0, id: "1", type: "function", function: { name: "write", arguments: JSON.stringify({ filePath: `${process.cwd()}/work/made.txt`, content: "made" }) } };
    response.write(chunk({ role: "assistant", tool_calls: [call] }) + chunk({}, "tool_calls"));
  }
  response.end("data: [DONE]\n\n");
});
server.listen(0, "127.0.0.1", () => writeFileSync("port", String(server.address().port)));
JS
node model.mjs &
model=$!
until [ -s port ]; do sleep 0.1; done
mkdir -p work home
git init --quiet work
found=""
for name in gpt-5.2 team-gpt-5 team-model; do
  rm -f work/made.txt offered
  cat >work/opencode.json <<JSON
{ "autoupdate": false, "share": "disabled", "model": "own/$name",
  "provider": { "own": { "npm": "@ai-sdk/openai-compatible",
    "options": { "baseURL": "http://127.0.0.1:$(cat port)/v1", "apiKey": "none" }, "models": { "$name": {} } } } }
JSON
  code=0
  (cd work && env -i PATH="$PATH" HOME="$folder/home" OPENCODE_DISABLE_MODELS_FETCH=1 OPENCODE_DISABLE_AUTOUPDATE=1 \
    timeout 120 "$folder/node_modules/.bin/opencode" run "Write made.txt" </dev/null >"$folder/out" 2>&1) || code=$?
  written=no
  [ -e work/made.txt ] && written=yes
  found+="$(sort -u offered); written: $written; exit $code"$'\n'
done
printf '%s' "$found"
expected='gpt-5.2: apply_patch; written: no; exit 0
team-gpt-5: apply_patch; written: no; exit 0
team-model: edit write; written: yes; exit 0
'
[ "$found" = "$expected" ] || { cat out >&2; echo "not as described" >&2; exit 1; }
