import type { Connection, ListedTool } from "../../../../src/domain/servers.ts";
import { openSandbox } from "../../../../src/lib/sandbox.ts";
import { text } from "@ciclo/contract";
import { askUpstream } from "../../../../src/features/gateway/upstream.ts";
import { connect } from "../../../../src/features/servers/connect.ts";
import type { Link } from "../../../../src/features/servers/link.ts";
import { system } from "../../../../src/domain/actor.ts";
import { maskValues } from "../../../../src/lib/mask-values.ts";
import { resolveBySystem } from "../../../../src/lib/outbound.ts";

/** A scenario of the suite, as it hands one to a client. */
export type Scenario = {
  name: string;
  /** Where the suite's server is. */
  url: string;
  /** Which tools to call; without it, every tool that is offered. */
  toolCalls?: Call[] | undefined;
};

type Call = { name: string; arguments: Record<string, unknown> };
type Schema = { properties?: Record<string, { type?: string }>; required?: string[] };
type Ask = (method: string, params: Record<string, unknown>) => Promise<unknown>;

/** All scenarios of a revision are played at once, in this process: on a busy machine each takes long. */
const patienceMs = 60_000;

const reach = (url: string): Promise<Connection> =>
  connect(
    {
      network: () => ({ policy: "network", allow_hosts: ["*"], allow_private: true, require_tls: false }),
      commands: () => null,
      resolve: resolveBySystem,
      version: "0.0.0",
      ownId: "test",
      environment: {},
      folderOf: () => Promise.resolve("."),
      sandbox: openSandbox(""),
      hidden: [],
    },
    {
      server: {
        id: "suite",
        title: "Suite",
        transport: "streamable_http",
        url,
        timeouts: { connect_ms: patienceMs },
      },
      values: {},
      args: [],
    },
  );

/**
 * The console's own client in one scenario of the suite. The connection and its calls are the gateway's;
 * what an IDE behind it would do (choose tools, answer questions) is scripted. Returns the calls that failed.
 */
export async function playScenario({ name, url, toolCalls }: Scenario): Promise<string[]> {
  let connection = await reach(url);
  const link = {
    id: "suite",
    mask: maskValues([]),
    connectedFor: () => Promise.resolve(connection),
    reconnectFor: async () => (connection = await reach(url)),
  } as unknown as Link;
  const caller = { actor: system, locale: "en", client: null } as const;
  const ask: Ask = (method, params) =>
    askUpstream(
      { explainFailure: (error) => text(String(error), String(error)) },
      link,
      { method, params, signal: AbortSignal.timeout(patienceMs), onProgress: null, caller },
      patienceMs,
    );
  const offered = connection.tools.filter(({ problem }) => problem === null).map(({ tool }) => tool);
  const calls =
    toolCalls ?? offered.map((tool) => ({ name: tool.name, arguments: argumentsFor(tool, offered) }));
  const results = await Promise.allSettled(calls.map((call) => callTool(ask, call)));
  if (name === "http-standard-headers") {
    await Promise.allSettled([
      ask("resources/list", {}),
      ask("resources/read", { uri: "file:///path/to/file%20name.txt" }),
      ask("prompts/list", {}),
      ask("prompts/get", { name: "test_prompt" }),
    ]);
  }
  await connection.close();
  return results.flatMap((result) => (result.status === "rejected" ? [String(result.reason)] : []));
}

/** A value for each argument that a tool asks for; for `schema`, the schema of the tool under test. */
function argumentsFor({ inputSchema }: ListedTool, offered: ListedTool[]): Record<string, unknown> {
  const { properties = {}, required = [] } = inputSchema as Schema;
  if ("schema" in properties) {
    return { schema: offered.find(({ name }) => name === "json_schema_2020_12_tool")?.inputSchema };
  }
  const values: Record<string, unknown> = { string: "text", number: 5, integer: 5, boolean: true };
  return Object.fromEntries(required.map((name) => [name, values[properties[name]?.type ?? "string"]]));
}

/** Calls a tool, answering what it asks until it is content. */
async function callTool(ask: Ask, call: Call): Promise<void> {
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
