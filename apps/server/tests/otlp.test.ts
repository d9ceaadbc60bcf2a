import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DatabaseSync } from "node:sqlite";
import { gzipSync } from "node:zlib";
import protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import { openSqliteDatabase } from "../src/db/dialect.ts";
import { eventually } from "./support/eventually.ts";
import { temporaryFolder } from "./support/temporary.ts";
import { startGateway, type TestGateway } from "./support/mcp/gateway.ts";
import { callsIn } from "./support/usage.ts";

const samples = fileURLToPath(new URL("data/otlp-samples", import.meta.url));

type Request = { path: string; body: unknown };
const requestsOf = (agent: string, file: string): Request[] =>
  readFileSync(join(samples, agent, file), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Request);

type Truth = {
  fresh: number;
  cacheRead: number;
  cw5?: number;
  cw1?: number;
  out: number;
  reasoning?: number;
};

/** What the wire says of a file: of calls that came to their end, and of all. */
function truthOf(agent: string, file: string): { whole: Truth[]; all: Truth[] } {
  const lines = readFileSync(join(samples, agent, "README.md"), "utf8").split("\n");
  const from = lines.findIndex((line) => line.startsWith(`- \`${file}\``));
  const calls: { status: unknown; usage: Truth }[] = [];
  for (const line of lines.slice(from + 1)) {
    if (!line.startsWith("  - ")) break;
    calls.push(JSON.parse(line.slice(4)) as never);
  }
  return {
    whole: calls.filter(({ status }) => status === 200).map(({ usage }) => usage),
    all: calls.map(({ usage }) => usage),
  };
}

const post = (
  { url }: TestGateway,
  token: string,
  { path, body }: Request,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(`${url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
    body: body instanceof Uint8Array ? body : JSON.stringify(body),
  });

const calls = async (gateway: TestGateway) => {
  await gateway.ledger.flush();
  return callsIn(gateway.database.queries);
};

const files = ["claude-code", "codex", "gemini-cli", "qwen-code", "copilot", "opencode"].flatMap((agent) =>
  readdirSync(join(samples, agent))
    .filter((file) => file.endsWith(".jsonl"))
    .map((file) => [agent, file] as const),
);

describe("what agents export", () => {
  it.each(files)(
    "by %s in %s is what the wire says, however often it is sent, and nothing but usage is kept",
    async (agent, file) => {
      const gateway = await startGateway([]);
      const person = await gateway.person("viewer");
      for (const prefix of ["", "/otlp", ""])
        for (const request of requestsOf(agent, file)) {
          const response = await post(gateway, person.token, {
            ...request,
            path: `${prefix}${request.path}`,
          });
          expect([response.status, await response.text()]).toEqual([200, "{}"]);
        }
      const rows = await calls(gateway);
      const told = rows.map((row) => ({
        fresh: row.input,
        cacheRead: row.cache_read,
        cw5: row.cache_write_short,
        cw1: row.cache_write_long,
        out: row.output,
        reasoning: row.reasoning,
      }));
      // The last call of opencode is not exported: it does not flush when it ends.
      const { whole } = truthOf(agent, file);
      const expected = agent === "opencode" ? whole.slice(0, -1) : whole;
      expect(told).toEqual(expected.map((truth) => ({ cw5: 0, cw1: 0, reasoning: 0, ...truth })));
      expect(new Set(rows.map(({ actor_name }) => actor_name))).toEqual(
        new Set(rows.length === 0 ? [] : [person.name]),
      );
      expect(JSON.stringify(rows)).not.toMatch(/loopback model|SCEN|command|REDACTED/);
    },
  );

  it("of all sessions of all agents in one console is all that the wire says, whatever ids come again", async () => {
    const gateway = await startGateway([]);
    const { token } = await gateway.person("viewer");
    const expected = new Map<string, number>();
    for (const [agent, file] of files) {
      for (const request of requestsOf(agent, file)) await post(gateway, token, request);
      const { whole } = truthOf(agent, file);
      const told = agent === "opencode" ? whole.slice(0, -1) : whole;
      const name = agent === "copilot" ? "copilot-cli" : agent;
      expected.set(name, (expected.get(name) ?? 0) + told.length);
    }
    const counts = new Map<string, number>();
    for (const { agent } of await calls(gateway)) counts.set(agent ?? "", (counts.get(agent ?? "") ?? 0) + 1);
    const named = [...expected].filter(([, count]) => count > 0);
    expect(Object.fromEntries(counts)).toEqual(Object.fromEntries(named));
  });

  it("of Codex is priced also where the beginning of a conversation comes behind its answers", async () => {
    const gateway = await startGateway([]);
    const { token } = await gateway.person("viewer");
    const record = (said: Record<string, string>) => ({
      observedTimeUnixNano: "1790000000943682000",
      attributes: Object.entries({ "conversation.id": "c", ...said }).map(([key, stringValue]) => ({
        key,
        value: { stringValue },
      })),
    });
    const logRecords = [
      record({
        "event.name": "codex.sse_event",
        "event.kind": "response.completed",
        model: "gpt-5.2",
        input_token_count: "1000",
        output_token_count: "10",
      }),
      record({ "event.name": "codex.conversation_starts", provider_name: "openai" }),
    ];
    const body = { resourceLogs: [{ resource: {}, scopeLogs: [{ logRecords }] }] };
    await post(gateway, token, { path: "/v1/logs", body });
    expect(await calls(gateway)).toMatchObject([{ provider: "openai", cost_source: "table" }]);
  });

  const claudeOf = (service: string, body: string, said: Record<string, string | number>) => ({
    resourceLogs: [
      {
        resource: { attributes: [{ key: "service.name", value: { stringValue: service } }] },
        scopeLogs: [
          {
            logRecords: [
              {
                timeUnixNano: "1790000000943682000",
                body: { stringValue: body },
                attributes: Object.entries({ "event.name": body.split(".")[1] ?? body, ...said }).map(
                  ([key, value]) => ({
                    key,
                    value: typeof value === "number" ? { intValue: value } : { stringValue: value },
                  }),
                ),
              },
            ],
          },
        ],
      },
    ],
  });

  it("is Claude Code's whatever a team calls the service, to the millisecond, with its tier; equal moments are two calls", async () => {
    const gateway = await startGateway([]);
    const { token } = await gateway.person("viewer");
    const used = { model: "claude-opus-5-5", input_tokens: 1000, output_tokens: 20, "session.id": "s" };
    for (const said of [
      { ...used, "event.sequence": 5, speed: "normal" },
      { ...used, "event.sequence": 7, speed: "fast" },
    ])
      for (let times = 0; times < 2; times += 1)
        await post(gateway, token, {
          path: "/v1/logs",
          body: claudeOf("team-claude", "claude_code.api_request", said),
        });
    expect(await calls(gateway)).toMatchObject([
      { agent: "claude-code", tier: null, cost_source: "table", at: "2026-09-21T14:13:20.943Z" },
      { agent: "claude-code", tier: "fast", cost_source: "unpriced", at: "2026-09-21T14:13:20.943Z" },
    ]);
  });

  it("may be packed, and in protobuf", async () => {
    const gateway = await startGateway([]);
    const { token } = await gateway.person("viewer");
    const logs = requestsOf("claude-code", "hello.jsonl").find(({ path }) => path === "/v1/logs");
    const packed = gzipSync(JSON.stringify(logs?.body));
    expect(
      (await post(gateway, token, { path: "/v1/logs", body: packed }, { "content-encoding": "gzip" })).status,
    ).toBe(200);
    expect(await calls(gateway)).toHaveLength(1);
    const { root } = protobuf.parse(`syntax = "proto3";
      message Any { oneof value { string stringValue = 1; bool boolValue = 2; int64 intValue = 3; double doubleValue = 4; } }
      message KeyValue { string key = 1; Any value = 2; }
      message Resource { repeated KeyValue attributes = 1; uint32 dropped = 2; }
      message Scope { string name = 1; }
      message Span { bytes traceId = 1; bytes spanId = 2; string traceState = 3; bytes parentSpanId = 4; string name = 5;
        int32 kind = 6; fixed64 startTimeUnixNano = 7; fixed64 endTimeUnixNano = 8; repeated KeyValue attributes = 9; }
      message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
      message ResourceSpans { Resource resource = 1; repeated ScopeSpans scopeSpans = 2; }
      message Traces { repeated ResourceSpans resourceSpans = 1; }`);
    const traces = root.lookupType("Traces");
    for (const { path, body } of requestsOf("copilot", "hello.jsonl").filter(
      (one) => one.path === "/v1/traces",
    )) {
      const sent = traces.encode(traces.fromObject(body as Record<string, unknown>)).finish();
      const response = await post(
        gateway,
        token,
        { path, body: sent },
        { "content-type": "application/x-protobuf" },
      );
      expect(response.headers.get("content-type")).toBe("application/x-protobuf");
      expect((await response.arrayBuffer()).byteLength).toBe(0);
    }
    expect((await calls(gateway)).map(({ agent, input }) => [agent, input])).toEqual([
      ["claude-code", 1007],
      ["copilot-cli", 1007],
    ]);
  });

  it("is answered at once, whatever keeps the database from taking it, and is not lost meanwhile", async () => {
    const file = join(await temporaryFolder(), "ciclo.db");
    const gateway = await startGateway([], {}, { database: await openSqliteDatabase(file) });
    const { token } = await gateway.person("viewer");
    const requests = requestsOf("claude-code", "hello.jsonl");
    // Whose token it is, is known from now on.
    expect((await post(gateway, token, { path: "/v1/logs", body: {} })).status).toBe(200);
    const other = new DatabaseSync(file);
    other.exec("begin immediate");
    for (const request of requests) expect((await post(gateway, token, request)).status).toBe(200);
    const journal = readdirSync(join(gateway.home, "calls")).map((name) =>
      readFileSync(join(gateway.home, "calls", name), "utf8"),
    );
    expect(journal.join("")).toContain('"agent":"claude-code"');
    expect(journal.join("")).not.toMatch(/loopback model|REDACTED/);
    other.exec("rollback");
    other.close();
    expect(await calls(gateway)).toHaveLength(truthOf("claude-code", "hello.jsonl").whole.length);
  });

  it("is refused where it cannot be read, is too large, or from nobody", async () => {
    const gateway = await startGateway([]);
    const { token } = await gateway.person("viewer");
    const of = (body: unknown, headers: Record<string, string> = {}) =>
      post(gateway, token, { path: "/v1/logs", body }, headers);
    expect((await of(Buffer.from("{"))).status).toBe(400);
    expect((await of([]))?.status).toBe(400);
    const metrics = (body: unknown) => post(gateway, token, { path: "/v1/metrics", body });
    expect((await metrics(Buffer.from("no json"))).status).toBe(400);
    expect((await metrics({ resourceMetrics: "none" })).status).toBe(400);
    expect((await metrics({ resourceMetrics: [] })).status).toBe(200);
    expect((await of({}, { "content-type": "text/plain" })).status).toBe(400);
    expect((await of(Buffer.from("no gzip"), { "content-encoding": "gzip" })).status).toBe(400);
    expect((await of(Buffer.alloc(17 * 1024 * 1024))).status).toBe(413);
    expect((await of(gzipSync(Buffer.alloc(20 * 1024 * 1024)), { "content-encoding": "gzip" })).status).toBe(
      413,
    );
    expect(
      (await of(Buffer.from([0xff, 0xff, 0xff]), { "content-type": "application/x-protobuf" })).status,
    ).toBe(400);
    expect((await post(gateway, "nobody", { path: "/v1/logs", body: {} })).status).toBe(401);
    expect((await fetch(`${gateway.url}/v1/logs`)).status).toBe(404);
    // The header as two agents send it that take it from a variable.
    const logs = requestsOf("claude-code", "hello.jsonl").find(({ path }) => path === "/v1/logs");
    expect((await of(logs?.body, { authorization: `Bearer%20${token}` })).status).toBe(200);
    const broken = JSON.parse(
      JSON.stringify(logs?.body)
        .replaceAll('"intValue":1007', '"intValue":-5')
        .replaceAll("req_loop", "req_other"),
    ) as unknown;
    const partly = await of(broken);
    expect([partly.status, await partly.json()]).toEqual([
      200,
      { partialSuccess: { rejectedLogRecords: "1", errorMessage: expect.stringContaining("1 with counts") } },
    ]);
    expect(
      await eventually(
        () => calls(gateway),
        (rows) => rows.length > 0,
      ),
    ).toHaveLength(1);
  });

  const spanOf = (id: string, attributes: Record<string, string | number>) => ({
    resourceSpans: [
      {
        resource: { attributes: [{ key: "service.name", value: { stringValue: "my-agent" } }] },
        scopeSpans: [
          {
            spans: [
              {
                traceId: "a",
                spanId: id,
                name: "chat gpt-5.2",
                endTimeUnixNano: `${Date.now()}000000`,
                attributes: Object.entries({
                  "gen_ai.operation.name": "chat",
                  "gen_ai.system": "openai",
                  "gen_ai.request.model": "gpt-5.2",
                  "gen_ai.usage.input_tokens": 10,
                  "gen_ai.usage.output_tokens": 1,
                  ...attributes,
                }).map(([key, value]) => ({
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

  it("is one call for each answer, whichever spans tell of it, and nobody takes another's place", async () => {
    const gateway = await startGateway([]);
    const [ana, bob] = [await gateway.person("viewer"), await gateway.person("viewer")];
    const send = (token: string, id: string, attributes: Record<string, string | number>) =>
      post(
        gateway,
        token,
        { path: "/v1/traces", body: spanOf(id, attributes) },
        { "content-encoding": "IDENTITY" },
      );
    const answer = "chatcmpl-0123456789abcdef";
    await send(ana.token, "1", { "gen_ai.response.id": answer });
    await send(ana.token, "2", { "gen_ai.response.id": answer });
    expect(await calls(gateway)).toMatchObject([
      { provider: "openai", cost_source: "table", actor_name: ana.name },
    ]);
    // The same span from another: a call of its own.
    await send(bob.token, "1", { "gen_ai.response.id": answer, "gen_ai.usage.input_tokens": 9000 });
    expect((await calls(gateway)).map(({ actor_name, input }) => [actor_name, input])).toEqual([
      [ana.name, 10],
      [bob.name, 9000],
    ]);
    // Long ids that begin alike are two.
    for (const end of ["a", "b"])
      await send(ana.token, end, { "gen_ai.response.id": `${"x".repeat(400)}${end}` });
    expect(await calls(gateway)).toHaveLength(4);
  });

  it("from a time whose calls are deleted is left out, and said to be", async () => {
    const gateway = await startGateway([]);
    const { token } = await gateway.person("viewer");
    await gateway.features.usage.service.purge(new Date(Date.now() + 60_000).toISOString(), 100);
    const response = await post(gateway, token, { path: "/v1/traces", body: spanOf("1", {}) });
    expect(await response.json()).toMatchObject({
      partialSuccess: { rejectedSpans: "1", errorMessage: expect.stringContaining("1 older") },
    });
    expect(await calls(gateway)).toEqual([]);
  });

  it("from more than a day ahead is left out: it would close a budget for everybody", async () => {
    const gateway = await startGateway([]);
    const { token } = await gateway.person("viewer");
    const body = JSON.parse(
      JSON.stringify(spanOf("1", {})).replace(
        /"endTimeUnixNano":"\d+"/,
        `"endTimeUnixNano":"${Date.UTC(2099, 0)}000000"`,
      ),
    ) as unknown;
    const response = await post(gateway, token, { path: "/v1/traces", body });
    expect(await response.json()).toMatchObject({ partialSuccess: { rejectedSpans: "1" } });
    expect(await calls(gateway)).toEqual([]);
  });
});
