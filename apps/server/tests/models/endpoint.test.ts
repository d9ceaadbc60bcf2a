import { request as httpRequest } from "node:http";
import { stringify } from "yaml";
import { describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { type Answering, event, send, stream } from "../support/model-double.ts";
import type { Person } from "../support/console.ts";
import type { TestGateway } from "../support/mcp/gateway.ts";
import { ask, calls, chatOf, endpointOf, lastCall, messageOf } from "../support/model-endpoint.ts";

describe("a call of a model through the console", () => {
  it("takes keys that the list of keys and their revocation show as taken", async () => {
    const { approver } = await endpointOf({
      "policies/notify.yaml": stringify({
        id: "notify",
        kind: "notify",
        title: "Notify",
        webhooks: [{ id: "team", url: "secret:google/API_KEY" }],
      }),
    });
    const keys = async () => (await approver.client.call("listKeys")).items;
    expect(
      (await keys()).map(({ reference, used_by, used_by_models, used_by_webhooks }) => ({
        reference,
        used_by,
        used_by_models,
        used_by_webhooks,
      })),
    ).toEqual(
      ["anthropic", "google", "openai"].map((id) => ({
        reference: `secret:${id}/API_KEY`,
        used_by: [],
        used_by_models: [id],
        used_by_webhooks: id === "google" ? ["team"] : [],
      })),
    );
    const params = { provider: "openai", name: "API_KEY" };
    await approver.client.call("revokeKey", { params });
    const [revoked] = (await approver.client.call("listAudit", { query: { action: "key.revoked" } })).items;
    expect(revoked?.metadata).toMatchObject({ used_by: [], used_by_models: ["openai"] });
  });

  it.each([
    ["openai/v1/chat/completions", chatOf(), { input: 901, cache_read: 100, output: 11 }, "chat/completions"],
    [
      "openai/v1/responses",
      { model: "gpt-5.2", input: "Hello" },
      { input: 1001, output: 11, reasoning: 2 },
      "responses",
    ],
    [
      "openai/v1/embeddings",
      { model: "text-embedding-3-small", input: "x" },
      { input: 1001, output: 0 },
      "embeddings",
    ],
    [
      "anthropic/v1/messages?beta=true",
      messageOf(),
      { input: 1001, cache_read: 200, cache_write_short: 46, cache_write_long: 24, output: 11 },
      "messages",
    ],
    [
      "google/v1beta/models/gemini-2.5-pro:generateContent",
      { contents: [] },
      { input: 701, cache_read: 300, output: 11, reasoning: 3 },
      "generateContent",
    ],
  ])("is answered as the provider does, and metered: %s", async (path, body, tokens, method) => {
    const { model, gateway, person } = await endpointOf();
    const streams = [false, ...(method === "embeddings" ? [] : [true])];
    for (const isStream of streams) {
      const asked = isStream && method !== "generateContent" ? { ...body, stream: true } : body;
      const to = isStream ? path.replace(":generateContent", ":streamGenerateContent?alt=sse") : path;
      const direct = await fetch(`${model.url}/${to.replace(/^openai\/|^anthropic\/|^google\//, "")}`, {
        method: "POST",
        body: JSON.stringify(asked),
      });
      const [expected] = [await direct.text()];
      model.asked.length = 0;
      const response = await ask(gateway, person, to, asked);
      const text = await response.text();
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe(direct.headers.get("content-type"));
      // The double counts up; all else is byte for byte what it says.
      const numbers = (said: string): string => said.replace(/\d+/g, "0");
      expect(numbers(text)).toBe(numbers(expected));
      expect(model.asked).toHaveLength(1);
      const [sent] = model.asked;
      expect(JSON.stringify(sent?.headers)).not.toContain(person.token);
      expect(JSON.stringify(sent?.headers)).toContain(`key-of-${path.split("/")[0]}`);
      const call = await lastCall(gateway);
      const [, ...billed] = model.billed.splice(0);
      expect(call).toMatchObject({
        kind: "model",
        source: "endpoint",
        actor_name: person.name,
        status: "ok",
        method: isStream && method === "generateContent" ? "streamGenerateContent" : method,
        cost_source: "table",
        output: tokens.output === 0 ? 0 : billed[0]?.output,
      });
      const input = (call?.input ?? 0) + (call?.cache_read ?? 0);
      expect(input).toBe((billed[0]?.input ?? 0) + (path.startsWith("anthropic") ? 200 : 0));
      expect(call?.cache_write_long).toBe("cache_write_long" in tokens ? 24 : 0);
    }
  });

  it("of Gemini's embeddings is estimated where the API says nothing of usage, and counting tokens is free", async () => {
    const { model, gateway, person } = await endpointOf();
    const asked = { content: { parts: [{ text: "Hello" }] } };
    model.answer = ({ path }, response) => {
      send(
        response,
        path.endsWith(":countTokens")
          ? { totalTokens: 7, promptTokensDetails: [{ modality: "TEXT", tokenCount: 7 }] }
          : path.endsWith(":embedContent")
            ? { embedding: { values: [0.1] } }
            : { embeddings: [{ values: [0.1] }], usageMetadata: { promptTokenCount: 9 } },
      );
      return true;
    };
    const at = (name: string, verb: string) => `google/v1beta/models/${name}:${verb}`;
    const embedding = "gemini-embedding-001";
    const requests = { requests: [{ model: `models/${embedding}`, ...asked }] };
    for (const [to, body, answer] of [
      [at("gemini-2.5-pro", "countTokens"), { contents: [asked.content] }, { totalTokens: 7 }],
      [at(embedding, "embedContent"), asked, { embedding: { values: [0.1] } }],
      [at(embedding, "batchEmbedContents"), requests, { embeddings: [{ values: [0.1] }] }],
    ] as const) {
      const response = await ask(gateway, person, to, body);
      expect(await response.json()).toMatchObject(answer);
    }
    const bytes = JSON.stringify(asked).length;
    expect(await calls(gateway)).toMatchObject([
      { method: "countTokens", input: null, cost_source: "none" },
      { method: "embedContent", input: Math.ceil(bytes / 4), output: 0, cost_source: "estimated" },
      { method: "batchEmbedContents", input: 9, output: 0, cost_source: "table" },
    ]);
  });

  it("is known by its caller's token wherever clients put it, and refused without one", async () => {
    const { gateway, person, model } = await endpointOf();
    const body = JSON.stringify({ contents: [] });
    const to = `${gateway.url}/llm/google/v1beta/models/gemini-2.5-pro:generateContent`;
    for (const [url, headers] of [
      [to, { "x-goog-api-key": person.token }],
      [to, { "x-api-key": person.token }],
      [`${to}?key=${person.token}`, {}],
    ] as const) {
      expect((await fetch(url, { method: "POST", headers, body })).status).toBe(200);
      expect(JSON.stringify(model.asked.at(-1))).not.toContain(person.token);
    }
    const refused = await fetch(to, { method: "POST", body });
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({
      code: "unauthenticated",
      error: { code: 401, status: "UNAUTHENTICATED" },
    });
  });

  it("is refused by policy before it is sent: roles, models, providers", async () => {
    const { gateway, person, model } = await endpointOf();
    const viewer = await gateway.person("viewer");
    const refusals = [
      await ask(gateway, viewer, "openai/v1/chat/completions", chatOf()),
      await ask(gateway, person, "openai/v1/chat/completions", chatOf({ model: "o9-secret" })),
    ];
    for (const response of refusals) {
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({
        code: "policy_denied",
        error: {
          message: expect.stringMatching(/^policies\/access.yaml, default: .* may not use the model/),
        },
      });
    }
    expect(model.asked).toEqual([]);
  });

  it.each([
    ["POST", "openai/v1/batches"],
    ["POST", "openai/v1/files"],
    ["POST", "openai/v1/images/generations"],
    ["POST", "openai/v1/audio/speech"],
    ["POST", "openai/v1/analytics/codex/turn-costs"],
    ["POST", "anthropic/v1/messages/batches"],
    ["POST", "google/v1beta/models/gemini-2.5-pro:batchGenerateContent"],
    ["POST", "google/upload/v1beta/files"],
    ["GET", "anthropic/v1/../v1/files"],
    ["POST", "nobody/v1/chat/completions"],
  ])("is refused where it cannot be metered: %s %s", async (method, path) => {
    const { gateway, person, model } = await endpointOf();
    const response = await fetch(`${gateway.url}/llm/${path}`, {
      method,
      headers: { authorization: `Bearer ${person.token}` },
      ...(method === "POST" ? { body: "{}" } : {}),
    });
    expect(response.status).toBe(404);
    expect(model.asked).toEqual([]);
  });

  it("costs nothing where it only counts or lists", async () => {
    const { gateway, person } = await endpointOf();
    const counted = await ask(gateway, person, "anthropic/v1/messages/count_tokens", messageOf());
    expect(await counted.json()).toEqual({ input_tokens: 77 });
    expect((await ask(gateway, person, "openai/v1/models")).status).toBe(200);
    expect(await calls(gateway)).toMatchObject([
      { method: "messages/count_tokens", cost_source: "none", input: null },
      { method: "models", cost_source: "none", input: null },
    ]);
  });

  it("without usage asked for: it is asked for, and taken out again; nothing else is touched", async () => {
    const { gateway, person, model } = await endpointOf();
    const without = await (
      await ask(gateway, person, "openai/v1/chat/completions", chatOf({ stream: true }))
    ).text();
    expect(model.asked.at(-1)?.body["stream_options"]).toEqual({ include_usage: true });
    expect(without).toContain("[DONE]");
    expect(without).toContain('"usage\\":null');
    expect(without.replace('"usage\\":null', "")).not.toContain("usage");
    const own = { stream: true, stream_options: { include_usage: true } };
    const asked = await (await ask(gateway, person, "openai/v1/chat/completions", chatOf(own))).text();
    expect(asked).toContain('"prompt_tokens"');
    expect((await calls(gateway)).map(({ cost_source, output }) => [cost_source, output])).toEqual([
      ["table", 11],
      ["table", 12],
    ]);
  });

  it("keeps its explicit zero, and is unknown where nobody says", async () => {
    const { gateway, person, model } = await endpointOf();
    model.answer = (_, response) => {
      send(response, {
        id: "x",
        model: "gpt-5.2",
        choices: [{ message: { content: "" } }],
        usage: { prompt_tokens: 0, completion_tokens: 0 },
      });
      return true;
    };
    await ask(gateway, person, "openai/v1/chat/completions", chatOf());
    model.answer = (_, response) => {
      send(response, {
        id: "x",
        model: "gpt-5.2",
        choices: [{ message: { content: "four times five is twenty" } }],
      });
      return true;
    };
    await ask(gateway, person, "openai/v1/chat/completions", chatOf());
    model.answer = (_, response) => {
      send(response, { id: "x" });
      return true;
    };
    await ask(gateway, person, "openai/v1/chat/completions", chatOf());
    model.answer = (_, response) => {
      send(response, {
        id: "x",
        model: "gpt-5.2",
        choices: [{ message: { content: "abcd" } }],
        usage: { prompt_tokens: -5, completion_tokens: 1e15 },
      });
      return true;
    };
    await ask(gateway, person, "openai/v1/chat/completions", chatOf());
    expect(await calls(gateway)).toMatchObject([
      { cost_source: "table", cost_nano_usd: 0, input: 0, output: 0 },
      { cost_source: "estimated", output: Math.ceil("four times five is twenty".length / 4) },
      { cost_source: "unknown", cost_nano_usd: null, input: null },
      { cost_source: "estimated", output: 1, error: expect.stringContaining("prompt_tokens is -5") },
    ]);
  });

  it("whose stream breaks off is partial: what its beginning said, and what was delivered", async () => {
    const { gateway, person, model } = await endpointOf();
    model.answer = (_, response) => {
      const usage = { input_tokens: 500, cache_read_input_tokens: 50, output_tokens: 1 };
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(
        event(
          {
            type: "message_start",
            message: { id: "msg_00000000000000000001", model: "claude-opus-5-5", usage },
          },
          "message_start",
        ),
      );
      response.write(
        event(
          { type: "content_block_delta", delta: { type: "text_delta", text: "x".repeat(400) } },
          "content_block_delta",
        ),
        () => response.destroy(),
      );
      return true;
    };
    const response = await ask(gateway, person, "anthropic/v1/messages", messageOf({ stream: true }));
    await expect(response.text()).rejects.toThrow(/terminated/);
    expect(
      await eventually(
        () => lastCall(gateway),
        (call) => call !== undefined,
      ),
    ).toMatchObject({
      status: "partial",
      input: 500,
      cache_read: 50,
      output: 100,
      cost_source: "estimated",
    });
  });

  it("ends with its caller: the provider is told, and what was delivered is counted", async () => {
    const { gateway, person, model } = await endpointOf();
    model.answer = (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(
        event({ id: "chatcmpl-1", model: "gpt-5.2", choices: [{ delta: { content: "y".repeat(80) } }] }),
      );
      return true;
    };
    const leaving = new AbortController();
    const response = await fetch(`${gateway.url}/llm/openai/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${person.token}` },
      body: JSON.stringify(chatOf({ stream: true })),
      signal: leaving.signal,
    });
    await response.body?.getReader().read();
    leaving.abort();
    await eventually(
      () => Promise.resolve(model.left()),
      (left) => left === 1,
    );
    expect(
      await eventually(
        () => lastCall(gateway),
        (call) => call !== undefined,
      ),
    ).toMatchObject({
      status: "partial",
      output: 20,
      cost_source: "estimated",
    });
  });

  it.each([
    ["up to what was asked for", 50, 50],
    ["for as long as its caller waited", 100_000, 60],
  ])("that comes in one piece and is left was being written meanwhile, %s", async (_, max_tokens, least) => {
    const { gateway, person, model } = await endpointOf();
    model.answer = () => true;
    const leaving = new AbortController();
    const asking = fetch(`${gateway.url}/llm/openai/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${person.token}` },
      body: JSON.stringify(chatOf({ max_tokens })),
      signal: leaving.signal,
    });
    const now = () => Promise.resolve(model.asked.length === 0 ? Infinity : performance.now());
    const askedAt = await eventually(now, Number.isFinite);
    await eventually(now, (at) => at > askedAt + 300);
    leaving.abort();
    await expect(asking).rejects.toMatchObject({ name: "AbortError" });
    const call = await eventually(
      () => lastCall(gateway),
      (found) => found !== undefined,
    );
    expect(call).toMatchObject({ status: "cancelled", cost_source: "estimated" });
    expect(call?.output).toBeGreaterThanOrEqual(least);
    expect(call?.output).toBeLessThanOrEqual(max_tokens);
  });

  it.each(["incomplete", "failed"])("reads the usage of a stream that ends as %s", async (status) => {
    const { gateway, person, model } = await endpointOf();
    model.answer = (_, response) => {
      const usage = { input_tokens: 300, output_tokens: 30, total_tokens: 330 };
      stream(response, [
        event({
          type: `response.${status}`,
          response: { id: "resp_00000000000000000001", model: "gpt-5.2", status, usage },
        }),
      ]);
      return true;
    };
    await (
      await ask(gateway, person, "openai/v1/responses", { model: "gpt-5.2", input: "x", stream: true })
    ).text();
    expect(await lastCall(gateway)).toMatchObject({ input: 300, output: 30, cost_source: "table" });
  });

  it("has a row for each attempt that its provider bills", async () => {
    const { gateway, person, model } = await endpointOf();
    model.answer = (_, response) => {
      send(response, {
        id: "msg_00000000000000000001",
        model: "claude-sonnet-4-5",
        content: [],
        usage: {
          input_tokens: 300,
          output_tokens: 60,
          iterations: [
            { type: "message", model: "claude-opus-5-5", input_tokens: 100, output_tokens: 10 },
            { type: "fallback_message", model: "claude-sonnet-4-5", input_tokens: 200, output_tokens: 50 },
          ],
        },
      });
      return true;
    };
    await ask(gateway, person, "anthropic/v1/messages", messageOf());
    const rows = await calls(gateway);
    expect(rows).toMatchObject([
      { model: "claude-opus-5-5", input: 100, attempt: 1, cost_nano_usd: 100 * 4000 + 10 * 20_000 },
      { model: "claude-sonnet-4-5", input: 200, attempt: 2, cost_nano_usd: 200 * 3000 + 50 * 15_000 },
    ]);
    expect(rows[0]?.operation).toBe(rows[1]?.operation);
    expect(rows[0]?.operation).not.toBeNull();
  });

  it("is a call of its own, whatever id its provider gives it", async () => {
    const { gateway, person, model } = await endpointOf();
    model.answer = (_, response) => {
      const usage = { prompt_tokens: 10, completion_tokens: 1 };
      send(response, { id: "chatcmpl-00000000000000000000", model: "gpt-5.2", choices: [], usage });
      return true;
    };
    await Promise.all(
      Array.from({ length: 20 }, () => ask(gateway, person, "openai/v1/chat/completions", chatOf())),
    );
    await gateway.ledger.flush();
    await ask(gateway, person, "openai/v1/chat/completions", chatOf());
    expect(await calls(gateway)).toHaveLength(21);
  });

  it("in the background is charged once, when an answer says what it used, however often that is asked for", async () => {
    const { gateway, person, model } = await endpointOf();
    const queued = { id: "resp_00000000000000000007", object: "response", model: "gpt-5.2" };
    model.answer = ({ method, path }, response) => {
      if (method === "POST") send(response, { ...queued, status: "queued", output: [], usage: null });
      else if (path.includes("resp_0")) {
        const usage = { input_tokens: 400, output_tokens: 40, total_tokens: 440 };
        send(response, { ...queued, status: "completed", output: [], usage });
      } else {
        const usage = { input_tokens: 9, output_tokens: 9, total_tokens: 18 };
        send(response, { ...queued, id: "resp_10000000000000000000", status: "completed", usage });
      }
      return true;
    };
    await ask(gateway, person, "openai/v1/responses", { model: "gpt-5.2", input: "x", background: true });
    // Until then it counts with all that it may use.
    expect(await calls(gateway)).toMatchObject([{ cost_source: "estimated", output: 4096 }]);
    for (let count = 0; count < 3; count += 1) {
      expect((await ask(gateway, person, "openai/v1/responses/resp_00000000000000000007")).status).toBe(200);
      const unknown = await ask(gateway, person, "openai/v1/responses/resp_10000000000000000000");
      expect(unknown.status).toBe(404);
      expect(await calls(gateway)).toMatchObject([
        {
          cost_source: "table",
          input: 400,
          output: 40,
          cost_nano_usd: 400 * 1750 + 40 * 14_000,
          method: "responses",
        },
      ]);
    }
  });

  it("has the tier that the answer says, and the cost that the provider states", async () => {
    const { gateway, person, model } = await endpointOf();
    await ask(gateway, person, "openai/v1/responses", { model: "gpt-5.2", input: "x", service_tier: "flex" });
    model.answer = (_, response) => {
      send(response, {
        id: "gen-1",
        model: "gpt-5.2",
        choices: [],
        usage: { prompt_tokens: 10, completion_tokens: 1, cost: 0.0123 },
      });
      return true;
    };
    await ask(gateway, person, "openai/v1/chat/completions", chatOf());
    expect(await calls(gateway)).toMatchObject([
      { tier: "flex", cost_nano_usd: (1001 * 1750 + 11 * 14_000) / 2 },
      { cost_nano_usd: 12_300_000, cost_source: "provider" },
    ]);
  });

  it("that the provider refuses or never answers costs nothing, or is unknown; and says so", async () => {
    const { gateway, person, model } = await endpointOf();
    model.answer = (_, response) => {
      send(response, { error: { message: "slow down" } }, 429);
      return true;
    };
    expect((await ask(gateway, person, "openai/v1/chat/completions", chatOf())).status).toBe(429);
    model.answer = (_, response) => {
      response.destroy();
      return true;
    };
    const failed = await ask(gateway, person, "openai/v1/chat/completions", chatOf());
    expect(failed.status).toBe(502);
    expect(await failed.json()).toMatchObject({
      code: "upstream_failed",
      error: { message: expect.stringContaining("openai") },
    });
    expect(await calls(gateway)).toMatchObject([
      { status: "error", cost_source: "none" },
      { status: "error", cost_source: "unknown" },
    ]);
    // What failed under way may be billed; the client says which attempt at the answer it is.
    for (const [attempt, status] of [500, 504, 529].entries()) {
      model.answer = (_, response) => {
        send(response, { error: { message: "it broke" } }, status);
        return true;
      };
      const response = await fetch(`${gateway.url}/llm/openai/v1/chat/completions`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${person.token}`,
          "x-stainless-retry-count": String(attempt),
        },
        body: JSON.stringify(chatOf()),
      });
      expect(response.status).toBe(status);
    }
    const [first, ...more] = (await calls(gateway)).slice(2);
    expect([first, ...more]).toMatchObject([
      { status: "error", cost_source: "unknown", attempt: 1 },
      { status: "error", cost_source: "unknown", attempt: 2 },
      { status: "error", cost_source: "none", attempt: 3 },
    ]);
    // Three attempts at one answer.
    expect(new Set([first, ...more].map((row) => row?.operation))).toEqual(new Set([first?.key]));
  });

  it("is tied to the attempt before it by what was sent, and to no other call", async () => {
    const { gateway, person, model } = await endpointOf();
    const post = (body: object, attempt: number) =>
      fetch(`${gateway.url}/llm/openai/v1/chat/completions`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${person.token}`,
          "x-stainless-retry-count": String(attempt),
        },
        body: JSON.stringify(body),
      });
    model.answer = (_, response) => {
      send(response, { error: { message: "it broke" } }, 503);
      return true;
    };
    await post(chatOf({ user: "one" }), 0);
    await post(chatOf({ user: "two" }), 0);
    model.answer = () => false;
    await post(chatOf({ user: "one" }), 1);
    await post(chatOf({ user: "three" }), 1);
    await post(chatOf({ user: "one" }), 0);
    const rows = await calls(gateway);
    const [one, two] = rows.map(({ key }) => key);
    expect(rows.map(({ operation, status }) => [operation, status])).toEqual([
      [one, "error"],
      [two, "error"],
      [one, "ok"],
      [null, "ok"],
      [null, "ok"],
    ]);
  });

  it("is refused with 402 before it is sent once its budget is spent, in each API's own form", async () => {
    const { gateway, person, model } = await endpointOf({
      "policies/budget.yaml": stringify({
        id: "budget",
        kind: "budget",
        title: "Budget",
        limits: { daily_usd: 0.03 },
        on_exceeded: "block",
      }),
    });
    const asked = { ...chatOf(), max_tokens: 1000 };
    const responses = await Promise.all(
      Array.from({ length: 64 }, () => ask(gateway, person, "openai/v1/chat/completions", asked)),
    );
    const passed = responses.filter(({ status }) => status === 200).length;
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200, 402]));
    expect(model.asked).toHaveLength(passed);
    const first = (await calls(gateway)).reduce((sum, { cost_nano_usd }) => sum + (cost_nano_usd ?? 0), 0);
    // No more than one call over, with the 1000 tokens that it might have written.
    expect(first).toBeLessThanOrEqual(30_000_000 + 1000 * 14_000 + 1_000_000);
    model.answer = (_, response) => {
      send(response, {
        id: "x",
        model: "gpt-5.2",
        choices: [],
        usage: { prompt_tokens: 20_000, completion_tokens: 1000 },
      });
      return true;
    };
    await ask(gateway, person, "openai/v1/chat/completions", asked);
    const where =
      /^policies\/budget.yaml, limits.daily_usd: 0.0\d+ USD of 0.03 USD are spent\. A planner may plan a higher limit \(.*\/assistant\); approver approves it/;
    const refused = [
      await ask(gateway, person, "openai/v1/chat/completions", asked),
      await ask(gateway, person, "anthropic/v1/messages", messageOf()),
      await ask(gateway, person, "google/v1beta/models/gemini-2.5-pro:generateContent", { contents: [] }),
    ];
    for (const response of refused) {
      expect(response.status).toBe(402);
      expect(await response.json()).toMatchObject({
        code: "budget_exceeded",
        detail: expect.stringMatching(where),
        error: { message: expect.stringMatching(where) },
      });
    }
    await gateway.ledger.flush();
    const [purse] = await gateway.database.queries.selectFrom("budget_purses").selectAll().execute();
    const rows = await calls(gateway);
    expect(purse?.spent).toBe(rows.reduce((sum, { cost_nano_usd }) => sum + (cost_nano_usd ?? 0), 0));
  });

  it("is refused where the manifest of its agent holds a budget, or names one, that is spent", async () => {
    const { gateway, person } = await endpointOf({
      "agents/claude-code/agent.yaml": stringify({
        name: "claude-code",
        title: "Claude Code",
        version: "1.0.0",
        finops: { monthly_usd: 0.000_001 },
      }),
      "agents/codex/agent.yaml": stringify({
        name: "codex",
        title: "Codex",
        version: "1.0.0",
        policies: ["small"],
      }),
      "policies/small.yaml": stringify({
        id: "small",
        kind: "budget",
        title: "Small",
        limits: { daily_usd: 0.000_001 },
        on_exceeded: "block",
      }),
    });
    const askAs = async (program: string): Promise<[number, string]> => {
      const headers = { "user-agent": program };
      const response = await ask(gateway, person, "openai/v1/chat/completions", chatOf(), headers);
      return [response.status, await response.text()];
    };
    for (const [program, where] of [
      ["claude-cli/2.1.332", "agents/claude-code/agent.yaml, finops.monthly_usd"],
      ["codex_cli_rs/0.171.0", "policies/small.yaml, limits.daily_usd"],
    ] as const) {
      expect((await askAs(program))[0]).toBe(200);
      await gateway.ledger.flush();
      const [status, said] = await askAs(program);
      expect([status, said]).toEqual([402, expect.stringContaining(where) as string]);
      expect(said).toContain("approver approves it");
    }
    expect((await askAs("opencode/1.18.33"))[0]).toBe(200);
    const { items } = await person.client.call("listBudgets");
    expect(
      items
        .filter(({ state }) => state === "exceeded")
        .map(({ file, field }) => `${file} ${field}`)
        .toSorted((a, b) => a.localeCompare(b)),
    ).toEqual(["agents/claude-code/agent.yaml finops.monthly_usd", "policies/small.yaml limits.daily_usd"]);
  });

  it.each([
    ["agent.yaml", "name: claude-code\nfinops: {monthly_usd: a lot}\n"],
    ["agent.yaml", "name: other\ntitle: O\nversion: 1.0.0\nfinops: {monthly_usd: 1}\n"],
    ["agent.yml", "name: claude-code\ntitle: C\nversion: 1.0.0\nfinops: {monthly_usd: 1}\n"],
  ])(
    "is refused where the manifest of its agent cannot be used, which may hold a budget: %s %j",
    async (file, said) => {
      const { gateway, person } = await endpointOf({ [`agents/claude-code/${file}`]: said });
      const askAs = (program: string): Promise<Response> =>
        ask(gateway, person, "openai/v1/chat/completions", chatOf(), { "user-agent": program });
      const refused = await askAs("claude-cli/2.1.332");
      expect([refused.status, await refused.text()]).toEqual([
        402,
        expect.stringContaining("agents/claude-code/agent.yaml cannot be used") as string,
      ]);
      expect((await askAs("codex_cli_rs/0.171.0")).status).toBe(200);
      const { items } = await person.client.call("listBudgets");
      expect(items.filter(({ state }) => state === "unreadable").map(({ file }) => file)).toEqual([
        "agents/claude-code/agent.yaml",
      ]);
    },
  );

  it("asks for no WebSocket, and takes no body that names no model", async () => {
    const { gateway, person } = await endpointOf();
    const status = await new Promise((resolve, reject) => {
      httpRequest(`${gateway.url}/llm/openai/v1/responses`, {
        headers: { upgrade: "websocket", connection: "Upgrade", authorization: `Bearer ${person.token}` },
      })
        .on("response", ({ statusCode }) => resolve(statusCode))
        .on("error", reject)
        .end();
    });
    expect(status).toBe(426);
    for (const body of [{}, { model: 5 }, [1]])
      expect((await ask(gateway, person, "openai/v1/chat/completions", body)).status).toBe(400);
  });

  it("has no key any more once that is revoked, and goes nowhere that the network policy forbids", async () => {
    const { gateway, person, model, approver } = await endpointOf();
    await ask(gateway, person, "openai/v1/chat/completions", chatOf());
    await approver.client.call("revokeKey", { params: { provider: "openai", name: "API_KEY" } });
    const without = await ask(gateway, person, "openai/v1/chat/completions", chatOf());
    expect(without.status).toBe(404);
    expect(await without.json()).toMatchObject({ detail: expect.stringContaining("secret:openai/API_KEY") });
    await gateway.push({
      "policies/network.yaml": stringify({
        id: "network",
        kind: "network",
        title: "N",
        allow_hosts: ["*"],
        allow_private: false,
        require_tls: false,
      }),
    });
    const refused = await ask(gateway, person, "openai/v1/chat/completions", chatOf());
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({
      detail: expect.stringContaining("policies/network.yaml, allow_private"),
    });
    expect(model.asked).toHaveLength(1);
  });
});

describe("what agents report of calls through the console", () => {
  const qwen = { "user-agent": "QwenCode/0.24.4 (linux; x64)" };
  const answers =
    (id: string, input: number, output: number): Answering =>
    (_, response) => {
      send(response, {
        id,
        object: "chat.completion",
        model: "gpt-5.2",
        choices: [{ index: 0, message: { role: "assistant", content: "x" }, finish_reason: "stop" }],
        usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
      });
      return true;
    };
  const report = (
    { url }: TestGateway,
    { token }: Pick<Person, "token">,
    id: string,
    input: number,
    output: number,
  ) => {
    const said = {
      "event.name": "qwen-code.api_response",
      response_id: id,
      "session.id": `session-of-${id}`,
      model: "gpt-5.2",
      input_token_count: String(input),
      output_token_count: String(output),
      cached_content_token_count: "0",
      thoughts_token_count: "0",
    };
    const attributes = Object.entries(said).map(([key, stringValue]) => ({
      key,
      value: key.endsWith("_count") ? { intValue: stringValue } : { stringValue },
    }));
    const logRecords = [{ timeUnixNano: `${Date.now()}000000`, body: { stringValue: "x" }, attributes }];
    const resource = { attributes: [{ key: "service.name", value: { stringValue: "qwen-code" } }] };
    return fetch(`${url}/otlp/v1/logs`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] }),
    });
  };

  it("is joined by how the agent's program names itself, also where a run's token names another agent", async () => {
    const { gateway, person, model } = await endpointOf({
      "policies/access.yaml": stringify({
        id: "access",
        kind: "access",
        title: "Access",
        default: "deny",
        rules: [{ roles: ["planner"], servers: ["*"], models: ["*"], effect: "allow" }],
      }),
    });
    const run = await person.client.call("createRunToken", { body: { run: "r", agent: "reviewer" } });
    model.answer = answers("short", 1234, 9);
    await ask(gateway, run, "openai/v1/chat/completions", chatOf(), qwen);
    await gateway.ledger.flush();
    await report(gateway, run, "short", 1234, 9);
    expect(await calls(gateway)).toMatchObject([{ source: "endpoint", agent: "reviewer", run: "r" }]);
  });

  it("makes no two calls one, though they used the same", async () => {
    const { model, gateway, person } = await endpointOf();
    const ids = ["A", "B", "C"].map((each) => `chatcmpl-0000000000000000000${each}`);
    for (const id of ids) {
      model.answer = answers(id, 1000, 50);
      await ask(gateway, person, "openai/v1/chat/completions", chatOf(), qwen);
    }
    for (const id of ids) expect((await report(gateway, person, id, 1000, 50)).status).toBe(200);
    expect((await calls(gateway)).map(({ source, input, session }) => [source, input, session])).toEqual(
      ids.map((id) => ["endpoint", 1000, `session-of-${id}`]),
    );
  });

  it("gives no spent budget back", async () => {
    const { model, gateway, person } = await endpointOf({
      "policies/budget.yaml": stringify({
        id: "budget",
        kind: "budget",
        title: "All",
        limits: { daily_usd: 4 },
        on_exceeded: "block",
      }),
    });
    const statuses: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const dear = `chatcmpl-dear00000000000000000000${round}`;
      model.answer = answers(dear, 1_000_000, 5000);
      const limits = { max_completion_tokens: 5000 };
      const answer = await ask(gateway, person, "openai/v1/chat/completions", chatOf(limits), qwen);
      statuses.push(answer.status);
      model.answer = answers(`chatcmpl-cheap0000000000000000000${round}`, 10 + round, 1);
      await ask(gateway, person, "openai/v1/chat/completions", chatOf({ max_completion_tokens: 1 }), qwen);
      await gateway.ledger.flush();
      await report(gateway, person, dear, 10 + round, 1);
      await gateway.ledger.flush();
    }
    // 1.82 USD each: the third one is let in with 0.36 USD left, and is the last.
    expect(statuses).toEqual([200, 200, 200, 402]);
    const rows = await calls(gateway);
    expect(rows.filter(({ input }) => input === 1_000_000)).toHaveLength(3);
    const [purse] = await gateway.database.queries.selectFrom("budget_purses").selectAll().execute();
    expect(purse?.spent).toBe(rows.reduce((sum, { cost_nano_usd }) => sum + (cost_nano_usd ?? 0), 0));
  });
});
