import { beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import type { Person } from "../support/console.ts";
import { newToolsAllowed } from "../support/config.ts";
import { callsIn } from "../support/usage.ts";
import { eventually } from "../support/eventually.ts";
import {
  bearer,
  callOf,
  clientAt,
  type Mode,
  post,
  startGateway,
  type TestGateway,
  textOf,
} from "../support/mcp/gateway.ts";
import { fixture, remote } from "../support/mcp/handshake.ts";
import {
  legacyEcho,
  listen,
  modernEcho,
  scripted,
  soundAnswer,
  webSocketEcho,
} from "../support/mcp/http-servers.ts";

const policy = (kind: string, fields: object) => ({
  [`policies/${kind}.yaml`]: stringify({ id: kind, kind, title: kind, ...fields }),
});

describe("any pairing of eras and transports", () => {
  let gateway: TestGateway;
  let person: Person;
  beforeAll(async () => {
    const [modern, both, legacy, socket] = await Promise.all([
      modernEcho({ name: "modern" }, "reject"),
      modernEcho({ name: "both" }),
      legacyEcho({ name: "legacy" }),
      webSocketEcho(),
    ]);
    gateway = await startGateway([
      { ...remote(modern.url), id: "modern" },
      { ...remote(both.url), id: "both" },
      { ...remote(legacy.url), id: "legacy" },
      { ...remote(socket.url), id: "socket", transport: "websocket" },
      { ...fixture(), id: "process" },
    ]);
    person = await gateway.person("planner");
  });

  const pairs = (["modern", "legacy"] as const).flatMap((caller) =>
    ["modern", "both", "legacy", "socket", "process"].map((server): [Mode, string] => [caller, server]),
  );

  it.each(pairs)("a %s caller at /mcp/%s lists and calls tools", async (mode, server) => {
    const client = await clientAt(gateway, `/mcp/${server}`, person, mode);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain("echo");
    expect(await textOf(client, "echo", { text: `olá, ${server}` })).toBe(`olá, ${server}`);
  });

  it.each(["modern", "legacy"] as const)("a %s caller sees all servers as one at /mcp", async (mode) => {
    const client = await clientAt(gateway, "/mcp", person, mode);
    const { tools } = await client.listTools();
    const names = tools.map(({ name }) => name);
    for (const server of ["modern", "both", "legacy", "socket", "process"]) {
      expect(names).toContain(`${server}__echo`);
      expect(await textOf(client, `${server}__echo`, { text: server })).toBe(server);
    }
    expect(names).toContain("ciclo_plan");
    await expect(client.callTool({ name: "nowhere__echo", arguments: {} })).rejects.toThrow(
      /no tool nowhere__echo/,
    );
  });
});

describe("the door", () => {
  let gateway: TestGateway;
  let person: Person;
  let upstream: Awaited<ReturnType<typeof legacyEcho>>;
  beforeAll(async () => {
    upstream = await legacyEcho({ token: "upstream-token" });
    gateway = await startGateway([
      { ...remote(upstream.url), id: "echo", headers: { authorization: "Bearer secret:echo/TOKEN" } },
    ]);
    const admin = await gateway.person("approver");
    await admin.client.call("addKey", { body: { provider: "echo", name: "TOKEN", value: "upstream-token" } });
    await eventually(
      () => Promise.resolve(gateway.servers.list("en")[0]?.state),
      (state) => state === "healthy",
    );
    person = await gateway.person("planner");
  });
  const hello = {
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } },
  };

  it("asks for a token, and says where to learn of it (RFC 9728)", async () => {
    const { status, headers } = await post(gateway, "/mcp/echo", hello);
    expect(status).toBe(401);
    const url = /resource_metadata="([^"]+)"/.exec(headers.get("www-authenticate") ?? "")?.[1] ?? "";
    const metadata = (await (await fetch(url)).json()) as { resource: string };
    expect(metadata).toMatchObject({
      resource: `${gateway.url}/mcp/echo`,
      bearer_methods_supported: ["header"],
    });
  });

  it.each([
    ["an Origin of somebody else's page", { origin: "https://evil.example" }],
    ["a Host that is not ours", { host: "evil.example" }],
  ])("answers 403 to %s", async (_, headers) => {
    const { request } = await import("node:http");
    const status = await new Promise((resolve) => {
      const asking = request(
        `${gateway.url}/mcp/echo`,
        { method: "POST", headers: { ...bearer(person), ...headers } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      asking.end("{}");
    });
    expect(status).toBe(403);
  });

  it("sends its own credentials to the server, and never the caller's", async () => {
    const client = await clientAt(gateway, "/mcp/echo", person, "legacy");
    expect(await textOf(client, "echo", { text: "hi" })).toBe("hi");
    const sent = upstream.requests.map(({ headers }) => headers.authorization);
    expect(new Set(sent)).toEqual(new Set(["Bearer upstream-token"]));
    expect(JSON.stringify(upstream.requests)).not.toContain(person.token);
  });

  it("binds a session to who began it", async () => {
    const { headers } = await post(gateway, "/mcp/echo", hello, bearer(person));
    const session = headers.get("mcp-session-id") ?? "";
    const ping = { jsonrpc: "2.0", id: 2, method: "ping" };
    expect(
      (await post(gateway, "/mcp/echo", ping, { ...bearer(person), "mcp-session-id": session })).status,
    ).toBe(200);
    const other = await gateway.person("planner");
    expect(
      (await post(gateway, "/mcp/echo", ping, { ...bearer(other), "mcp-session-id": session })).status,
    ).toBe(404);
  });

  it("cuts off a token at once when it is revoked", async () => {
    const brief = await gateway.person("planner");
    expect((await post(gateway, "/mcp/echo", hello, bearer(brief))).status).toBe(200);
    await gateway.users.revokeToken({ id: null, name: "t", email: null, roles: [] }, { email: brief.email });
    expect((await post(gateway, "/mcp/echo", hello, bearer(brief))).status).toBe(401);
  });

  it.each([
    ["what is no JSON", "{", 400, -32700],
    ["a batch", "[]", 400, -32600],
    ["too much", `"${"x".repeat(6_000_000)}"`, 413, -32600],
  ])("refuses %s", async (_, body, status, code) => {
    const answer = await post(gateway, "/mcp/echo", body, bearer(person));
    expect(answer.status).toBe(status);
    expect(answer.body.error?.code).toBe(code);
  });

  it("answers 404 for a server that is not there, and 403 to a user without a role", async () => {
    expect((await post(gateway, "/mcp/nothing", hello, bearer(person))).status).toBe(404);
    expect((await post(gateway, "/mcp/echo", hello, bearer(await gateway.person()))).status).toBe(403);
  });
});

describe("policies", () => {
  const rules = [
    { roles: ["viewer"], servers: ["echo"], tools: ["echo"], effect: "allow", audit: true },
    { roles: ["planner"], servers: ["*"], tools: ["slow"], effect: "deny" },
    { roles: ["planner"], servers: ["*"], tools: ["*"], effect: "allow" },
  ];
  const access = policy("access", { default: "deny", new_tools: "allow", rules });
  let gateway: TestGateway;
  beforeAll(async () => {
    const { url } = await modernEcho();
    gateway = await startGateway(
      [
        { ...remote(url), id: "echo", price: { per_call_usd: 0.4 } },
        { ...remote(url), id: "other" },
      ],
      { ...access, ...policy("budget", { limits: { calls_per_minute: 30 }, on_exceeded: "block" }) },
    );
  });

  it.each(["modern", "legacy"] as const)("decide who sees and calls which tool (%s)", async (mode) => {
    const viewer = await clientAt(gateway, "/mcp/echo", await gateway.person("viewer"), mode);
    expect((await viewer.listTools()).tools.map(({ name }) => name)).toEqual(["echo"]);
    await expect(textOf(viewer, "slow", { ms: 1 })).rejects.toThrow(
      /access\.yaml, default: viewer may not call slow/,
    );
    const planner = await clientAt(gateway, "/mcp/echo", await gateway.person("planner"), mode);
    await expect(textOf(planner, "slow", { ms: 1 })).rejects.toThrow(/access\.yaml, rule 2/);
    const all = await clientAt(gateway, "/mcp", await gateway.person("viewer"), mode);
    expect((await all.listTools()).tools.map(({ name }) => name)).toEqual(["echo__echo"]);
  });

  it("keep who may use nothing of a server from learning that it is there", async () => {
    const viewer = await gateway.person("viewer");
    expect((await post(gateway, "/mcp/other", callOf("echo"), bearer(viewer))).status).toBe(404);
  });

  it("say which calls leave an audit record", async () => {
    const viewer = await gateway.person("viewer");
    const client = await clientAt(gateway, "/mcp/echo", viewer, "modern");
    await textOf(client, "echo", { text: "x" });
    const { items } = await viewer.client.call("listAudit", {
      query: { action: "gateway.called", actor: viewer.name },
    });
    expect(items).toMatchObject([{ resource: "server:echo/echo", metadata: { rule: 1 } }]);
  });

  it("bound how often a caller calls", async () => {
    const planner = await gateway.person("planner");
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, id) =>
        post(gateway, "/mcp/other", callOf("echo", { text: "x" }, id), bearer(planner)),
      ),
    );
    const refused = answers.filter(({ body }) => body.error?.data?.code === "rate_limited");
    expect(refused).toHaveLength(10);
    expect(refused[0]?.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(refused[0]?.body.error?.message).toMatch(/policies\/budget\.yaml, limits\.calls_per_minute/);
  });

  it("hold what calls cost to a budget", async () => {
    await gateway.push({
      ...access,
      ...policy("budget", { limits: { daily_usd: 1 }, on_exceeded: "block" }),
    });
    const planner = await gateway.person("planner");
    const statuses: (string | undefined)[] = [];
    for (let call = 0; call < 5; call += 1) {
      const { body } = await post(gateway, "/mcp/echo", callOf("echo", { text: "x" }), bearer(planner));
      statuses.push(body.error?.data?.code);
    }
    expect(statuses.at(-1)).toBe("budget_exceeded");
    const { body } = await post(gateway, "/mcp/other", callOf("echo", { text: "x" }), bearer(planner));
    expect(body.error?.message).toMatch(
      /policies\/budget\.yaml, limits\.daily_usd: 1\.\d\d USD of 1\.00 USD are spent/,
    );
    await gateway.push({ ...access, ...policy("budget", { limits: { daily_usd: 1 }, on_exceeded: "warn" }) });
    expect(
      (await post(gateway, "/mcp/other", callOf("echo", { text: "x" }), bearer(planner))).body.error,
    ).toBeUndefined();
  });
});

describe("usage", () => {
  it("holds one event for each call, with who, what, how long and how it ended", async () => {
    const { url } = await legacyEcho();
    const gateway = await startGateway([
      { ...remote(url, { timeouts: { call_ms: 400 } }), id: "echo", price: { per_call_usd: 0.01 } },
    ]);
    const person = await gateway.person("planner");
    const client = await clientAt(gateway, "/mcp/echo", person, "legacy");
    await textOf(client, "echo", { text: "x" });
    await client.callTool({ name: "echo", arguments: {} });
    await expect(client.callTool({ name: "nothing", arguments: {} })).rejects.toThrow(/no tool nothing/);
    await expect(textOf(client, "slow", { ms: 5000 })).rejects.toThrow(/did not answer within 400 ms/);
    await gateway.ledger.flush();
    const rows = (await callsIn(gateway.database.queries)).filter(({ tool }) => tool !== null);
    const told = rows.map(({ server, tool, actor_name, status, era, cost_nano_usd, cost_source }) => [
      server,
      tool,
      actor_name,
      status,
      era,
      cost_nano_usd,
      cost_source,
    ]);
    expect(told).toEqual([
      ["echo", "echo", person.name, "ok", "legacy", 10_000_000, "override"],
      ["echo", "echo", person.name, "tool_error", "legacy", 10_000_000, "override"],
      ["echo", "nothing", person.name, "refused", "legacy", null, "none"],
      ["echo", "slow", person.name, "timeout", "legacy", 10_000_000, "override"],
    ]);
    expect(rows.every(({ ms, request_bytes }) => (ms ?? 0) > 0 && request_bytes > 0)).toBe(true);
    expect(rows[0]?.response_bytes).toBeGreaterThan(0);
  });
});

describe("what goes wrong", () => {
  it("with one server leaves the others unharmed", async () => {
    const { url } = await modernEcho();
    let mode: "sound" | "hang" = "sound";
    const bad = await scripted((message, response) => {
      if (mode === "sound")
        soundAnswer(message, response, [{ name: "echo", inputSchema: { type: "object" } }]);
    });
    const gateway = await startGateway([
      { ...remote(url), id: "good" },
      { ...remote(bad.url, { timeouts: { call_ms: 700 } }), id: "bad" },
      { ...remote("http://127.0.0.1:9/mcp"), id: "gone" },
      { ...fixture("exits"), id: "broken" },
    ]);
    const person = await gateway.person("planner");
    mode = "hang";
    const hanging = post(gateway, "/mcp/bad", callOf("echo"), bearer(person));
    const all = await clientAt(gateway, "/mcp", person, "modern");
    expect(await textOf(all, "good__echo", { text: "fine" })).toBe("fine");
    expect((await hanging).body.error).toMatchObject({ data: { code: "timeout" } });
    const gone = await post(gateway, "/mcp/gone", callOf("echo"), bearer(person));
    expect([gone.status, gone.body.error?.data?.code]).toEqual([503, "server_unavailable"]);
    expect(gone.body.error?.message).toMatch(/gone is down: Nothing listens/);
    for (let look = 0; look < 2; look += 1)
      await person.client.call("probeServer", { params: { id: "gone" } });
    const later = await post(gateway, "/mcp/gone", callOf("echo"), bearer(person));
    expect(later.body.error?.message).toMatch(/gone is down: Nothing listens/);
  });

  it("in the middle of a call is told to the caller", async () => {
    const gateway = await startGateway([{ ...fixture(), id: "process" }]);
    const person = await gateway.person("planner");
    const client = await clientAt(gateway, "/mcp/process", person, "modern");
    await expect(textOf(client, "crash")).rejects.toThrow(
      /did not bring the call to its end: its process ended \(code \d\)/,
    );
    const dying = await listen((request, response) => {
      request.resume();
      request.on("end", () =>
        response
          .writeHead(200, { "content-type": "text/event-stream" })
          .write(": hm\n\n", () => response.destroy()),
      );
    });
    await expect(
      fetch(dying.url, { method: "POST", body: "{}" }).then((answer) => answer.text()),
    ).rejects.toThrow(/terminated/);
  });

  it.each([
    ["over a bridge, to a process", "/mcp/process", "slow"],
    ["of all servers as one", "/mcp", "process__slow"],
  ])("of a caller that cancels it, the call is given up: %s", async (_, path, tool) => {
    const gateway = await startGateway([{ ...fixture(), id: "process" }]);
    const person = await gateway.person("planner");
    const client = await clientAt(gateway, path, person, "legacy");
    const stopping = new AbortController();
    const call = client.callTool({ name: tool, arguments: { ms: 60_000 } }, { signal: stopping.signal });
    const underWay = () =>
      Promise.resolve(
        gateway.servers.list("en").reduce((sum, { calls_in_flight }) => sum + calls_in_flight, 0),
      );
    await eventually(underWay, (calls) => calls === 1);
    stopping.abort();
    await expect(call).rejects.toThrow(/abort/i);
    await eventually(underWay, (calls) => calls === 0);
  });

  it.each([
    ["passed through", "/mcp/echo", "slow"],
    ["over a bridge, to a process", "/mcp/process", "slow"],
    ["of all servers as one", "/mcp", "process__slow"],
  ])("of a caller that leaves, the call is given up and is no failure: %s", async (_, path, tool) => {
    const { url } = await modernEcho();
    const gateway = await startGateway([
      { ...remote(url), id: "echo" },
      { ...fixture(), id: "process" },
    ]);
    const person = await gateway.person("planner");
    const leaving = new AbortController();
    const call = fetch(`${gateway.url}${path}`, {
      method: "POST",
      headers: {
        ...bearer(person),
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
      },
      body: JSON.stringify(callOf(tool, { ms: 60_000 })),
      signal: leaving.signal,
    });
    const underWay = () =>
      Promise.resolve(
        gateway.servers.list("en").reduce((sum, { calls_in_flight }) => sum + calls_in_flight, 0),
      );
    await eventually(underWay, (calls) => calls === 1);
    leaving.abort();
    await expect(call).rejects.toThrow(/abort/i);
    await eventually(underWay, (calls) => calls === 0);
    const rows = await eventually(
      async () => {
        await gateway.ledger.flush();
        return (await callsIn(gateway.database.queries))
          .filter(({ tool }) => tool === "slow")
          .map(({ status, error }) => ({ status, error }));
      },
      (found) => found.length > 0,
    );
    expect(rows).toEqual([{ status: "cancelled", error: null }]);
  });
});

describe("which program calls", () => {
  it.each(["modern", "legacy"] as const)("is kept with each call: %s", async (mode) => {
    const { url } = await (mode === "modern" ? modernEcho() : legacyEcho());
    const gateway = await startGateway([
      { ...remote(url), id: "echo" },
      { ...fixture(), id: "process" },
    ]);
    const person = await gateway.person("planner");
    for (const path of ["/mcp/echo", "/mcp/process", "/mcp"]) {
      const client = await clientAt(gateway, path, person, mode);
      await client.callTool({ name: path === "/mcp" ? "echo__echo" : "echo", arguments: { text: "hello" } });
    }
    await gateway.ledger.flush();
    const rows = (await callsIn(gateway.database.queries))
      .filter(({ method }) => method === "tools/call")
      .map(({ agent, agent_version }) => [agent, agent_version]);
    expect(rows).toEqual(Array.from({ length: 3 }, () => ["test", "1.0.0"]));
  });
});

describe("a server that is registered otherwise", () => {
  it.each(["push", "key"])("lets calls under way end, and takes new ones elsewhere", async (how) => {
    const [before, after] = [await legacyEcho({ name: "before" }), await legacyEcho({ name: "after" })];
    const gateway = await startGateway([{ ...remote(before.url), id: "echo" }]);
    const person = await gateway.person("planner");
    const client = await clientAt(gateway, "/mcp", person, "modern");
    const slow = textOf(client, "echo__slow", { ms: 900 });
    await eventually(
      () => Promise.resolve(gateway.servers.list("en")[0]?.calls_in_flight),
      (calls) => calls === 1,
    );
    const { registryOf } = await import("../support/config.ts");
    await gateway.push({
      ...newToolsAllowed,
      "mcp-registry.yaml": registryOf([{ ...remote(after.url), id: "echo" }]),
      "docs/why.md": how,
    });
    const seen = after.requests.length;
    expect(await textOf(client, "echo__echo", { text: "new" })).toBe("new");
    expect(after.requests.length).toBeGreaterThan(seen);
    expect(await slow).toBe("done");
  });
});

describe("the console's own server", () => {
  it("plans and submits from an IDE, and decides nothing", async () => {
    const gateway = await startGateway([]);
    const planner = await gateway.person("planner");
    const client = await clientAt(gateway, "/mcp/ciclo", planner, "modern");
    const names = (await client.listTools()).tools.map(({ name }) => name);
    expect(names).toEqual([
      "ciclo_chat",
      "ciclo_plan",
      "ciclo_submit",
      "ciclo_changes",
      "ciclo_approvals",
      "ciclo_status",
    ]);
    expect(names.filter((name) => /approve|reject|decide|rollback/.test(name))).toEqual([]);
    const planned = JSON.parse(
      await textOf(client, "ciclo_chat", { message: "add the agent catalog with capabilities chat" }),
    ) as { plan: { id: string } };
    const submitted = JSON.parse(await textOf(client, "ciclo_submit", { plan_id: planned.plan.id })) as {
      status: string;
    };
    expect(submitted.status).toBe("hitl_required");
    const waiting = JSON.parse(await textOf(client, "ciclo_approvals")) as { items: { plan_id: string }[] };
    expect(waiting.items.map(({ plan_id }) => plan_id)).toEqual([planned.plan.id]);
    const refused = await client.callTool({
      name: "ciclo_plan",
      arguments: { intent: "edit_policies", payload: { policy_id: "nope" } },
    });
    expect(refused).toMatchObject({ isError: true });
    expect(JSON.stringify(refused.content)).toContain("policy_id: ");
  });

  it("offers only what the caller's roles allow", async () => {
    const gateway = await startGateway([], policy("access", { default: "allow" }));
    const client = await clientAt(gateway, "/mcp/ciclo", await gateway.person("viewer"), "legacy");
    const names = (await client.listTools()).tools.map(({ name }) => name);
    expect(names).toEqual(["ciclo_chat", "ciclo_changes", "ciclo_approvals", "ciclo_status"]);
    const refused = await client.callTool({
      name: "ciclo_plan",
      arguments: { intent: "remove_agent", payload: { agent_name: "assistant" } },
    });
    expect(JSON.stringify(refused.content)).toContain("Requires: planner");
  });
});
