#!/usr/bin/env bash
# @anthropic-ai/claude-code 2.1.332 (npm): OTEL_EXPORTER_OTLP_HEADERS is sent to the collector without percent-decoding.
# The OpenTelemetry specification gives the variable the format of W3C Baggage, whose values are percent-encoded, and its
# SDKs write `Bearer%20TOKEN` in their documents. Claude Code sends those letters as they are, so that a collector that
# checks the header refuses the telemetry, and nobody sees it: the agent says nothing. A literal blank in the variable
# arrives as a blank; @opentelemetry/exporter-logs-otlp-http 0.221.0 decodes.
# Run it anywhere with Node and npm. The model's address is a loopback server that answers 402. It fails when the behaviour
# is no longer as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @anthropic-ai/claude-code@2.1.332 @opentelemetry/exporter-logs-otlp-http@0.221.0 \
  @opentelemetry/sdk-logs@0.221.0
cat >try.mjs <<'JS'
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const headers = new Set();
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    if (request.url.startsWith("/otlp/")) {
      headers.add(request.headers.authorization);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    } else {
      response
        .writeHead(402, { "content-type": "application/json" })
        .end(JSON.stringify({ type: "error", error: { type: "billing_error", message: "none left" } }));
    }
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const base = `http://127.0.0.1:${server.address().port}`;
const home = join(process.cwd(), "home");
mkdirSync(home, { recursive: true });

async function run(value, command, args) {
  headers.clear();
  const child = spawn(command, args, {
    cwd: home,
    stdio: ["ignore", "ignore", "ignore"],
    timeout: 90_000,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      TMPDIR: tmpdir(),
      ANTHROPIC_BASE_URL: base,
      ANTHROPIC_API_KEY: "key-of-nobody",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      CLAUDE_CODE_ENABLE_TELEMETRY: "1",
      OTEL_LOGS_EXPORTER: "otlp",
      OTEL_METRICS_EXPORTER: "otlp",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `${base}/otlp`,
      OTEL_EXPORTER_OTLP_HEADERS: `Authorization=${value}`,
    },
  });
  await new Promise((resolve) => child.on("close", resolve));
  return [...headers].join(" | ");
}

const claude = [join(process.cwd(), "node_modules/.bin/claude"), ["-p", "hello"]];
const sdk = [process.execPath, [join(process.cwd(), "sdk.mjs")]];
console.log("claude-code, percent-encoded:", await run("Bearer%20abc", ...claude));
console.log("claude-code, blank:", await run("Bearer abc", ...claude));
console.log("sdk, percent-encoded:", await run("Bearer%20abc", ...sdk));
server.close();
JS
cat >sdk.mjs <<'JS'
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";

const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: new OTLPLogExporter() })] });
provider.getLogger("try").emit({ body: "hello" });
await provider.forceFlush();
await provider.shutdown();
JS
seen=$(node try.mjs)
printf '%s\n' "$seen"
expected='claude-code, percent-encoded: Bearer%20abc
claude-code, blank: Bearer abc
sdk, percent-encoded: Bearer abc'
[ "$seen" = "$expected" ] || { echo "claude-code 2.1.332 no longer behaves as described" >&2; exit 1; }
