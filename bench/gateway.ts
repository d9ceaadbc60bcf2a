import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RegistryServer } from "@ciclo/contract";
import { openConfigRepository } from "../apps/server/src/features/config-repo/repository.ts";
import { newToolsAllowed, openPolicies, pushFiles, registryOf } from "../apps/server/tests/support/config.ts";
import { eventually } from "../apps/server/tests/support/eventually.ts";
import { provision } from "../apps/server/tests/support/provision.ts";
import { type Asker, call, concurrent, post } from "./asker.ts";
import { startHub } from "./mcp-hub.ts";
import { throughputOf } from "./load.ts";
import { type Figures, median, timed } from "./measure.ts";
import { peakMegabytes, residentMegabytes, retainedMegabytes } from "./memory.ts";
import { startAndAsk } from "./server.ts";

const warmUps = 300;
const calls = 1500;
const rounds = 5;
const secondsOfLoad = 3;

/** Ended with the run, however it ends. */
const children: ChildProcess[] = [];

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
  const echo = await startEcho(children);
  const one = await startGateway([{ ...server("echo"), url: `${echo}/mcp` }]);
  const hub = await startHub(`${echo}/mcp`, children);
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
  for (const each of [direct, through, hub]) each.close();
  await stop(one.child);
  const memory = await measureMemory(echo);
  const many = await measureMany(echo);
  const idle = await measureIdle();
  return {
    gateway_direct_p50_ms: median(latencies.direct),
    gateway_added_p50_ms: median(latencies.through) - median(latencies.direct),
    gateway_direct_rps: median(rates.direct),
    gateway_share_of_direct: median(rates.through) / median(rates.direct),
    gateway_over_mcp_hub: median(rates.through) / median(rates.hub),
    ...memory,
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
  const resident = residentMegabytes(child.pid);
  await stop(child);
  return { idle_memory_20_stdio_mb: resident };
}

const server = (id: string): RegistryServer => ({ id, title: id, transport: "streamable_http" });

export async function startEcho(children: ChildProcess[]): Promise<string> {
  const script = fileURLToPath(new URL("echo-server.ts", import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return `http://127.0.0.1:${line.toString().trim().split(" ").at(-1)}`;
}

/** A console with these servers, all of them well, and a planner's token. */
async function startGateway(servers: readonly RegistryServer[], collects = false) {
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
  const { child, url } = await startAndAsk(home, collects);
  children.push(child);
  await allHealthy(url, token, servers.length);
  return { child, url, token };
}

/** Resolves once so many servers of a console are well. */
export async function allHealthy(url: string, token: string, count: number): Promise<void> {
  await eventually(
    async () => {
      const response = await fetch(`${url}/api/v1/servers`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const { items } = (await response.json()) as { items: { state: string }[] };
      return items.filter(({ state }) => state === "healthy").length;
    },
    (well) => well === count,
  );
}

export async function sequentially(asker: Asker, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let id = 1; id <= count; id += 1) times.push((await timed(() => asker.ask(call(id)))).ms);
  return times;
}

async function throughput(asker: Asker): Promise<number> {
  let id = 0;
  return (await throughputOf(() => asker.ask(call((id += 1))), concurrent, secondsOfLoad)).rate;
}

/** Memory after 200,000 calls over that after the first tenth of them, garbage collected, and its peak. */
async function measureMemory(echo: string): Promise<Figures> {
  const { child, url, token } = await startGateway([{ ...server("echo"), url: `${echo}/mcp` }], true);
  const asker = post(`${url}/mcp/echo`, { authorization: `Bearer ${token}` });
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
    return await retainedMegabytes(child);
  };
  const first = await run(20_000);
  const last = await run(180_000);
  const peak = peakMegabytes(child.pid);
  asker.close();
  await stop(child);
  return { gateway_memory_growth_200k: last / first, gateway_memory_peak_mb: peak };
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
