import { type Endpoint, endpoints } from "@ciclo/contract";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { newToolsAllowed } from "../support/config.ts";
import { settableClock } from "../support/clock.ts";
import { type Person, problemOf } from "../support/console.ts";
import { eventually } from "../support/eventually.ts";
import { clientAt, startGateway, type TestGateway, textOf } from "../support/mcp/gateway.ts";
import { remote } from "../support/mcp/handshake.ts";
import { modernEcho } from "../support/mcp/http-servers.ts";
import { ask, calls, chatOf, endpointOf } from "../support/model-endpoint.ts";

const review = {
  run: "ci-4711",
  phase: "review",
  pull_request: "example/hub#12",
  sprint: "2026-S24",
  agent: "reviewer",
};
const bothAllowed = {
  "policies/access.yaml": stringify({
    id: "access",
    kind: "access",
    title: "Access",
    default: "deny",
    new_tools: "allow",
    unapproved_text: "pass",
    rules: [{ roles: ["planner"], servers: ["*"], tools: ["*"], models: ["*"], effect: "allow" }],
  }),
};
const tokenFor = ({ client }: Person, more: Record<string, unknown> = {}) =>
  client.call("createRunToken", { body: { ...review, ...more } });

/** Whether a token may still bring what it is for. */
const isTaken = async ({ url }: Pick<TestGateway, "url">, token: string): Promise<boolean> => {
  const { status } = await fetch(`${url}/otlp/v1/logs`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ resourceLogs: [] }),
  });
  expect([200, 401]).toContain(status);
  return status === 200;
};

/** What an agent exports of one call. */
const exported = (service: string, attributes: Record<string, string | number>) => ({
  resourceLogs: [
    {
      resource: { attributes: [{ key: "service.name", value: { stringValue: service } }] },
      scopeLogs: [
        {
          logRecords: [
            {
              timeUnixNano: `${Date.now()}000000`,
              attributes: Object.entries(attributes).map(([key, value]) => ({
                key,
                value: typeof value === "number" ? { intValue: value } : { stringValue: value },
              })),
            },
          ],
        },
      ],
    },
  ],
});
const claudeCall = (request_id: string, input_tokens: number) =>
  exported("claude-code", {
    "event.name": "api_request",
    model: "claude-opus-5-5",
    input_tokens,
    output_tokens: 10,
    "session.id": "s-1",
    request_id,
  });

const report = async ({ url }: Pick<TestGateway, "url">, { token }: { token: string }, body: unknown) => {
  const { status } = await fetch(`${url}/v1/logs`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(status).toBe(200);
};

describe("the token of a run", () => {
  it("has calls of models and tools, and exports of usage, counted for what the run is part of", async () => {
    const { url } = await modernEcho();
    const { gateway, person } = await endpointOf(bothAllowed, {}, [remote(url, { id: "hub" })]);
    const made = await tokenFor(person);
    expect(made).toMatchObject({ ...review, user: { id: person.id } });
    expect(made.token).toMatch(/^ciclo_run_[0-9a-f]{64}$/);
    expect((await ask(gateway, made, "openai/v1/chat/completions", chatOf())).status).toBe(200);
    const client = await clientAt(gateway, "/mcp/hub", made, "modern");
    expect(await textOf(client, "echo", { text: "hello" })).toContain("hello");
    await report(gateway, made, claudeCall("req_1", 100));
    const counted = await calls(gateway);
    expect(new Set(counted.map(({ source }) => source))).toEqual(new Set(["endpoint", "gateway", "otlp"]));
    for (const call of counted) {
      const { actor_id, run, phase, pull_request, sprint, agent } = call;
      expect({ actor_id, run, phase, pull_request, sprint, agent }).toEqual({
        actor_id: person.id,
        ...review,
      });
    }
    await gateway.ledger.flush();
    const { groups } = await person.client.call("getUsage", { query: { group_by: "run" } });
    expect(groups.map(({ key }) => key)).toEqual(["ci-4711"]);
    expect(groups[0]?.calls).toBe(counted.length);
  });

  it("tells calls of one user for two runs apart", async () => {
    const { gateway, person } = await endpointOf();
    for (const run of ["one", "two", "two"]) {
      const made = await tokenFor(person, { run });
      await ask(gateway, made, "openai/v1/chat/completions", chatOf());
    }
    await ask(gateway, person, "openai/v1/chat/completions", chatOf());
    expect((await calls(gateway)).map(({ run }) => run)).toEqual(["one", "two", "two", null]);
  });

  it("says nothing of calls of other runs; a call of its user's own that it reports is the run's", async () => {
    const { gateway, person } = await endpointOf();
    const [one, two] = [
      await person.client.call("createRunToken", { body: { run: "one" } }),
      await person.client.call("createRunToken", { body: { run: "two", phase: "build", sprint: "S2" } }),
    ];
    await report(gateway, one, claudeCall("req_1", 100_000));
    await report(gateway, two, claudeCall("req_1", 1));
    const answers: string[] = [];
    for (const token of [one, person]) {
      const answer = await ask(gateway, token, "openai/v1/chat/completions", chatOf());
      answers.push(((await answer.json()) as { id: string }).id);
    }
    // The same answers as another run, and as a run, tells of them.
    for (const response_id of answers)
      await report(
        gateway,
        two,
        exported("qwen-code", {
          "event.name": "qwen-code.api_response",
          model: "gpt-5.2",
          response_id,
          input_token_count: 5,
          output_token_count: 5,
          cached_content_token_count: 0,
          thoughts_token_count: 0,
          total_token_count: 10,
          "session.id": "q",
        }),
      );
    const counted = (await calls(gateway)).map(({ source, run, phase, sprint, input }) =>
      [source, run, phase, sprint, source === "otlp" ? input : ""].join(" "),
    );
    expect(counted.toSorted()).toEqual([
      "endpoint one   ",
      "endpoint two build S2 ",
      "otlp one   100000",
      "otlp two build S2 1",
      "otlp two build S2 5",
    ]);
  });

  it("names the program of its own calls, and no other run's", async () => {
    const { url } = await modernEcho();
    const gateway = await startGateway([remote(url, { id: "hub" })]);
    const person = await gateway.person("planner");
    const runs = [
      await tokenFor(person, { run: "a", agent: undefined }),
      await tokenFor(person, { run: "b", agent: undefined }),
    ];
    const clients = [];
    for (const [index, made] of runs.entries())
      clients.push(await clientAt(gateway, "/mcp/hub", made, "legacy", `program-${index}`));
    for (const client of clients) await textOf(client, "echo", { text: "x" });
    const called = (await calls(gateway)).filter(({ method }) => method === "tools/call");
    expect(called.map(({ run, agent }) => `${run} ${agent}`)).toEqual(["a program-0", "b program-1"]);
    // Refusals of one are on record beside those of the other.
    for (const client of clients)
      await expect(client.callTool({ name: "nosuch", arguments: {} })).rejects.toThrow(/nosuch/);
    await gateway.gateway.settled();
    const { items } = await person.client.call("listAudit", { query: { action: "gateway.refused" } });
    expect(new Set(items.map(({ metadata }) => metadata.run))).toEqual(new Set(["a", "b"]));
  });

  it("opens nothing else: no API, no session, and none of the console's own tools", async () => {
    const gateway = await startGateway([]);
    const all = await gateway.person("planner", "approver", "admin");
    const made = await tokenFor(all);
    const headers = { authorization: `Bearer ${made.token}`, "content-type": "application/json" };
    for (const [name, { method, path, access }] of Object.entries<Endpoint>(endpoints)) {
      if (access === "public") continue;
      const response = await fetch(`${gateway.url}/api/v1${path.replace(/\{\w+\}/g, "x")}`, {
        method,
        headers,
        ...(method === "GET" || method === "DELETE" ? {} : { body: "{}" }),
      });
      expect([name, response.status]).toEqual([name, 403]);
      expect(await response.json()).toMatchObject({
        code: "insufficient_permission",
        detail: expect.stringContaining("token of a run") as string,
      });
    }
    const { items } = await all.client.call("listAudit", { query: { action: "http.listKeys" } });
    expect(items).toMatchObject([{ actor_id: all.id, status: "refused", metadata: { run: "ci-4711" } }]);
    const signIn = gateway.clientOf().call("createSession", { body: { token: made.token } });
    expect(await problemOf(signIn)).toMatchObject({ code: "unauthenticated" });
    for (const path of ["/mcp", "/mcp/ciclo"]) {
      const own = await clientAt(gateway, path, made, "modern");
      expect((await own.listTools()).tools).toEqual([]);
      expect(await textOf(own, "ciclo_status")).toContain("token of a run");
      // Nor has the list of one become that of the other.
      const people = await clientAt(gateway, path, all, "modern");
      expect((await people.listTools()).tools.length).toBeGreaterThan(3);
    }
  });

  it("ends by its time, which is a day at most and no longer than its user's own", async () => {
    const clock = settableClock("2026-11-01T12:00:00.000Z");
    const gateway = await startGateway([], newToolsAllowed, { clock });
    const person = await gateway.person("viewer");
    const made = await tokenFor(person);
    expect(made.expires_at).toBe("2026-11-01T13:00:00.000Z");
    const far = tokenFor(person, { expires_at: "2026-11-02T12:00:01.000Z" });
    expect(await problemOf(far)).toMatchObject({ code: "invalid_payload", errors: [{ path: "expires_at" }] });
    const past = tokenFor(person, { expires_at: "2026-11-01T12:00:00.000Z" });
    expect(await problemOf(past)).toMatchObject({ code: "invalid_payload" });
    expect(await problemOf(tokenFor(person, { run: "two\nlines" }))).toMatchObject({
      code: "invalid_payload",
    });
    const admin = await gateway.person("admin");
    const { token } = await admin.client.call("rotateToken", {
      params: { id: person.id },
      body: { expires_at: "2026-11-01T12:10:00.000Z" },
    });
    const signedIn = await fetch(`${gateway.url}/api/v1/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token }),
    });
    const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
    const { csrf_token } = (await signedIn.json()) as { csrf_token: string };
    const short = await gateway.clientOf(token).call("createRunToken", { body: { run: "short" } });
    expect(short.expires_at).toBe("2026-11-01T12:10:00.000Z");
    expect(await isTaken(gateway, short.token)).toBe(true);
    clock.set("2026-11-01T12:10:00.000Z");
    await eventually(
      () => isTaken(gateway, short.token),
      (taken) => !taken,
    );
    // The session outlives the token by which it was opened.
    const late = await fetch(`${gateway.url}/api/v1/run-tokens`, {
      method: "POST",
      headers: { cookie, "x-ciclo-csrf": csrf_token, "content-type": "application/json" },
      body: JSON.stringify({ run: "late" }),
    });
    expect(await late.json()).toMatchObject({ code: "policy_denied" });
    const { items } = await admin.client.call("listRunTokens");
    expect(items.map(({ run }) => run)).not.toContain("short");
  });

  it.each([
    ["two lines", "two\nlines"],
    ["a separator of lines", "a\u2028b"],
    ["nothing that is seen", "\u200b"],
    ["another direction", "\u202eevil"],
    ["half of a character", "\ud800"],
    ["nothing", "  "],
    ["too much", "x".repeat(201)],
  ])("has no name that holds %s, and says so once", async (_, name) => {
    const gateway = await startGateway([]);
    const { client } = await gateway.person("viewer");
    for (const field of ["run", "phase"]) {
      const problem = await problemOf(client.call("createRunToken", { body: { run: "r", [field]: name } }));
      expect(problem).toMatchObject({ code: "invalid_payload", errors: [{ path: field }] });
    }
  });

  it("is no user's token by its form", async () => {
    const gateway = await startGateway([]);
    const { client } = await gateway.person("admin");
    const body = { name: "Bot", email: "bot@example.com", token: `ciclo_run_${"a".repeat(40)}` };
    expect(await problemOf(client.call("createUser", { body }))).toMatchObject({
      code: "invalid_payload",
      errors: [{ path: "token", message: expect.stringContaining("ciclo_run_") as string }],
    });
    const { status, detail } = await problemOf(gateway.clientOf(body.token).call("listKeys"));
    expect([status, detail]).toEqual([401, expect.stringContaining("ciclo run-token create")]);
  });

  it("ends at once by whoever made it and by admins, and with its user's access", async () => {
    const gateway = await startGateway([]);
    const [person, other, admin] = [
      await gateway.person("viewer"),
      await gateway.person("viewer"),
      await gateway.person("admin"),
    ];
    const [first, second, third] = [await tokenFor(person), await tokenFor(person), await tokenFor(person)];
    expect((await person.client.call("listRunTokens")).items.map(({ id }) => id)).toContain(first.id);
    expect((await other.client.call("listRunTokens")).items).toEqual([]);
    expect(JSON.stringify(await admin.client.call("listRunTokens"))).not.toContain(first.token);
    expect(await isTaken(gateway, first.token)).toBe(true);
    const end = ({ client }: Person, { id }: { id: string }) =>
      client.call("endRunToken", { params: { id } });
    expect(await problemOf(end(other, first))).toMatchObject({ code: "not_found" });
    await end(person, first);
    expect(await isTaken(gateway, first.token)).toBe(false);
    await end(admin, second);
    expect(await isTaken(gateway, second.token)).toBe(false);
    expect(await isTaken(gateway, third.token)).toBe(true);
    const rotated = await admin.client.call("rotateToken", { params: { id: person.id }, body: {} });
    expect(await isTaken(gateway, third.token)).toBe(false);
    const fourth = await gateway.clientOf(rotated.token).call("createRunToken", { body: review });
    await admin.client.call("disableUser", { params: { id: person.id } });
    await admin.client.call("enableUser", { params: { id: person.id } });
    expect(await isTaken(gateway, fourth.token)).toBe(false);
    const { items } = await admin.client.call("listAudit", { query: { action: "token.run_ended" } });
    expect(items.map(({ metadata }) => metadata.run)).toEqual(["ci-4711", "ci-4711"]);
    expect(JSON.stringify(await admin.client.call("listAudit", { query: {} }))).not.toContain(first.token);
  });

  it("is not made by whoever loses their own at the same moment", async () => {
    const gateway = await startGateway([]);
    const [person, admin] = [await gateway.person("viewer"), await gateway.person("admin")];
    const asked = (n: number) =>
      tokenFor(person, { run: `r${n}` }).then(
        ({ token }) => token,
        () => null,
      );
    const before = Array.from({ length: 10 }, (_, n) => asked(n));
    const rotating = admin.client.call("rotateToken", { params: { id: person.id }, body: {} });
    const made = await Promise.all([...before, ...Array.from({ length: 10 }, (_, n) => asked(10 + n))]);
    await rotating;
    for (const token of made) if (token !== null) expect(await isTaken(gateway, token)).toBe(false);
    expect((await admin.client.call("listRunTokens")).items).toEqual([]);
  });

  it("that ends while an answer streams ends the answer", async () => {
    const { gateway, person, model } = await endpointOf();
    const made = await tokenFor(person);
    await gateway.features.access.workers.start();
    model.answer = (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`data: ${JSON.stringify({ id: "x", model: "gpt-5.2", choices: [] })}\n\n`);
      return true;
    };
    const streaming = await ask(gateway, made, "openai/v1/chat/completions", chatOf({ stream: true }));
    const ended = streaming.text().then(
      () => "ended",
      () => "cut off",
    );
    await person.client.call("endRunToken", { params: { id: made.id } });
    expect(await ended).toBe("cut off");
    await gateway.features.access.workers.stop();
  });
});
