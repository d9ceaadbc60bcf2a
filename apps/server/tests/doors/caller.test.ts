import { execFile } from "node:child_process";
import { json } from "node:stream/consumers";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createClient } from "@ciclo/contract";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler } from "@modelcontextprotocol/server";
import fc from "fast-check";
import { stringify } from "yaml";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { beforeAll, describe, expect, it } from "vitest";
import { CallerLimits } from "../../src/features/gateway/limits.ts";
import { eventFilter } from "../../src/features/gateway/said.ts";
import { newToolsAllowed, openPolicies, pushFiles, registryOf } from "../support/config.ts";
import { type Person, planWith } from "../support/console.ts";
import { newPostgresUrl } from "../support/databases.ts";
import { eventually } from "../support/eventually.ts";
import { git, gitWith } from "../support/git.ts";
import { legacyFixture, modernFixture } from "../support/mcp/conformance/fixture.ts";
import {
  bearer,
  callOf,
  clientAt,
  post,
  startGateway,
  type TestGateway,
  textOf,
} from "../support/mcp/gateway.ts";
import { fixture, remote } from "../support/mcp/handshake.ts";
import {
  echoServer,
  legacyEcho,
  listen,
  modernEcho,
  scripted,
  soundAnswer,
} from "../support/mcp/http-servers.ts";
import {
  beginSession,
  openEvents,
  openSession,
  type OpenStream,
  openSubscription,
} from "../support/mcp/streams.ts";
import { startProcess } from "../support/process.ts";
import { provision } from "../support/provision.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** What somebody with a token can and cannot do, and no longer does once it is taken away. */

const accessPolicy = (rules: object[]) => ({
  "policies/access.yaml": stringify({
    id: "access",
    kind: "access",
    title: "Tool access",
    default: "deny",
    new_tools: "allow",
    rules,
  }),
});
const everything = { servers: ["*"], tools: ["*"], effect: "allow" };

/** Waits until each stream has ended; fails with the names of those that go on. Returns those: none. */
async function goingOn(streams: readonly OpenStream[]): Promise<string[]> {
  const left = new Set(streams.map(({ name }) => name));
  for (const { name, ended } of streams) void ended.then(() => left.delete(name));
  return eventually(
    () => Promise.resolve([...left]),
    ({ length }) => length === 0,
  );
}

describe("what somebody follows", () => {
  /** A console with everything open that can be, for one person; a server whose handshake hangs among it. */
  async function startFollowing() {
    const [legacy, modern, hanging] = [await legacyEcho(), await modernEcho(), await hangingEcho()];
    const gateway = await startGateway([
      { ...remote(legacy.url), id: "legacy" },
      { ...remote(modern.url), id: "modern" },
      { ...remote(hanging.url), id: "keyed", headers: { Authorization: "Bearer secret:keyed/TOKEN" } },
    ]);
    const admin = await gateway.person("admin", "approver");
    await admin.client.call("addKey", { body: { provider: "keyed", name: "TOKEN", value: "first" } });
    await eventually(
      () => Promise.resolve(gateway.servers.list("en")),
      (servers) => servers.every(({ state }) => state === "healthy"),
    );
    hanging.hang();
    const rotation = await admin.client.call("rotateKey", {
      params: { provider: "keyed", name: "TOKEN" },
      body: { value: "second" },
    });
    const person = await gateway.person("planner");
    const session = await beginSession(gateway, "/mcp/legacy", person);
    const slow = post(gateway, "/mcp/legacy", callOf("slow", { ms: 100_000 }), {
      ...bearer(person),
      "mcp-session-id": session,
    }).then(
      () => "ended" as const,
      () => "ended" as const,
    );
    const ofGateway = [
      await openSession(gateway, "/mcp/legacy", person, session),
      await openSubscription(gateway, "/mcp/modern", person),
      await openSubscription(gateway, "/mcp/legacy", person),
      { name: "a call under way", status: 200, ended: slow },
    ];
    const ofConsole = [
      await openSubscription(gateway, "/mcp", person),
      await openEvents(gateway, "/events", person),
      await openEvents(gateway, `/keys/rotations/${rotation.id}/events`, person),
    ];
    expect([...ofGateway, ...ofConsole].map(({ name, status }) => `${name} ${status}`)).toEqual(
      [...ofGateway, ...ofConsole].map(({ name }) => `${name} 200`),
    );
    return { gateway, admin, person, ofGateway, ofConsole };
  }

  const losses: [string, (gateway: TestGateway, admin: Person, person: Person) => Promise<unknown>][] = [
    ["is disabled", (_, { client }, { id }) => client.call("disableUser", { params: { id } })],
    [
      "loses the last role",
      (_, { client }, { id }) => client.call("setUserRoles", { params: { id }, body: { roles: [] } }),
    ],
    ["has the token revoked", (_, { client }, { id }) => client.call("revokeToken", { params: { id } })],
    [
      "gets another token",
      (_, { client }, { id }) => client.call("rotateToken", { params: { id }, body: {} }),
    ],
  ];
  it.each(losses)("ends once who follows it %s", async (_, lose) => {
    const { gateway, admin, person, ofGateway, ofConsole } = await startFollowing();
    await lose(gateway, admin, person);
    expect(await goingOn([...ofGateway, ...ofConsole])).toEqual([]);
  });

  it("ends once the access policy no longer lets its caller use the server, and the rest goes on", async () => {
    const { gateway, ofGateway, ofConsole } = await startFollowing();
    await gateway.push(accessPolicy([{ ...everything, roles: ["approver"] }]));
    expect(await goingOn(ofGateway)).toEqual([]);
    for (const { name, ended } of ofConsole)
      expect(await Promise.race([ended, Promise.resolve(`${name} goes on`)])).toBe(`${name} goes on`);
  });

  it("ends when its token does", async () => {
    const { gateway, admin } = await startFollowing();
    const person = await gateway.person("viewer");
    const expires = new Date(Date.now() + 1500).toISOString();
    const { token } = await admin.client.call("rotateToken", {
      params: { id: person.id },
      body: { expires_at: expires },
    });
    await gateway.features.access.workers.start();
    expect(await goingOn([await openEvents(gateway, "/events", { token })])).toEqual([]);
    await gateway.features.access.workers.stop();
  });

  it("ends when a command beside the console, or another node, takes the access away", async () => {
    const repository = join(await temporaryFolder(), "team.git");
    git(".", "init", "--quiet", "--bare", "--initial-branch=main", repository);
    const first = "commit refs/heads/main\ncommitter Test <test@example.com> 0 +0000\ndata 5\nfirst\n";
    gitWith(first, repository, "fast-import", "--quiet");
    const { url } = await legacyEcho();
    pushFiles(repository, {
      ...openPolicies(),
      ...newToolsAllowed,
      "mcp-registry.yaml": registryOf([{ ...remote(url), id: "echo" }]),
    });
    const shared = {
      CICLO_DATABASE_URL: await newPostgresUrl(),
      CICLO_CONFIG_REPO: repository,
      CICLO_MASTER_KEY: "ab".repeat(32),
    };
    const [home, otherHome] = [await temporaryFolder(), await temporaryFolder()];
    const tokens = await provision(
      { ...shared, CICLO_HOME: home },
      { root: ["admin", "planner", "approver"], ana: ["planner"], bia: ["planner"], caio: ["planner"] },
    );
    const [one, two] = await Promise.all([
      startProcess({ ...shared, CICLO_HOME: home }),
      startProcess({ ...shared, CICLO_HOME: otherHome }),
    ]);
    const person = (name: string) => ({ token: tokens[name] ?? "" });
    const follow = async (name: string): Promise<OpenStream[]> => {
      const session = await eventually(
        () => beginSession(two, "/mcp/echo", person(name)),
        (id) => id !== "",
      );
      return [
        await openSession(two, "/mcp/echo", person(name), session),
        await openEvents(two, "/events", person(name)),
      ];
    };
    const [ofAna, ofBia, ofCaio] = [await follow("ana"), await follow("bia"), await follow("caio")];

    const root = createClient({ baseUrl: one.url, token: tokens["root"] ?? "", locale: "en" });
    const { items } = await root.call("listUsers");
    await root.call("disableUser", { params: { id: items.find(({ name }) => name === "ana")?.id ?? "" } });
    expect(await goingOn(ofAna)).toEqual([]);

    const bin = fileURLToPath(new URL("../../bin/ciclo.mjs", import.meta.url));
    const env = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...shared,
      CICLO_HOME: await temporaryFolder(),
    };
    await promisify(execFile)(process.execPath, [bin, "user", "disable", "bia@example.com"], { env });
    expect(await goingOn(ofBia)).toEqual([]);

    const planned = await root.call("plan", {
      body: {
        intent: "edit_policies",
        payload: {
          policy_id: "access",
          changes: { rules: [{ ...everything, roles: ["approver"] }] },
        },
      },
    });
    const submitted = await root.call("apply", {
      body: {
        plan: planned.plan,
        patch: planned.patch,
        actor: "root",
        actor_email: "root@example.com",
      } as never,
    });
    await root.call("apply", {
      body: { approval_id: submitted.approval_id ?? "", approval_decision: "approve" },
    });
    expect(await goingOn(ofCaio.slice(0, 1))).toEqual([]);
    await Promise.all([one.stop(), two.stop()]);
  });
});

describe("what the access policy says of everything but tools", () => {
  const rules = [
    {
      roles: ["planner"],
      servers: ["*"],
      resources: ["test://secret*"],
      prompts: ["secret*"],
      effect: "deny",
    },
    {
      roles: ["planner"],
      servers: ["*"],
      resources: ["test://*"],
      prompts: ["test_*"],
      effect: "allow",
      audit: true,
    },
    {
      roles: ["planner"],
      servers: ["*"],
      resources: ["file:///public/*", "docs://public/*"],
      effect: "allow",
    },
    { roles: ["approver"], servers: ["*"], methods: ["tasks/*"], effect: "allow" },
  ];
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
  };

  describe.each(["legacy", "modern"] as const)("holds for a %s caller", (era) => {
    let gateway: TestGateway;
    let planner: Person;
    let session = "";
    beforeAll(async () => {
      const { url } = await (era === "legacy" ? legacyFixture() : modernFixture());
      gateway = await startGateway([{ ...remote(url), id: "kit" }], accessPolicy(rules));
      planner = await gateway.person("planner");
      if (era === "legacy") session = await beginSession(gateway, "/mcp/kit", planner);
    });
    const nameOf = ({ name, uri }: Record<string, unknown>): Record<string, string> =>
      typeof (name ?? uri) === "string" ? { "mcp-name": String(name ?? uri) } : {};
    const ask = (method: string, params: Record<string, unknown> = {}, person = planner) =>
      post(
        gateway,
        "/mcp/kit",
        { jsonrpc: "2.0", id: 3, method, params: era === "modern" ? { ...params, _meta: meta } : params },
        {
          ...bearer(person),
          ...(era === "modern"
            ? { "mcp-protocol-version": "2026-07-28", "mcp-method": method, ...nameOf(params) }
            : {}),
          ...(session === "" || person !== planner ? {} : { "mcp-session-id": session }),
        },
      );
    const refusal = async (method: string, params: Record<string, unknown>) =>
      (await ask(method, params)).body.error?.message ?? "let through";

    it("lets through what a rule names, and puts it on record", async () => {
      expect(await refusal("resources/read", { uri: "test://static-text" })).toBe("let through");
      expect(await refusal("prompts/get", { name: "test_simple_prompt" })).toBe("let through");
      const { items } = await planner.client.call("listAudit", {
        query: { action: "gateway.called", actor: planner.name },
      });
      expect(items.map(({ resource, metadata }) => [resource, metadata])).toEqual([
        ["server:kit/test_simple_prompt", { rule: 2, kind: "prompts" }],
        ["server:kit/test://static-text", { rule: 2, kind: "resources" }],
      ]);
    });

    it("refuses what none names, and what one denies in any spelling", async () => {
      expect(await refusal("resources/read", { uri: "db://rows/1" })).toMatch(
        /access\.yaml, default: planner may not read db:\/\/rows\/1 of kit/,
      );
      expect(await refusal("prompts/get", { name: "Secret_plan" })).toMatch(/access\.yaml, rule 1/);
      const denied = ["test://secret/1", "TEST://secret/1", "test://SECRET/1", "test://%73ecret/1"];
      for (const uri of denied)
        expect(await refusal("resources/read", { uri }), uri).toMatch(/planner may not read/);
      const climbing = [
        "file:///public/../etc/passwd",
        "file:///public/%2e%2e/etc/passwd",
        "file:///public/%252e%252e/etc",
        "file:///public\\..\\..\\etc",
        "file:///public/..%2fetc",
        "docs://public/../private/b",
        "docs://public/%2e%2e/private/b",
        "docs://public/..%252fprivate/b",
      ];
      for (const uri of climbing)
        expect(await refusal("resources/read", { uri }), uri).toMatch(/planner may not read/);
    });

    it("judges completions and subscriptions by what they are of", async () => {
      const argument = { name: "a", value: "b" };
      const completion = (ref: object) => refusal("completion/complete", { ref, argument });
      expect(await completion({ type: "ref/prompt", name: "secret_plan" })).toMatch(/may not get the prompt/);
      expect(await completion({ type: "ref/resource", uri: "test://secret/{id}" })).toMatch(/may not read/);
      expect(await completion({ type: "ref/prompt", name: "test_prompt_with_arguments" })).not.toMatch(
        /may not/,
      );
      const follow = era === "legacy" ? "resources/subscribe" : "subscriptions/listen";
      const followed =
        era === "legacy"
          ? { uri: "test://secret/1" }
          : { notifications: { resourceSubscriptions: ["test://static-text", "test://secret/1"] } };
      expect(await refusal(follow, followed)).toMatch(/planner may not read/);
    });

    it("lists only what may be used", async () => {
      const resources = (await ask("resources/list")).body as unknown as {
        result: { resources: { uri: string }[] };
      };
      expect(resources.result.resources.length).toBeGreaterThan(0);
      const prompts = (await ask("prompts/list")).body as unknown as {
        result: { prompts: { name: string }[] };
      };
      expect(prompts.result.prompts.map(({ name }) => name)).toContain("test_simple_prompt");
      await gateway.push(
        accessPolicy([
          {
            roles: ["planner"],
            servers: ["*"],
            resources: ["test://none"],
            prompts: ["none"],
            effect: "allow",
          },
        ]),
      );
      expect((await ask("resources/list")).body).toMatchObject({ result: { resources: [] } });
      expect((await ask("resources/templates/list")).body).toMatchObject({
        result: { resourceTemplates: [] },
      });
      expect((await ask("prompts/list")).body).toMatchObject({ result: { prompts: [] } });
      expect((await ask("tools/list")).body).toMatchObject({ result: { tools: [] } });
      await gateway.push(accessPolicy(rules));
    });

    it("refuses methods that the gateway knows nothing of, unless a rule names them", async () => {
      for (const method of ["tasks/list", "Tools/Call", "resources/READ", "completion/complete ", "x"])
        expect((await ask(method, { uri: "test://static-text" })).body, method).toHaveProperty("error");
      const approver = await gateway.person("approver");
      expect((await ask("tasks/list", {}, approver)).body.error?.message ?? "").not.toMatch(/access\.yaml/);
    });
  });

  it("holds rates for every method", async () => {
    const { url } = await modernEcho();
    const gateway = await startGateway([{ ...remote(url), id: "kit" }], {
      ...accessPolicy([{ ...everything, roles: ["planner"], resources: ["*"], prompts: ["*"] }]),
      "policies/budget.yaml": stringify({
        id: "budget",
        kind: "budget",
        title: "B",
        on_exceeded: "block",
        limits: { calls_per_minute: 5 },
      }),
    });
    for (const [method, params] of [
      ["tools/list", {}],
      ["resources/read", { uri: "a:b" }],
      ["prompts/get", { name: "p" }],
    ] as const) {
      const planner = await gateway.person("planner");
      const asked = Array.from({ length: 8 }, (_, id) =>
        post(gateway, "/mcp/kit", { jsonrpc: "2.0", id, method, params }, bearer(planner)),
      );
      const refused = (await Promise.all(asked)).filter(
        ({ body }) => body.error?.data?.code === "rate_limited",
      );
      expect(refused, method).toHaveLength(3);
    }
    // Lists of all servers, and what is refused anyway, are no way around.
    for (const [path, message] of [
      ["/mcp", { method: "tools/list", params: {} }],
      ["/mcp/kit", { method: "tools/call", params: { name: "none", arguments: {} } }],
      ["/mcp/kit", { method: "no/such", params: {} }],
    ] as const) {
      const planner = await gateway.person("planner");
      const codes = [];
      for (let id = 0; id < 8; id += 1) {
        const { body } = await post(gateway, path, { jsonrpc: "2.0", id, ...message }, bearer(planner));
        codes.push(body.error?.data?.code);
      }
      expect(
        codes.filter((code) => code === "rate_limited"),
        message.method,
      ).toHaveLength(3);
    }
    // What only keeps a session going is let through more often, and not without end.
    for (const method of ["ping", "logging/setLevel", "server/discover"]) {
      const planner = await gateway.person("planner");
      const answers = [];
      for (let id = 0; id < 28; id += 1) {
        const params = method === "logging/setLevel" ? { level: "info" } : {};
        answers.push(
          await post(gateway, "/mcp/kit", { jsonrpc: "2.0", id, method, params }, bearer(planner)),
        );
      }
      const limited = answers.filter(({ body }) => body.error?.data?.code === "rate_limited");
      expect(limited.length, method).toBeGreaterThanOrEqual(2);
      expect(limited.length, method).toBeLessThanOrEqual(3);
    }
  });

  it("is on record when it is refused, once a minute, and when it was let through and did not end well", async () => {
    const bad = await scripted((message, response) => {
      if (message.method === "tools/call") response.writeHead(500).end();
      else soundAnswer(message, response, [{ name: "echo", inputSchema: { type: "object" } }]);
    });
    const gateway = await startGateway([{ ...remote(bad.url), id: "bad" }], {
      ...accessPolicy([{ ...everything, roles: ["planner"], audit: true }]),
    });
    const [planner, viewer] = [await gateway.person("planner"), await gateway.person("viewer")];
    const recorded = async () => {
      await gateway.features.gateway.service.settled();
      const { items } = await planner.client.call("listAudit", { query: { limit: 100 } });
      return items
        .filter(({ action }) => action.startsWith("gateway."))
        .map(({ action, status, actor_name, resource }) => ({ action, status, actor_name, resource }))
        .toReversed();
    };
    await post(gateway, "/mcp/bad", callOf("echo"), bearer(planner));
    const called = { actor_name: planner.name, resource: "server:bad/echo" };
    expect(await recorded()).toEqual([
      { ...called, action: "gateway.called", status: "succeeded" },
      { ...called, action: "gateway.call_failed", status: "failed" },
    ]);
    for (let again = 0; again < 5; again += 1)
      await post(gateway, "/mcp/bad", callOf("other"), bearer(planner));
    for (let again = 0; again < 5; again += 1)
      await post(gateway, "/mcp/bad", callOf("echo"), bearer(viewer));
    expect((await recorded()).slice(2)).toEqual([
      {
        action: "gateway.refused",
        status: "refused",
        actor_name: planner.name,
        resource: "server:bad/other",
      },
      { action: "gateway.refused", status: "refused", actor_name: viewer.name, resource: "server:bad/" },
    ]);
    for (let other = 0; other < 60; other += 1)
      await post(gateway, "/mcp/bad", callOf(`none-${other}`), bearer(planner));
    const written = (await recorded()).filter(
      ({ action, actor_name }) => action === "gateway.refused" && actor_name === planner.name,
    );
    expect(written).toHaveLength(20);
  });
});

describe("what somebody else was given", () => {
  it("an event's id takes up no stream but their own", async () => {
    const asked: (string | undefined)[] = [];
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      if (request.method === "GET") {
        asked.push(request.headers["last-event-id"] as string | undefined);
        response.writeHead(200, { "content-type": "text/event-stream" }).end("id: stream-1_7\ndata: \n\n");
        return;
      }
      const message = (await json(request)) as { id?: number; method: string };
      if (message.method !== "tools/call") {
        soundAnswer(message, response, [{ name: "echo", inputSchema: { type: "object" } }]);
        return;
      }
      const result = JSON.stringify({ jsonrpc: "2.0", id: message.id, result: { content: [] } });
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const piece of ["i", "d: stre", "am-9_1\nda", `ta: ${result}\n\n`]) response.write(piece);
      response.end();
    };
    const upstream = await listen((request, response) => void answer(request, response));
    const gateway = await startGateway([{ ...remote(upstream.url), id: "kit" }]);
    const [ana, bruno] = [await gateway.person("planner"), await gateway.person("planner")];
    const take = (person: Person, id?: string) =>
      fetch(`${gateway.url}/mcp/kit`, {
        headers: {
          ...bearer(person),
          accept: "text/event-stream",
          ...(id === undefined ? {} : { "last-event-id": id }),
        },
      });
    const ofStream = /^id: (.*)$/m.exec(await (await take(ana)).text())?.[1] ?? "";
    const called = await fetch(`${gateway.url}/mcp/kit`, {
      method: "POST",
      headers: {
        ...bearer(ana),
        accept: "application/json, text/event-stream",
        "content-type": "application/json",
      },
      body: JSON.stringify(callOf("echo")),
    });
    const ofCall = /^id: (.*)$/m.exec(await called.text())?.[1] ?? "";
    expect([ofStream, ofCall]).toEqual([
      expect.stringMatching(/^stream-1_7\../),
      expect.stringMatching(/^stream-9_1\../),
    ]);
    for (const id of [ofStream, ofCall]) {
      expect((await take(ana, id)).status).toBe(200);
      expect((await take(bruno, id)).status).toBe(404);
    }
    expect((await take(ana, "stream-1_7")).status).toBe(404);
    expect(asked.filter((id) => id !== undefined)).toEqual(["stream-1_7", "stream-9_1"]);
  });

  it("and ids alone are changed in a stream, however it is cut", () => {
    const event = fc.record({
      id: fc.option(fc.stringMatching(/^[\w é.-]{0,8}$/)),
      event: fc.option(fc.constantFrom("message", "ping")),
      message: fc.oneof(
        fc.record({
          jsonrpc: fc.constant("2.0"),
          id: fc.nat(),
          result: fc.dictionary(fc.string(), fc.string()),
        }),
        fc.constant({ jsonrpc: "2.0", method: "notifications/message", params: { data: "id: 5\n\nid: 6" } }),
        fc.constant(null),
      ),
      isPretty: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(event),
        fc.constantFrom("\n", "\r\n", "\r"),
        fc.array(fc.nat(40)),
        (events, end, cuts) => {
          const dataOf = ({ message, isPretty }: (typeof events)[number]): string =>
            message === null ? "" : JSON.stringify(message, null, isPretty ? 1 : 0);
          const lines = events.flatMap((each) => [
            ...(each.id === null ? [] : [`id: ${each.id}`]),
            ...(each.event === null ? [] : [`event: ${each.event}`]),
            ...dataOf(each)
              .split("\n")
              .map((line) => `data: ${line}`),
            "",
          ]);
          const text = lines.map((line) => line + end).join("");
          const filter = eventFilter(
            (said) => said,
            (id) => `<${id}>`,
          );
          let passed = "";
          let at = 0;
          for (const cut of [...cuts, text.length]) passed += filter(text.slice(at, (at += cut)));
          const read: EventSourceMessage[] = [];
          createParser({ onEvent: (each) => read.push(each) }).feed(passed);
          const sealed = (id: string): string => (id === "" ? "" : `<${id}>`);
          expect(read.map(({ id, event: type, data }) => ({ id, type, data }))).toEqual(
            events
              .filter((each) => each.event !== "ping")
              .map((each) => ({
                id: each.id === null ? undefined : sealed(each.id),
                type: each.event ?? undefined,
                data: dataOf(each),
              })),
          );
        },
      ),
    );
  });
});

describe("what is no message of the protocol", () => {
  it("is refused with what to write instead, and reaches no server", async () => {
    const { url, requests } = await modernEcho();
    const gateway = await startGateway([{ ...remote(url), id: "echo" }]);
    const person = await gateway.person("planner");
    const before = requests.length;
    const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "echo", arguments: {} } };
    for (const [message, says] of [
      [[call], /batches/],
      ["[", /no JSON/],
      [{ ...call, jsonrpc: undefined }, /jsonrpc must be/],
      [{ ...call, jsonrpc: "1.0" }, /jsonrpc must be/],
      [{ ...call, method: 7 }, /method must be a string/],
      [{ ...call, id: undefined }, /give the request one/],
      [{ jsonrpc: "2.0", result: {} }, /give the request one/],
      ...[null, true, 1.5, [1], { a: 1 }].map(
        (id) => [{ ...call, id }, /id must be a string, or a whole/] as const,
      ),
      [JSON.stringify(call).replace('"id":1', '"id":9007199254740993'), /whole number of at most/],
      [JSON.stringify(call).replace('"id":1', '"id":1e400'), /whole number of at most/],
    ] as const) {
      for (const path of ["/mcp/echo", "/mcp", "/mcp/ciclo"]) {
        const { status, body } = await post(gateway, path, message, bearer(person));
        expect([status, body.error?.message], `${path} ${JSON.stringify(message)}`).toEqual([
          400,
          expect.stringMatching(says),
        ]);
      }
    }
    expect(requests).toHaveLength(before);
    for (const id of [0, -1, "a", 9_007_199_254_740_991])
      expect((await post(gateway, "/mcp/echo", { ...call, id }, bearer(person))).body).toMatchObject({ id });
  });
});

describe("a session with a server that keeps state", () => {
  const stateful = (session?: "per_caller") => ({
    ...fixture("hands"),
    id: "stateful",
    ...(session === undefined ? {} : { session }),
  });
  /** What each of two people finds in the server's folder after the first has left a note there. */
  async function afterANote(session?: "per_caller"): Promise<string[]> {
    const gateway = await startGateway([stateful(session)]);
    const found: string[] = [];
    for (const path of ["/mcp/stateful", "/mcp"]) {
      const tool = path === "/mcp" ? "stateful__attempt" : "attempt";
      const [ana, bruno] = await Promise.all(
        ["planner", "planner"].map(async () =>
          clientAt(gateway, path, await gateway.person("planner"), "legacy"),
        ),
      );
      if (ana === undefined || bruno === undefined) throw new Error("nobody came");
      const home = await textOf(ana, tool, { what: "environment", name: "HOME" });
      await textOf(ana, tool, { what: "write", path: `${home}/note` });
      expect(await textOf(ana, tool, { what: "read", path: `${home}/note` })).toBe("here");
      const own = await textOf(bruno, tool, { what: "environment", name: "HOME" });
      found.push(await textOf(bruno, tool, { what: "list", path: own }));
    }
    await gateway.features.servers.workers.stop();
    return found;
  }

  it("is one that all share, unless each is to have their own", async () => {
    expect(await afterANote()).toEqual(["note", "note"]);
    expect(await afterANote("per_caller")).toEqual(["", ""]);
  });

  it("is shown, and a plan says what sharing it means", async () => {
    const gateway = await startGateway([stateful("per_caller")]);
    const planner = await gateway.person("planner");
    expect(await planner.client.call("getServer", { params: { id: "stateful" } })).toMatchObject({
      session: "per_caller",
    });
    const shared = await planWith(planner, "edit_server", {
      server: "stateful",
      changes: { session: "shared" },
    });
    expect(shared.plan.risks.map(({ title }) => title)).toContain(
      "All callers share one session of stateful: what one leaves there, others may see",
    );
  });
});

describe("what one caller may hold at once", () => {
  it("is bounded: streams, and resources that are followed", () => {
    const limits = new CallerLimits();
    const leave = Array.from({ length: 32 }, () => limits.enterStream("ana", "one"));
    expect(() => limits.enterStream("ana", "one")).toThrow(/32 open streams/);
    leave[0]?.();
    leave[0]?.();
    limits.enterStream("ana", "one");
    expect(() => limits.enterStream("ana", "one")).toThrow(/32 open streams/);
    for (const server of ["two", "three", "four"])
      for (let each = 0; each < 32; each += 1) limits.enterStream("ana", server);
    expect(() => limits.enterStream("ana", "five")).toThrow(/128 open streams/);
    expect(limits.enterStream("bruno", "one")).toBeTypeOf("function");

    const subscribe = (uri: string, method = "resources/subscribe") =>
      limits.follow({ jsonrpc: "2.0", method, params: { uri } }, "s");
    for (let each = 0; each < 200; each += 1) subscribe(`a:${each}`);
    subscribe("a:7");
    expect(() => subscribe("a:200")).toThrow(/200 resources/);
    subscribe("a:0", "resources/unsubscribe");
    subscribe("a:200");
    limits.forget("s");
    subscribe("a:201");
  });
});

/** A server that takes any key, until it is told to keep those who come with another one waiting. */
async function hangingEcho() {
  let hangs = false;
  const handle = toNodeHandler(createMcpHandler(() => echoServer({}), { legacy: "stateless" }));
  const { url } = await listen((request, response) => {
    if (!hangs || request.headers.authorization === "Bearer first") void handle(request, response);
  });
  return { url, hang: () => void (hangs = true) };
}
