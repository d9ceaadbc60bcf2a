#!/usr/bin/env bash
# @openai/codex-sdk 0.154.0 (npm) on Node 26.10.0 ends a run with an error where an event of the agent holds U+2028.
# The agent writes one JSON text a line, and U+2028 may stand in a JSON string as it is. The SDK cuts lines with node:readline,
# which since Node 24 takes U+2028 and U+2029 for ends of lines too: of one event become two pieces, neither of which is JSON. On
# Node 22.22.0 the same program reads the same event. Whoever reads logs of agents with node:readline has the same: text that
# somebody pasted from a word processor is enough.
# Run it anywhere with Node and npm. In place of the agent stands a script that prints events of its format. It fails when the
# behaviour is no longer as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --omit=optional @openai/codex-sdk@0.154.0
mkdir node22 node26
(cd node22 && npm init --yes >/dev/null && npm install --silent --no-audit --no-fund node@22.22.0)
(cd node26 && npm init --yes >/dev/null && npm install --silent --no-audit --no-fund node@26.10.0)
cat >agent.sh <<'SH'
#!/bin/sh
cat >/dev/null
cat "$(dirname "$0")/events.jsonl"
SH
chmod +x agent.sh
cat >try.mjs <<'JS'
import { writeFileSync } from "node:fs";
import { Codex } from "@openai/codex-sdk";

async function answerWith(text) {
  const events = [
    { type: "thread.started", thread_id: "11111111-1111-4111-8111-111111111111" },
    { type: "turn.started" },
    { type: "item.completed", item: { id: "item_0", type: "agent_message", text } },
    {
      type: "turn.completed",
      usage: { input_tokens: 10, cached_input_tokens: 0, output_tokens: 2, reasoning_output_tokens: 0 },
    },
  ];
  writeFileSync("events.jsonl", events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  const codex = new Codex({ codexPathOverride: `${process.cwd()}/agent.sh` });
  try {
    const { finalResponse, usage } = await codex.startThread({ skipGitRepoCheck: true }).run("hello");
    return `${JSON.stringify(finalResponse)}, ${usage.output_tokens} tokens`;
  } catch (error) {
    return `error: ${error.message.split(":")[0]}`;
  }
}
const said = await answerWith("first second");
const separated = await answerWith("first\u2028second");
console.log(`Node ${process.versions.node.split(".")[0]}: ${said}; with U+2028: ${separated}`);
JS
found=$(for version in 22 26; do "node$version/node_modules/.bin/node" try.mjs; done)
printf '%s\n' "$found"
expected='Node 22: "first second", 2 tokens; with U+2028: "first'$'\xe2\x80\xa8''second", 2 tokens
Node 26: "first second", 2 tokens; with U+2028: error: Failed to parse item'
[ "$found" = "$expected" ] || { echo "not as described" >&2; exit 1; }
