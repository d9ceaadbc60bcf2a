import type { AddressInfo } from "node:net";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { RegistryServer } from "@ciclo/contract";
import { listenerOf } from "../../../src/serve.ts";
import { whenFileEnds } from "../closing.ts";
import { newToolsAllowed, openPolicies, pushFiles, registryOf } from "../config.ts";
import { type ConsoleOptions, type Person, startConsole, type TestConsole } from "../console.ts";
import { eventually } from "../eventually.ts";

/** A console that listens, with servers behind its gateway. */
export type TestGateway = TestConsole & { url: string; push(files: Record<string, string>): Promise<void> };

export async function startGateway(
  servers: readonly RegistryServer[],
  files: Record<string, string> = newToolsAllowed,
  options: ConsoleOptions = {},
): Promise<TestGateway> {
  const running = await startConsole(options);
  pushFiles(running.git, { ...openPolicies(), ...files, "mcp-registry.yaml": registryOf(servers) });
  await running.features.servers.workers.start();
  const server = listenerOf(running);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  whenFileEnds(async () => {
    server.closeAllConnections();
    server.close();
    await running.features.servers.workers.stop();
    await running.ledger.flush();
  });
  await settled(running);
  return {
    ...running,
    url: `http://127.0.0.1:${port}`,
    async push(more) {
      pushFiles(running.git, more);
      await running.servers.reconcile();
      await settled(running);
    },
  };
}

/** Waits until no server is being connected to. */
export const settled = (running: TestConsole) =>
  eventually(
    () => Promise.resolve(running.servers.list("en")),
    (servers) => servers.every(({ state }) => state !== "starting"),
  );

export type Mode = "modern" | "legacy";

/** An MCP client of one era, as an IDE would be, at a route of the gateway. */
export async function clientAt(
  gateway: Pick<TestGateway, "url">,
  path: string,
  person: Pick<Person, "token">,
  mode: Mode,
  name = "test",
): Promise<Client> {
  const client = new Client(
    { name, version: "1.0.0" },
    { versionNegotiation: { mode: mode === "modern" ? { pin: "2026-07-28" } : "legacy" } },
  );
  const transport = new StreamableHTTPClientTransport(new URL(`${gateway.url}${path}`), {
    requestInit: { headers: { authorization: `Bearer ${person.token}` } },
  });
  await client.connect(transport);
  whenFileEnds(() => client.close());
  return client;
}

/** Calls a tool and gives back the text of its answer. */
export async function textOf(
  client: Client,
  name: string,
  args: Record<string, unknown> = {},
): Promise<string> {
  const { content } = await client.callTool({ name, arguments: args });
  return (content as { text?: string }[]).map(({ text }) => text ?? "").join("");
}

/** One JSON-RPC request by hand, of before 2026-07-28. */
export async function post(
  gateway: Pick<TestGateway, "url">,
  path: string,
  message: unknown,
  headers: Record<string, string> = {},
): Promise<{
  status: number;
  headers: Headers;
  body: Record<string, never> & { error?: { code: number; message: string; data?: { code: string } } };
}> {
  const response = await fetch(`${gateway.url}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...headers,
    },
    body: typeof message === "string" ? message : JSON.stringify(message),
  });
  const text = await response.text();
  const json = /^data: ?(.*)$/m.exec(text)?.[1] ?? text;
  return { status: response.status, headers: response.headers, body: json === "" ? {} : JSON.parse(json) };
}

export const callOf = (name: string, args: object = {}, id = 1) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args },
});

export const bearer = ({ token }: Pick<Person, "token">) => ({ authorization: `Bearer ${token}` });
