import type { Connection } from "../../../../src/domain/servers.ts";
import { text } from "@ciclo/contract";
import { askUpstream } from "../../../../src/features/gateway/upstream.ts";
import { connect } from "../../../../src/features/servers/connect.ts";
import type { Link } from "../../../../src/features/servers/link.ts";
import { resolveBySystem } from "../../../../src/lib/outbound.ts";

/**
 * The console's own client, as the suite runs one: `node client-main.ts URL`. The connection and its
 * calls are the gateway's; what an IDE behind it would do (choose tools, answer questions) is scripted.
 */

type Call = { name: string; arguments: Record<string, unknown> };
type Schema = { properties?: Record<string, { type?: string }>; required?: string[] };

const scenario = process.env["MCP_CONFORMANCE_SCENARIO"] ?? "";
const { toolCalls } = JSON.parse(process.env["MCP_CONFORMANCE_CONTEXT"] ?? "{}") as { toolCalls?: Call[] };

const reach = (): Promise<Connection> =>
  connect(
    {
      network: () => ({ policy: "network", allow_hosts: ["*"], allow_private: true, require_tls: false }),
      commands: () => null,
      resolve: resolveBySystem,
      version: "0.0.0",
      environment: {},
      folderOf: () => Promise.resolve("."),
    },
    {
      server: {
        id: "suite",
        title: "Suite",
        transport: "streamable_http",
        url: process.argv.at(-1) ?? "",
      },
      values: {},
    },
  );

let connection = await reach();
const link = {
  id: "suite",
  connected: () => Promise.resolve(connection),
  reconnect: async () => (connection = await reach()),
} as unknown as Link;

const ask = (method: string, params: Record<string, unknown>) =>
  askUpstream(
    { explainFailure: (error) => text(String(error), String(error)) },
    link,
    { method, params, signal: AbortSignal.timeout(20_000), onProgress: null },
    20_000,
  );

/** A value for each argument that a tool asks for; for `schema`, the schema of the tool under test. */
function argumentsFor({ properties = {}, required = [] }: Schema): Record<string, unknown> {
  if ("schema" in properties) {
    return { schema: offered.find(({ tool }) => tool.name === "json_schema_2020_12_tool")?.tool.inputSchema };
  }
  const values: Record<string, unknown> = { string: "text", number: 5, integer: 5, boolean: true };
  return Object.fromEntries(required.map((name) => [name, values[properties[name]?.type ?? "string"]]));
}

/** Calls a tool, answering what it asks until it is content. */
async function callTool(call: Call): Promise<void> {
  let more: Record<string, unknown> = {};
  for (let round = 0; round < 5; round += 1) {
    const result = (await ask("tools/call", { ...call, ...more })) as {
      inputRequests?: Record<string, unknown>;
      requestState?: string;
    };
    if (result.inputRequests === undefined) return;
    const accept = { action: "accept", content: { confirmed: true, name: "Ana", ok: true } };
    more = {
      inputResponses: Object.fromEntries(Object.keys(result.inputRequests).map((key) => [key, accept])),
      ...(result.requestState === undefined ? {} : { requestState: result.requestState }),
    };
  }
}

const offered = connection.tools.filter(({ problem }) => problem === null);
const calls =
  toolCalls ??
  offered.map(({ tool }) => ({ name: tool.name, arguments: argumentsFor(tool.inputSchema as Schema) }));
const results = await Promise.allSettled(calls.map(callTool));
if (scenario === "http-standard-headers") {
  await Promise.allSettled([
    ask("resources/list", {}),
    ask("resources/read", { uri: "file:///path/to/file%20name.txt" }),
    ask("prompts/list", {}),
    ask("prompts/get", { name: "test_prompt" }),
  ]);
}
for (const result of results) if (result.status === "rejected") process.stderr.write(`${result.reason}\n`);
await connection.close();
