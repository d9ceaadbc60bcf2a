import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../apps/server/tests/support/eventually.ts";
import { freePort } from "../apps/server/tests/support/free-port.ts";
import { type Asker, call, post } from "./asker.ts";

const hubVersion = "4.2.1";

/** mcp-hub from npm in a folder of its own, in front of the same server; its process is added to these. */
export async function startHub(url: string, children: ChildProcess[]): Promise<Asker> {
  const folder = mkdtempSync(join(tmpdir(), "ciclo-bench-hub-"));
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  const npm = spawnSync("npm", ["install", "--no-audit", "--no-fund", "--silent", `mcp-hub@${hubVersion}`], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (npm.status !== 0) throw new Error("mcp-hub could not be installed");
  writeFileSync(join(folder, "hub.json"), JSON.stringify({ mcpServers: { echo: { url } } }));
  const port = String(await freePort());
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
