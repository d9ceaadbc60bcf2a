import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RegistryServer } from "@ciclo/contract";
import { openConfigRepository } from "../apps/server/src/features/config-repo/repository.ts";
import { newToolsAllowed, openPolicies, pushFiles, registryOf } from "../apps/server/tests/support/config.ts";
import { eventually } from "../apps/server/tests/support/eventually.ts";
import { provision } from "../apps/server/tests/support/provision.ts";
import { type Figures, median, timed } from "./measure.ts";
import { residentMegabytes, startAndAsk } from "./server.ts";

const warmUps = 300;
const calls = 1500;
const concurrent = 32;
const rounds = 5;
const secondsOfLoad = 3;

/** Ended with the run, however it ends. */
const children: ChildProcess[] = [];
const hubVersion = "4.2.1";

type Asker = { ask(body: object): Promise<string>; close(): void };

/**
 * What the gateway adds to a call, and what it leaves of the throughput: an echo server alone, behind the
 * gateway with token, access policy, tool lock and usage on, and behind mcp-hub, by turns in one run.
 */
export async function measureGateway(): Promise<Figures> {
  try {
    return await measure();
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
}

async function measure(): Promise<Figures> {
  const echo = await startEcho();
  const one = await startGateway([{ ...server("echo"), url: `${echo}/mcp` }]);
  const hub = await startHub(`${echo}/mcp`);
  const direct = post(`${echo}/mcp`, {});
  const through = post(`${one.url}/mcp/echo`, { authorization: `Bearer ${one.token}` });
  const latencies = { direct: [] as number[], through: [] as number[] };
  const rates = { direct: [] as number[], through: [] as number[], hub: [] as number[] };
  for (const asker of [direct, through]) await sequentially(asker, warmUps);
  for (let round = 0; round < rounds; round += 1) {
    latencies.direct.push(median(await sequentially(direct, calls / rounds)));
    latencies.through.push(median(await sequentially(through, calls / rounds)));
    rates.direct.push(await throughput(direct));
    rates.through.push(await throughput(through));
    rates.hub.push(await throughput(hub));
  }
  const grown = await growth(through, one.child);
  for (const each of [direct, through, hub]) each.close();
  await stop(one.child);
  const many = await measureMany(echo);
  const idle = await measureIdle();
  return {
    gateway_direct_p50_ms: median(latencies.direct),
    gateway_added_p50_ms: median(latencies.through) - median(latencies.direct),
    gateway_direct_rps: median(rates.direct),
    gateway_share_of_direct: median(rates.through) / median(rates.direct),
    gateway_over_mcp_hub: median(rates.through) / median(rates.hub),
    gateway_memory_growth_200k: grown,
    ...many,
    ...idle,
  };
}

const stdioServers = 20;
const stdioScript = fileURLToPath(
  new URL("../apps/server/tests/support/mcp/stdio-server.mjs", import.meta.url),
);
const idleMs = 3000;

/** Resident memory of a console that nobody asks anything, with servers of its own processes beside it. */
async function measureIdle(): Promise<Figures> {
  const servers = Array.from({ length: stdioServers }, (_, index) => ({
    id: `stdio-${index}`,
    title: "stdio",
    transport: "stdio" as const,
    command: process.execPath,
    args: [stdioScript],
  }));
  const { child } = await startGateway(servers);
  await new Promise((resolve) => setTimeout(resolve, idleMs));
  const resident = residentMegabytes(child.pid ?? 0);
  await stop(child);
  return { idle_memory_20_stdio_mb: resident };
}

const server = (id: string): RegistryServer => ({ id, title: id, transport: "streamable_http" });

const call = (id: number, name = "echo") => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: { text: "a text of ordinary length, as agents send them" } },
});

async function startEcho(): Promise<string> {
  const script = fileURLToPath(new URL("echo-server.ts", import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return `http://127.0.0.1:${line.toString().trim().split(" ").at(-1)}`;
}

/** A console with these servers, all of them well, and a planner's token. */
async function startGateway(servers: readonly RegistryServer[]) {
  const home = mkdtempSync(join(tmpdir(), "ciclo-bench-gateway-"));
  await openConfigRepository({ home, source: undefined, branch: "main" });
  const unlimited = "id: budget\nkind: budget\ntitle: Budget\nlimits: {}\non_exceeded: block\n";
  pushFiles(join(home, "config.git"), {
    ...openPolicies(),
    ...newToolsAllowed,
    "policies/budget.yaml": unlimited,
    "mcp-registry.yaml": registryOf(servers),
  });
  const { planner: token = "" } = await provision({ CICLO_HOME: home }, { planner: ["planner"] });
  const { child, url } = await startAndAsk(home);
  children.push(child);
  await eventually(
    async () => {
      const response = await fetch(`${url}/api/v1/servers`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const { items } = (await response.json()) as { items: { state: string }[] };
      return items.filter(({ state }) => state === "healthy").length;
    },
    (well) => well === servers.length,
  );
  return { child, url, token };
}

/** One POST after the other, on connections that stay open. */
function post(url: string, headers: Record<string, string>): Asker {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrent });
  const { hostname, port, pathname, search } = new URL(url);
  const options = {
    agent,
    hostname,
    port,
    path: `${pathname}${search}`,
    method: "POST",
    headers: {
      ...headers,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
  };
  return {
    ask: (body) =>
      new Promise((resolve, reject) => {
        const sent = JSON.stringify(body);
        const asking = request(
          { ...options, headers: { ...options.headers, "content-length": Buffer.byteLength(sent) } },
          (response) => {
            const parts: Buffer[] = [];
            response.on("data", (part: Buffer) => parts.push(part));
            response.on("end", () => {
              const said = Buffer.concat(parts).toString();
              if (response.statusCode === 200 && !said.includes('"error"')) resolve(said);
              else reject(new Error(`HTTP ${response.statusCode}: ${said.slice(0, 300)}`));
            });
            response.on("error", reject);
          },
        );
        asking.on("error", reject);
        asking.end(sent);
      }),
    close: () => agent.destroy(),
  };
}

async function sequentially(asker: Asker, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let id = 1; id <= count; id += 1) times.push((await timed(() => asker.ask(call(id)))).ms);
  return times;
}

/** Calls a second, with so many under way at once. */
async function throughput(asker: Asker, seconds = secondsOfLoad): Promise<number> {
  const until = performance.now() + seconds * 1000;
  let done = 0;
  let id = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < until) {
      await asker.ask(call((id += 1)));
      done += 1;
    }
  };
  const { ms } = await timed(() => Promise.all(Array.from({ length: concurrent }, worker)));
  return done / (ms / 1000);
}

/** Memory after 200,000 calls over that after the first tenth of them. */
async function growth(asker: Asker, child: ChildProcess): Promise<number> {
  let id = 0;
  const run = async (count: number): Promise<number> => {
    let left = count;
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await asker.ask(call((id += 1)));
      }
    };
    await Promise.all(Array.from({ length: concurrent }, worker));
    return residentMegabytes(child.pid ?? 0);
  };
  const first = await run(20_000);
  return (await run(180_000)) / first;
}

/** mcp-hub from npm in a folder of its own, in front of the same server. */
async function startHub(url: string): Promise<Asker> {
  const folder = mkdtempSync(join(tmpdir(), "ciclo-bench-hub-"));
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  const npm = spawnSync("npm", ["install", "--no-audit", "--no-fund", "--silent", `mcp-hub@${hubVersion}`], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (npm.status !== 0) throw new Error("mcp-hub could not be installed");
  writeFileSync(join(folder, "hub.json"), JSON.stringify({ mcpServers: { echo: { url } } }));
  const port = String(20_000 + (process.pid % 20_000));
  const child = spawn(
    process.execPath,
    [join(folder, "node_modules/mcp-hub/dist/cli.js"), "--port", port, "--config", join(folder, "hub.json")],
    { stdio: "ignore", env: { PATH: process.env.PATH, HOME: folder } },
  );
  children.push(child);
  const at = `http://127.0.0.1:${port}`;
  await eventually(
    () =>
      fetch(`${at}/api/health`)
        .then(async (response) => (await response.json()) as { servers?: { status: string }[] })
        .catch(() => ({ servers: [] })),
    ({ servers = [] }) => servers.some(({ status }) => status === "connected"),
  );
  return overSse(at);
}

/** A client of mcp-hub's endpoint: answers come over one stream of events, messages go by POST. */
async function overSse(at: string): Promise<Asker> {
  const waiting = new Map<number, (said: string) => void>();
  const closing = new AbortController();
  const stream = await fetch(`${at}/mcp`, {
    headers: { accept: "text/event-stream" },
    signal: closing.signal,
  });
  const endpoint = Promise.withResolvers<string>();
  void readEvents(stream, (event, data) => {
    if (event === "endpoint") endpoint.resolve(data);
    else {
      const { id } = JSON.parse(data) as { id: number };
      waiting.get(id)?.(data);
      waiting.delete(id);
    }
  });
  const messages = post(new URL(await endpoint.promise, at).href, {});
  const accepted = async (body: object): Promise<void> => {
    await messages.ask(body).catch((error: unknown) => {
      // It answers 202, and says the rest on the stream.
      if (!(error instanceof Error && error.message.startsWith("HTTP 202"))) throw error;
    });
  };
  const ask = (body: object): Promise<string> =>
    new Promise((resolve, reject) => {
      waiting.set((body as { id: number }).id, resolve);
      accepted(body).catch(reject);
    });
  const clientInfo = { name: "bench", version: "1" };
  const params = { protocolVersion: "2025-03-26", capabilities: {}, clientInfo };
  await ask({ jsonrpc: "2.0", id: 0, method: "initialize", params });
  await accepted({ jsonrpc: "2.0", method: "notifications/initialized" });
  const tool = { ...call(0), params: { ...call(0).params, name: "echo__echo" } };
  let id = 0;
  return {
    ask: () => ask({ ...tool, id: (id += 1) }),
    close() {
      closing.abort();
      messages.close();
    },
  };
}

async function readEvents(stream: Response, on: (event: string, data: string) => void): Promise<void> {
  let rest = "";
  try {
    for await (const chunk of stream.body ?? []) {
      const parts = (rest + Buffer.from(chunk).toString()).split("\n\n");
      rest = parts.pop() ?? "";
      for (const part of parts) {
        const event = /^event: (.*)$/m.exec(part)?.[1] ?? "message";
        const data = /^data: (.*)$/m.exec(part)?.[1];
        if (data !== undefined) on(event, data);
      }
    }
  } catch (error) {
    if (!(error instanceof Error && error.name === "AbortError")) throw error;
  }
}

const manyServers = 500;

/** The list of 500 servers with 5,000 tools as one, for callers of both eras. */
async function measureMany(echoUrl: string): Promise<Figures> {
  const servers = Array.from({ length: manyServers }, (_, index) => ({
    ...server(`server-${index}`),
    url: `${echoUrl}/many/${index}`,
  }));
  const { child, url, token } = await startGateway(servers);
  const authorization = `Bearer ${token}`;
  const legacy = post(`${url}/mcp`, { authorization });
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const modern = post(`${url}/mcp`, {
    authorization,
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/list",
  });
  const time = async (asker: Asker, params: object): Promise<number> => {
    const times: number[] = [];
    for (let id = 1; id <= 60; id += 1) {
      const { ms, result } = await timed(() =>
        asker.ask({ jsonrpc: "2.0", id, method: "tools/list", params }),
      );
      if (id > 10) times.push(ms);
      if (result.split('"inputSchema"').length < manyServers * 10) throw new Error("tools are missing");
    }
    return median(times);
  };
  const figures = {
    gateway_list_5000_tools_ms: await time(legacy, {}),
    gateway_list_5000_tools_modern_ms: await time(modern, { _meta: meta }),
  };
  for (const each of [legacy, modern]) each.close();
  await stop(child);
  return figures;
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill("SIGTERM");
  await once(child, "exit");
}
