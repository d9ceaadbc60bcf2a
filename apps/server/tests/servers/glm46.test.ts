import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { describe, expect, it } from "vitest";
import { whenFileEnds } from "../support/closing.ts";
import { newToolsAllowed, openPolicies } from "../support/config.ts";
import { eventually } from "../support/eventually.ts";
import { conformance, withToken } from "../support/mcp/conformance/suite.ts";
import { clientAt, startGateway } from "../support/mcp/gateway.ts";
import { event, modelDouble, send, stream } from "../support/model-double.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { callsIn } from "../support/usage.ts";

const program = fileURLToPath(
  new URL("../../../../packages/glm46-mcp-server/bin/glm46-mcp-server.mjs", import.meta.url),
);

type Mode = "modern" | "legacy";
type Result = { isError?: boolean; content: { text: string }[]; structuredContent?: Record<string, unknown> };
type Line = Record<string, unknown> & { metadata: Record<string, unknown> };

async function started(environment: Record<string, string> = {}, mode: Mode = "modern") {
  const model = await modelDouble();
  const logs = join(await temporaryFolder(), "glm46");
  const client = new Client(
    { name: "test", version: "1" },
    { versionNegotiation: { mode: mode === "modern" ? { pin: "2026-07-28" } : "legacy" } },
  );
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, "--stdio"],
    env: {
      ZHIPU_API_KEY: "key-0123456789abcdef",
      GLM46_CHAT_URL: `${model.url}/v1/chat/completions`,
      GLM46_EMBEDDING_URL: `${model.url}/v1/embeddings`,
      GLM46_LOG_DIR: logs,
      HOME: logs,
      ...environment,
    },
    stderr: "pipe",
  });
  await client.connect(transport);
  whenFileEnds(() => client.close());
  const call = (name: string, args: Record<string, unknown>, signal?: AbortSignal): Promise<Result> =>
    client.callTool({ name, arguments: args }, signal === undefined ? {} : { signal }) as Promise<never>;
  const lines = (): Line[] =>
    (existsSync(logs) ? readdirSync(logs, { withFileTypes: true }) : [])
      .filter((entry) => entry.isFile())
      .flatMap(({ name }) => readFileSync(join(logs, name), "utf8").trimEnd().split("\n"))
      .map((line) => JSON.parse(line) as Line);
  return { model, client, call, lines, logs };
}

const chat = (content = "Hello", more: Record<string, unknown> = {}) => ({
  messages: [{ role: "user", content }],
  ...more,
});
const prices = {
  GLM46_PRICE_INPUT_PER_1K: "0.0006",
  GLM46_PRICE_OUTPUT_PER_1K: "0.0022",
  GLM46_PRICE_EMBEDDING_PER_1K: "0.0001",
};

/** A console that starts the server from its registry, with its key from the store. */
async function behindTheConsole() {
  const model = await modelDouble();
  const logs = await temporaryFolder();
  const gateway = await startGateway(
    [
      {
        id: "glm46",
        title: "GLM-4.6",
        transport: "stdio",
        command: process.execPath,
        args: [program, "--stdio"],
        env: {
          ZHIPU_API_KEY: "secret:zhipu/API_KEY",
          GLM46_CHAT_URL: `${model.url}/v1/chat/completions`,
          GLM46_LOG_DIR: join(logs, "glm46"),
          ...prices,
        },
      },
    ],
    { ...openPolicies([process.execPath], [logs]), ...newToolsAllowed },
    { config: { mcpLogs: logs } },
  );
  const approver = await gateway.person("approver");
  await approver.client.call("addKey", {
    body: { provider: "zhipu", name: "API_KEY", value: "key-0123456789abcdef" },
  });
  await gateway.push({});
  return { gateway, person: await gateway.person("planner") };
}

describe.each<Mode>(["modern", "legacy"])("glm46-mcp-server, to a %s client", (mode) => {
  it("offers three tools, answers with what the model says, and leaves a line of telemetry for each call", async () => {
    const { model, client, call, lines } = await started(prices, mode);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(["glm46.chat", "glm46.embedding", "glm46.token_count"]);
    const answer = await call(
      "glm46.chat",
      chat("Hello", { route: "planner", experiment_cohort: "a", experiment_tag: "t" }),
    );
    expect(answer.structuredContent).toMatchObject({
      content: 'Hello, "usage":null',
      model: "glm-4.6",
      usage: { prompt_tokens: 1001, completion_tokens: 11, total_tokens: 1012 },
      usage_source: "provider",
    });
    expect(model.asked[0]).toMatchObject({
      headers: { authorization: "Bearer key-0123456789abcdef" },
      body: { model: "glm-4.6", stream: true, max_tokens: 1024, stream_options: { include_usage: true } },
    });
    await call("glm46.embedding", { input: ["a", "b"] });
    const counted = await call("glm46.token_count", { text: "twelve bytes" });
    expect(counted.structuredContent).toEqual({ tokens: 3, method: "heuristic" });
    expect(lines()).toMatchObject([
      {
        ts: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/),
        route: "planner",
        tool: "glm46.chat",
        tokens_in: 1001,
        tokens_out: 11,
        duration_ms: expect.any(Number),
        status: "success",
        cost_estimated_usd: 1.001 * 0.0006 + 0.011 * 0.0022,
        metadata: {
          usage: { prompt_tokens: 1001 },
          usage_source: "provider",
          response_id: "chatcmpl-00000000000000000001",
        },
        experiment_cohort: "a",
        experiment_tag: "t",
      },
      {
        route: null,
        tool: "glm46.embedding",
        tokens_in: 1002,
        tokens_out: 0,
        cost_estimated_usd: 1.002 * 0.0001,
      },
      { tool: "glm46.token_count", tokens_in: 3, cost_estimated_usd: 0 },
    ]);
    expect(JSON.stringify(lines())).not.toContain("Hello");
  });
});

describe("guard-rails of glm46-mcp-server", () => {
  it("deny before the call: too many tokens, too dear; by environment, policy and route", async () => {
    const home = await temporaryFolder();
    mkdirSync(join(home, ".mcp"));
    writeFileSync(
      join(home, ".mcp", "cost-policy.json"),
      JSON.stringify({
        defaults: { MAX_TOKENS: 50 },
        routes: { long: { server: "glm46", MAX_TOKENS: 5000, MAX_COST_USD: 0.001 } },
      }),
    );
    const { model, call, lines } = await started({ ...prices, HOME: home });
    const long = "x".repeat(4000);
    const denied = await call("glm46.chat", chat(long));
    expect(denied).toMatchObject({
      isError: true,
      content: [{ text: expect.stringMatching(/^MAX_TOKENS_EXCEEDED.*\(50\)/) }],
    });
    const dear = await call("glm46.chat", chat(long, { route: "long", max_tokens: 1000 }));
    expect(dear).toMatchObject({
      isError: true,
      content: [{ text: expect.stringMatching(/^BUDGET_EXCEEDED.*0\.001/) }],
    });
    expect((await call("glm46.chat", chat(long, { route: "long", max_tokens: 10 }))).isError).not.toBe(true);
    expect(model.asked).toHaveLength(1);
    expect(lines().slice(0, 2)).toMatchObject([
      { status: "denied", tokens_out: 0, metadata: { reason: "MAX_TOKENS_EXCEEDED", limit: 50 } },
      { status: "denied", route: "long", metadata: { reason: "BUDGET_EXCEEDED", limit: 0.001 } },
    ]);
    const strict = await started({ HOME: home, MAX_TOKENS: "2" });
    expect(
      (await strict.call("glm46.chat", chat("long enough", { route: "long" }))).content[0]?.text,
    ).toContain("(2)");
  });

  it("end a call that takes too long, and one that its caller cancels", async () => {
    const { model, call, lines } = await started({ TIMEOUT_S: "0.3001" });
    model.answer = () => true;
    const late = await call("glm46.chat", chat());
    expect(late).toMatchObject({ isError: true, content: [{ text: expect.stringMatching(/^TIMEOUT/) }] });
    expect(lines()).toMatchObject([{ status: "error", metadata: { reason: "TIMEOUT" } }]);
    const patient = await started();
    patient.model.answer = () => true;
    const leaving = new AbortController();
    const asked = patient.call("glm46.chat", chat(), leaving.signal);
    await eventually(
      () => Promise.resolve(patient.model.asked.length),
      (count) => count === 1,
    );
    leaving.abort();
    await expect(asked).rejects.toThrow(/abort/i);
    await eventually(
      () => Promise.resolve(patient.model.left()),
      (left) => left === 1,
    );
    const told = await eventually(
      () => Promise.resolve(patient.lines()),
      (found) => found.length > 0,
    );
    expect(told).toMatchObject([{ status: "error", metadata: { reason: "CANCELLED" } }]);
  });

  it("try again after 429 and 5xx only, and say what the API said, without the key", async () => {
    const { model, call, lines } = await started({ RETRY_MAX: "2" });
    const statuses = [429, 503];
    model.answer = (_, response) => {
      const status = statuses.shift();
      if (status === undefined) return false;
      response.writeHead(status, { "retry-after": "0" }).end("busy");
      return true;
    };
    expect((await call("glm46.chat", chat())).isError).not.toBe(true);
    expect(model.asked).toHaveLength(3);
    model.answer = ({ headers }, response) => {
      send(response, { error: `no: ${headers.authorization}` }, 401);
      return true;
    };
    const refused = await call("glm46.chat", chat());
    expect(refused).toMatchObject({ isError: true, content: [{ text: expect.stringContaining("401") }] });
    expect(JSON.stringify(refused)).not.toContain("key-0123456789abcdef");
    expect(model.asked).toHaveLength(4);
    expect(lines().at(-1)).toMatchObject({ status: "error", metadata: { reason: "HTTP_401" } });
    // The words are cut in the middle of the key.
    model.answer = ({ headers }, response) => {
      send(response, { error: `${"x".repeat(275)} ${headers.authorization}` }, 401);
      return true;
    };
    expect(JSON.stringify(await call("glm46.chat", chat()))).not.toContain("key-0");
  });

  it("notice an answer that breaks off, and read one that is no stream", async () => {
    const { model, call, lines } = await started();
    model.answer = (_, response) => {
      stream(response, [event({ id: "x", model: "m", choices: [{ index: 0, delta: { content: "half" } }] })]);
      return true;
    };
    expect((await call("glm46.chat", chat())).content[0]?.text).toContain("broke off");
    expect(lines()).toMatchObject([{ status: "error", tokens_out: 1 }]);
    model.answer = (_, response) => {
      send(response, {
        id: "x",
        model: "m",
        choices: [{ message: { content: "whole answer" }, finish_reason: "stop" }],
      });
      return true;
    };
    expect((await call("glm46.chat", chat())).structuredContent).toMatchObject({
      content: "whole answer",
      usage_source: "heuristic",
      usage: { completion_tokens: 3 },
      cost_estimated_usd: null,
    });
    model.answer = (_, response) => {
      send(response, { model: "m", data: [{ index: 0, embedding: [1, 2] }] });
      return true;
    };
    expect((await call("glm46.embedding", { input: "twelve bytes" })).structuredContent).toMatchObject({
      usage: { prompt_tokens: 3 },
      usage_source: "heuristic",
    });
    expect(lines().map(({ metadata }) => metadata["usage_source"])).toEqual([
      "heuristic",
      "heuristic",
      "heuristic",
    ]);
  });

  it("take an error for an error and vectors for their texts, whatever the status and the order", async () => {
    const { model, call, lines } = await started(prices);
    const answerWith = (body: unknown): void => {
      model.answer = (_, response) => {
        send(response, body);
        return true;
      };
    };
    for (const [body, says] of [
      [{ error: { code: "1113", message: "balance is used up" } }, /balance is used up/],
      [{}, /gave no answer/],
    ] as const) {
      answerWith(body);
      const failed = await call("glm46.chat", chat());
      expect(failed).toMatchObject({ isError: true, content: [{ text: expect.stringMatching(says) }] });
      expect(lines().at(-1)).toMatchObject({ status: "error" });
    }
    const vectors = (...data: { index: number; embedding: number[] }[]) => ({
      data,
      usage: { prompt_tokens: 2, total_tokens: 2 },
    });
    const embedded = () => call("glm46.embedding", { input: ["one", "two"] });
    answerWith(vectors({ index: 1, embedding: [2] }, { index: 0, embedding: [1] }));
    expect((await embedded()).structuredContent).toMatchObject({ embeddings: [[1], [2]] });
    for (const wrong of [vectors(), vectors({ index: 0, embedding: [1] }, { index: 0, embedding: [2] })]) {
      answerWith(wrong);
      expect(await embedded()).toMatchObject({
        isError: true,
        content: [{ text: expect.stringContaining("do not belong to the 2 texts") }],
      });
    }
  });

  it("stop the server at its start where a setting cannot be used, in one line", async () => {
    const folder = await temporaryFolder();
    writeFileSync(join(folder, "policy.json"), "{");
    for (const [environment, says] of [
      [{ MAX_TOKENS: "many" }, /^MAX_TOKENS takes a number/],
      [{ TIMEOUT_S: "0" }, /^TIMEOUT_S takes seconds above 0/],
      [{ TIMEOUT_S: "2147484" }, /^TIMEOUT_S takes seconds above 0/],
      [{ MCP_COST_POLICY_FILE: join(folder, "policy.json") }, /policy\.json is no JSON/],
      [{ MCP_COST_POLICY_FILE: join(folder, "none.json") }, /cannot be read/],
      [{ GLM46_TOKENIZER_JSON: join(folder, "policy.json") }, /^GLM46_TOKENIZER_JSON/],
    ] as const) {
      let failure: { status?: number; stderr?: string } = {};
      try {
        execFileSync(process.execPath, [program, "--stdio"], {
          env: environment,
          encoding: "utf8",
          stdio: ["ignore", "ignore", "pipe"],
        });
      } catch (error) {
        failure = error as never;
      }
      expect(failure.status).toBe(2);
      expect(failure.stderr).toMatch(says);
      expect(failure.stderr?.trim().split("\n")).toHaveLength(1);
    }
  });

  it("count with a tokenizer where one is named", async () => {
    const folder = await temporaryFolder();
    const tokenizer = join(folder, "tokenizer.json");
    writeFileSync(
      tokenizer,
      JSON.stringify({
        version: "1.0",
        added_tokens: [],
        normalizer: null,
        pre_tokenizer: { type: "Whitespace" },
        post_processor: null,
        decoder: null,
        model: { type: "WordLevel", vocab: { a: 0, "[UNK]": 1 }, unk_token: "[UNK]" },
      }),
    );
    const { call } = await started({ GLM46_TOKENIZER_JSON: tokenizer });
    const counted = await call("glm46.token_count", { text: "a long sentence of six words" });
    expect(counted.structuredContent).toEqual({ tokens: 6, method: "tokenizer" });
  });
});

describe("glm46-mcp-server behind the console", () => {
  it.each([
    [
      "2026-07-28",
      [
        "tools-list: 4 passed, 0 failed",
        "http-header-validation: 14 passed, 0 failed",
        "dns-rebinding-protection: 2 passed, 0 failed",
        "server-sse-multiple-streams: 1 passed, 0 failed",
        // What fails asks for tools of the suite's own, or for prompts and resources.
        "server-stateless: 24 passed, 4 failed",
        "caching: 4 passed, 3 failed",
      ],
    ],
    [
      "2025-11-25",
      [
        "server-initialize: 2 passed, 0 failed",
        "ping: 2 passed, 0 failed",
        "tools-list: 3 passed, 0 failed",
        "dns-rebinding-protection: 2 passed, 0 failed",
      ],
    ],
  ])(
    "passes the conformance scenarios of %s for what it offers, which is tools",
    async (revision, scores) => {
      const { gateway, person } = await behindTheConsole();
      const at = `${await withToken(gateway.url, person.token)}/mcp/glm46`;
      const printed = await conformance("server", "--url", at, "--requirements", revision);
      for (const score of scores) expect(printed).toContain(score);
    },
    120_000,
  );

  it("is started from the registry, called through the gateway, and its call counted once with its tokens", async () => {
    const { gateway, person } = await behindTheConsole();
    const client = await clientAt(gateway, "/mcp/glm46", person, "modern");
    const answer = await client.callTool({
      name: "glm46.chat",
      arguments: chat("Hello", { route: "planner" }),
    });
    expect(answer.isError).not.toBe(true);
    await gateway.ledger.flush();
    await gateway.ingest.read();
    const calls = (await callsIn(gateway.database.queries)).filter(
      ({ method }) => method === "tools/call" || method === null,
    );
    expect(calls).toMatchObject([
      {
        kind: "tool",
        source: "gateway",
        server: "glm46",
        tool: "glm46.chat",
        actor_name: person.name,
        phase: "planner",
        model: "glm-4.6",
        input: 901,
        cache_read: 100,
        output: 11,
        cost_source: "estimated",
      },
    ]);
    const report = await person.client.call("getUsage", {
      query: { group_by: "tool", tz: "UTC", tool: "glm46.chat" },
    });
    expect(report.total).toMatchObject({ calls: 1, output_tokens: 11 });
    expect(report.total.cost_usd).toBeCloseTo(1.001 * 0.0006 + 0.011 * 0.0022, 9);
  });
});
