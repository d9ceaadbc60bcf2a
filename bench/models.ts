import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "@ciclo/contract";
import { openConfigRepository } from "../apps/server/src/features/config-repo/repository.ts";
import { openPolicies, pushFiles } from "../apps/server/tests/support/config.ts";
import { eventually } from "../apps/server/tests/support/eventually.ts";
import { freePort } from "../apps/server/tests/support/free-port.ts";
import { provision } from "../apps/server/tests/support/provision.ts";
import { type Asker, concurrent, post } from "./asker.ts";
import { processorMs, throughputOf } from "./load.ts";
import { type Figures, median, timed } from "./measure.ts";
import { peakMegabytes } from "./memory.ts";
import { startAndAsk } from "./server.ts";

const portkeyVersion = "1.15.2";
const warmUps = 400;
const calls = 400;
const rounds = 5;
const streams = 200;

const chat = {
  model: "gpt-5.2",
  messages: [
    { role: "system", content: "You are an agent that works on code. ".repeat(20) },
    { role: "user", content: "A question of ordinary length, as agents ask them. ".repeat(10) },
  ],
};

type Way = {
  asker: Asker;
  child: ChildProcess;
  added: number[];
  rates: number[];
  cpu: number;
  calls: number;
};

/**
 * What the model endpoint adds to a call with authentication, policy, reservation and ledger on, beside Portkey's gateway
 * and a bare relay, all in front of one loopback model and asked by turns.
 */
export async function measureModels(): Promise<Figures> {
  const children: ChildProcess[] = [];
  try {
    return await measure(children);
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
}

async function measure(children: ChildProcess[]): Promise<Figures> {
  const model = await start("loopback-model.ts", [], children);
  const direct = post(`${model.url}/v1/chat/completions`, {});
  const relay = await start("loopback-model.ts", [model.url], children);
  const way = (asker: Asker, child: ChildProcess): Way => ({
    asker,
    child,
    added: [],
    rates: [],
    cpu: 0,
    calls: 0,
  });
  const portkey = await startPortkey(model.url, children);
  const console = await startEndpoint(model.url, children);
  const ways = {
    relay: way(post(`${relay.url}/v1/chat/completions`, {}), relay.child),
    portkey: way(portkey.asker, portkey.child),
    ciclo: way(console.asker, console.child),
  };
  const all = Object.values(ways);
  for (const { asker } of [{ asker: direct }, ...all]) await oneByOne(asker, warmUps);
  for (const { asker } of all) await throughputOf(() => asker.ask(chat), concurrent, 2);
  for (let round = 0; round < rounds; round += 1) {
    const base = median(await oneByOne(direct, calls));
    for (const each of round % 2 === 0 ? all : all.toReversed())
      each.added.push(median(await oneByOne(each.asker, calls)) - base);
    for (const each of all) {
      const before = processorMs(each.child);
      const { rate, done } = await throughputOf(() => each.asker.ask(chat), concurrent, 3);
      each.rates.push(rate);
      each.cpu += processorMs(each.child) - before;
      each.calls += done;
    }
  }
  for (const { asker } of [{ asker: direct }, ...all]) asker.close();
  const figure = (of: (way: Way) => number) => ({
    relay: of(ways.relay),
    portkey: of(ways.portkey),
    ciclo: of(ways.ciclo),
  });
  const added = figure((each) => median(each.added));
  const rates = figure((each) => median(each.rates));
  const cpu = figure((each) => each.cpu / each.calls);
  return {
    models_added_p50_ms: added.ciclo,
    models_portkey_added_p50_ms: added.portkey,
    models_relay_added_p50_ms: added.relay,
    models_added_over_portkey: added.ciclo / added.portkey,
    models_rps: rates.ciclo,
    models_portkey_rps: rates.portkey,
    models_relay_rps: rates.relay,
    models_rps_over_portkey: rates.ciclo / rates.portkey,
    models_cpu_ms_a_call: cpu.ciclo,
    models_portkey_cpu_ms_a_call: cpu.portkey,
    models_relay_cpu_ms_a_call: cpu.relay,
    models_cpu_over_portkey: cpu.ciclo / cpu.portkey,
    ...(await measureStreams(model.url, children)),
  };
}

async function oneByOne(asker: Asker, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let id = 0; id < count; id += 1) times.push((await timed(() => asker.ask(chat))).ms);
  return times;
}

/** The most memory of a console through which so many streams go at once, of two seconds each. */
async function measureStreams(model: string, children: ChildProcess[]): Promise<Figures> {
  const { child, url, headers } = await startEndpoint(model, children);
  const agent = new Agent({ keepAlive: true, maxSockets: streams });
  const { hostname, port } = new URL(url);
  const body = JSON.stringify({ ...chat, stream: true });
  const stream = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const path = "/llm/openai/v1/chat/completions";
      const asking = request({ agent, hostname, port, path, method: "POST", headers }, (response) => {
        let said = "";
        response.on("data", (part: Buffer) => (said += part.toString()));
        response.on("end", () =>
          said.includes("[DONE]")
            ? resolve()
            : reject(new Error(`the stream broke off: ${said.slice(-200)}`)),
        );
        response.on("error", reject);
      });
      asking.on("error", reject);
      asking.end(body);
    });
  for (let round = 0; round < 3; round += 1) await Promise.all(Array.from({ length: streams }, stream));
  const peak = peakMegabytes(child.pid);
  agent.destroy();
  return { models_200_streams_peak_mb: peak };
}

async function start(script: string, args: string[], children: ChildProcess[]) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, url: `http://127.0.0.1:${line.toString().trim().split(" ").at(-1)}` };
}

/** A console whose endpoint leads to a model, with a planner's token. */
async function startEndpoint(model: string, children: ChildProcess[]) {
  const home = mkdtempSync(join(tmpdir(), "ciclo-bench-models-"));
  await openConfigRepository({ home, source: undefined, branch: "main" });
  pushFiles(join(home, "config.git"), {
    ...openPolicies(),
    "policies/access.yaml": JSON.stringify({
      id: "access",
      kind: "access",
      title: "Access",
      default: "deny",
      rules: [{ roles: ["planner"], servers: ["*"], models: ["gpt-*"], effect: "allow" }],
    }),
    "policies/budget.yaml": JSON.stringify({
      id: "budget",
      kind: "budget",
      title: "Budget",
      limits: { daily_usd: 1_000_000, monthly_usd: 10_000_000 },
      on_exceeded: "block",
    }),
    "policies/models.yaml": JSON.stringify({
      id: "models",
      kind: "models",
      title: "Models",
      providers: [{ id: "openai", dialect: "openai", url: `${model}/v1`, key: "secret:openai/API_KEY" }],
    }),
  });
  const people = { planner: ["planner" as const], approver: ["approver" as const] };
  const { planner = "", approver = "" } = await provision({ CICLO_HOME: home }, people);
  const { child, url } = await startAndAsk(home);
  children.push(child);
  const key = { provider: "openai", name: "API_KEY", value: "key-of-the-loopback-model-0123456789" };
  await createClient({ baseUrl: url, token: approver }).call("addKey", { body: key });
  const headers = { authorization: `Bearer ${planner}`, "content-type": "application/json" };
  const asker = post(`${url}/llm/openai/v1/chat/completions`, headers);
  await eventually(
    () => asker.ask(chat).catch(() => ""),
    (said) => said !== "",
  );
  return { child, url, headers, asker };
}

/** Portkey's gateway from npm in a folder of its own, in front of the same model. */
async function startPortkey(model: string, children: ChildProcess[]) {
  const folder = mkdtempSync(join(tmpdir(), "ciclo-bench-portkey-"));
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  const name = `@portkey-ai/gateway@${portkeyVersion}`;
  const npm = spawnSync("npm", ["install", "--no-audit", "--no-fund", "--silent", name], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (npm.status !== 0) throw new Error("Portkey could not be installed");
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [join(folder, "node_modules/@portkey-ai/gateway/build/start-server.js"), `--port=${port}`, "--headless"],
    { stdio: "ignore", env: { PATH: process.env.PATH, HOME: folder, TRUSTED_CUSTOM_HOSTS: "127.0.0.1" } },
  );
  children.push(child);
  const asker = post(`http://127.0.0.1:${port}/v1/chat/completions`, {
    authorization: "Bearer key-of-the-loopback-model-0123456789",
    "x-portkey-provider": "openai",
    "x-portkey-custom-host": `${model}/v1`,
  });
  await eventually(
    () => asker.ask(chat).catch(() => ""),
    (said) => said !== "",
  );
  return { child, asker };
}
