import { spawn } from "node:child_process";
import { connect, createServer } from "node:net";
import type { RegistryServer } from "@ciclo/contract";
import { explainFailure } from "../../src/features/servers/explain.ts";
import { maskValues } from "../../src/lib/mask-values.ts";
import { secretsOf } from "../../src/features/servers/specs.ts";
import { describe, expect, it, vi } from "vitest";
import { failureOf, fixture, openDeps, remote, shakeHands } from "../support/mcp/handshake.ts";
import {
  legacyEcho,
  listen,
  modernEcho,
  scripted,
  soundAnswer,
  webSocketEcho,
} from "../support/mcp/http-servers.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/temporary.ts";

const order = ["resolve", "connect", "negotiate", "list_tools", "done"];

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });

/** server-everything, as its package starts it for a transport; its address once it listens. */
async function everything(transport: "streamableHttp" | "sse"): Promise<{ url: string; stop(): void }> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  const child = spawn("mcp-server-everything", [transport], {
    env: { PATH: process.env.PATH, PORT: String(port) },
    stdio: "ignore",
  });
  await eventually(() => isListening(port), Boolean);
  const path = transport === "sse" ? "sse" : "mcp";
  return { url: `http://127.0.0.1:${port}/${path}`, stop: () => void child.kill("SIGKILL") };
}

describe("a handshake", () => {
  it.each([
    ["2026-07-28 over HTTP", () => modernEcho({}, "reject"), "modern", "2026-07-28"],
    ["both eras on one address", () => modernEcho(), "modern", "2026-07-28"],
    ["sessions of before", () => legacyEcho(), "legacy", "2025-11-25"],
  ])("goes through its steps with %s", async (_, start, era, revision) => {
    const { url } = await start();
    const { connection, steps } = await shakeHands(remote(url));
    expect(steps.map(({ step, status }) => [step, status])).toEqual(order.map((step) => [step, "ok"]));
    expect(steps.every(({ ms }) => ms !== null && ms >= 0)).toBe(true);
    expect(connection).toMatchObject({ era, protocolVersion: revision, serverInfo: { name: "echo" } });
    expect(connection?.tools.map(({ tool }) => tool.name)).toEqual(["echo", "slow"]);
    await connection?.close();
  });

  it("waits as long as it may for the first answer of a server over the network", async () => {
    const [asked, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { url } = await scripted(async (message, response) => {
      asked.resolve();
      await released.promise;
      soundAnswer(message, response);
    });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const shaking = shakeHands(remote(url, { timeouts: { connect_ms: 60_000 } }));
      await asked.promise;
      vi.advanceTimersByTime(14_000);
      vi.useRealTimers();
      released.resolve();
      const { connection, steps } = await shaking;
      expect(steps.map(({ status }) => status)).toEqual(order.map(() => "ok"));
      await connection?.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it("goes over a WebSocket", async () => {
    const { url } = await webSocketEcho();
    const { connection } = await shakeHands(remote(url, { transport: "websocket" }));
    expect(connection).toMatchObject({ era: "legacy", serverInfo: { name: "socket" } });
    expect(connection?.tools.map(({ tool }) => tool.name)).toEqual(["echo"]);
    await connection?.close();
  });

  it.each(["streamableHttp", "sse"] as const)("goes with server-everything over %s", async (transport) => {
    const { url, stop } = await everything(transport);
    const server = remote(url, { transport: transport === "sse" ? "sse" : "streamable_http" });
    const { connection } = await shakeHands(server);
    expect(connection?.tools.map(({ tool }) => tool.name)).toContain("echo");
    await connection?.close();
    stop();
  });

  it.each<[string, Partial<RegistryServer>, string]>([
    ["server-everything", { command: "mcp-server-everything" }, "echo"],
    ["server-filesystem", { command: "mcp-server-filesystem", args: ["/tmp"] }, "read_text_file"],
  ])("goes with %s over stdio", async (_, command, tool) => {
    const { connection } = await shakeHands({ ...fixture(), args: [], ...command });
    expect(connection?.tools.map(({ tool: { name } }) => name)).toContain(tool);
    expect(connection?.tools.filter(({ problem }) => problem !== null)).toEqual([]);
    await connection?.close();
  });

  it("goes on in the old way with a server that ends at a question it does not know", async () => {
    const { connection, log } = await shakeHands(fixture("abrupt"));
    expect(connection?.era).toBe("legacy");
    expect(log).toContain("its process ended (code 1)");
    await connection?.close();
  });

  it("passes over what is no message on standard output", async () => {
    const { connection, log } = await shakeHands(fixture("chatty"));
    expect(connection?.tools).toHaveLength(5);
    expect(log).toContain("not a message: Listening…");
    await connection?.close();
  });

  it("can be called off", async () => {
    const { url } = await listen(() => {});
    const calling = new AbortController();
    const shaking = failureOf(remote(url), { signal: calling.signal });
    calling.abort(new Error("not wanted any more"));
    expect((await shaking).message).toBe("not wanted any more");
  });
});

describe("processes", () => {
  it("get an environment of their own", async () => {
    const values = { TOKEN: "t0ken-value" };
    const { connection, log } = await shakeHands(fixture("environment"), { values });
    expect(log).toContain("environment CICLO_CHILD_OF HOME PATH PWD TOKEN");
    await connection?.close();
  });

  it("have what they say of a credential masked", async () => {
    const late = await shakeHands(fixture("tells-late"), { values: { TOKEN: "t0ken-é-value" } });
    expect(late.log.filter((line) => line.includes("xxx"))).toHaveLength(20);
    expect(late.log.join("\n")).not.toMatch(/t0/);
    await late.connection?.close();
    const { connection, log } = await shakeHands(fixture("tells"), { values: { TOKEN: "t0ken-value" } });
    expect(log).toContain("the token is ***");
    await connection?.close();
  });
});

describe("what a server says of a credential", () => {
  const configured = {
    ...remote("https://a.example/mcp"),
    headers: { "x-dsn": "user=bob;key=secret:hub/T" },
  };
  const said = maskValues(
    secretsOf(configured, { values: { "x-dsn": "user=bob;key=sk very/secret+1" }, args: [] }),
  );

  it.each([
    ["as it was stored", "sk very/secret+1"],
    ["as it was sent", "user=bob;key=sk very/secret+1"],
    ["in an address", encodeURIComponent("sk very/secret+1")],
    ["in a form", "sk+very%2Fsecret%2B1"],
    ["in base64", Buffer.from("sk very/secret+1").toString("base64")],
    ["the whole in base64url", Buffer.from("user=bob;key=sk very/secret+1").toString("base64url")],
  ])("is masked %s", (_, written) => {
    expect(said(`unknown key ${written} given`)).toMatch(/^unknown key \*\*\*=* given$/);
  });

  it("is not quoted by what reads its answers", () => {
    const error = new SyntaxError(`Unexpected token 's', "s3cretPASS"... is not valid JSON`);
    expect(explainFailure(error).en).toBe("It answers with what is no JSON");
  });
});

describe("what goes wrong is said, with what to do", () => {
  const over = { timeouts: { connect_ms: 600 } };

  it.each<[string, RegistryServer, string, RegExp]>([
    ["nothing listens", remote("http://127.0.0.1:9/mcp"), "connect", /Nothing listens/],
    ["the host is unknown", remote("http://nowhere.invalid/mcp"), "resolve", /nowhere\.invalid is not known/],
    ["there is no such program", { ...fixture(), command: "no-such-program" }, "resolve", /was not found/],
    ["the program ends at once", fixture("exits"), "negotiate", /its process ended \(code 3\)/],
    [
      "the command is one for a shell",
      { ...fixture(), command: "node; rm -rf /" },
      "resolve",
      /not given to a shell/,
    ],
    ["the command is not allowed", { ...fixture(), command: "curl" }, "resolve", /policies\/commands\.yaml/],
  ])("when %s", async (_, server, step, detail) => {
    const error = await failureOf(server);
    expect(error.step).toBe(step);
    expect(error.detail.en).toMatch(detail);
    expect(error.detail["pt-BR"]).not.toBe("");
  });

  it.each<[string, Parameters<typeof scripted>[0], RegExp]>([
    ["hangs", () => {}, /did not answer in time/],
    [
      "answers what is no JSON",
      (_, response) => response.writeHead(200, { "content-type": "application/json" }).end("<html>"),
      /no JSON/,
    ],
    ["refuses the credentials", (_, response) => response.writeHead(401).end(), /refuses the credentials/],
    ["has no endpoint there", (_, response) => response.writeHead(404).end(), /no MCP endpoint/],
    ["fails", (_, response) => response.writeHead(500).end(), /HTTP 500/],
    ["hangs up", (_, response) => response.socket?.destroy(), /closed the connection/],
    [
      "leaves a stream half open",
      (_, response) => response.writeHead(200, { "content-type": "text/event-stream" }).write(": hm\n\n"),
      /did not answer in time/,
    ],
    [
      "redirects to where secrets are",
      (_, response) => response.writeHead(307, { location: "http://169.254.169.254/latest/meta-data" }).end(),
      /redirects elsewhere/,
    ],
  ])("when the server %s", async (_, answer, detail) => {
    const { url } = await scripted(answer);
    const error = await failureOf(remote(url, over));
    expect(error.detail.en).toMatch(detail);
  });

  it("tells nothing of a credential", async () => {
    const value = "s3cr3t-credential";
    const { url } = await scripted((message, response) => {
      const error = { code: -32000, message: `bad token ${value}` };
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ jsonrpc: "2.0", id: message.id, error }));
    });
    const error = await failureOf(remote(url, over), { values: { authorization: `Bearer ${value}` } });
    expect(JSON.stringify([error.detail, error.message])).not.toContain(value);
  });
});

describe("where it connects", () => {
  const rules = { policy: "network", allow_hosts: ["*"], allow_private: false, require_tls: false };
  const to = (url: string, network: Partial<typeof rules> = {}) =>
    failureOf(remote(url), { deps: { network: () => ({ ...rules, ...network }) } });

  it.each([
    ["http://127.0.0.1/mcp", /loopback/],
    ["http://10.1.2.3/mcp", /private/],
    ["http://[::1]/mcp", /loopback/],
    ["http://[::ffff:10.0.0.1]/mcp", /private/],
    ["http://0x7f.1/mcp", /loopback/],
    ["http://169.254.169.254/mcp", /linkLocal/],
    ["http://[fd00::1]/mcp", /uniqueLocal/],
    ["http://0.0.0.0/mcp", /unspecified/],
    ["http://localhost/mcp", /loopback/],
  ])("is not %s", async (url, reason) => {
    expect((await to(url)).detail.en).toMatch(reason);
  });

  it("is never the address of cloud metadata, whatever the policy opens", async () => {
    expect((await to("http://169.254.169.254/", { allow_private: true })).detail.en).toMatch(/linkLocal/);
  });

  it("is only what the policy lists, and by TLS where it asks for it", async () => {
    expect((await to("https://other.example/", { allow_hosts: ["*.acme.example"] })).detail.en).toMatch(
      /allow_hosts: does not allow the host other\.example/,
    );
    expect((await to("http://a.example/", { require_tls: true })).detail.en).toMatch(/require_tls/);
  });

  it("is checked on the address connected to: a name that changes in between gets nowhere", async () => {
    const { url, requests } = await modernEcho();
    let asked = 0;
    const port = new URL(url).port;
    const error = await failureOf(remote(`http://rebind.example:${port}/mcp`), {
      deps: {
        network: () => rules,
        resolve: (_, callback) => {
          asked += 1;
          callback(null, [{ address: asked === 1 ? "93.184.215.14" : "127.0.0.1", family: 4 }]);
        },
      },
    });
    expect(asked).toBe(2);
    expect(error.detail.en).toMatch(/loopback address 127\.0\.0\.1/);
    expect(requests).toEqual([]);
  });
});

describe("tools that cannot be had", () => {
  const offering = async (inputSchema: unknown, name = "odd") => {
    const { url } = await scripted((message, response) =>
      soundAnswer(message, response, [{ name, description: "x", inputSchema }]),
    );
    const { connection, error } = await shakeHands(remote(url));
    await connection?.close();
    return { problem: connection?.tools[0]?.problem?.en ?? null, error };
  };

  it("are those with a schema of 5 MB", async () => {
    const properties = Object.fromEntries(
      Array.from({ length: 5000 }, (_, index) => [
        `field_${index}`,
        { type: "string", description: "x".repeat(1000) },
      ]),
    );
    expect((await offering({ type: "object", properties })).problem).toMatch(/kB; the limit is 512 kB/);
  });

  it("are those that refer to the network, which is never asked", async () => {
    const elsewhere = await listen((_, response) => response.end("{}"));
    const { problem } = await offering({ type: "object", properties: { a: { $ref: elsewhere.url } } });
    expect(problem).toMatch(/never fetched/);
    expect(elsewhere.requests).toEqual([]);
  });

  it("are those nested without end, but not those that refer to themselves", async () => {
    let deep: object = { type: "object" };
    for (let depth = 0; depth < 200; depth += 1) deep = { type: "object", properties: { a: deep } };
    expect((await offering(deep)).problem).toMatch(/nested more than/);
    const recursive = { type: "object", $defs: { n: { properties: { next: { $ref: "#/$defs/n" } } } } };
    expect((await offering(recursive)).problem).toBeNull();
  });

  it("are those with a name that is none", async () => {
    expect((await offering({ type: "object" }, "two words")).problem).toMatch(/its name/);
  });
});

describe("folders", () => {
  it("are private to each server", async () => {
    const folder = await temporaryFolder();
    const asked: string[] = [];
    const { connection } = await shakeHands(fixture(), {
      deps: {
        ...openDeps,
        folderOf: (id) => {
          asked.push(id);
          return Promise.resolve(folder);
        },
      },
    });
    expect(asked).toEqual(["fixture"]);
    await connection?.close();
  });
});
