import { gzipSync } from "node:zlib";
import { stringify } from "yaml";
import { describe, expect, it } from "vitest";
import { event, send, stream } from "../support/model-double.ts";
import { ask, calls, chatOf, endpointOf, pricesOf, lastCall, messageOf } from "../support/model-endpoint.ts";

const key = "key-of-openai-0123456789";
const chats = "openai/v1/chat/completions";

describe("what passes between a caller and a provider of models", () => {
  it("is no redirect: the key goes nowhere that nobody approved", async () => {
    const { model, gateway, person } = await endpointOf();
    model.answer = (_, response) => {
      response.writeHead(307, { location: `${model.url}/elsewhere` }).end();
      return true;
    };
    const response = await ask(gateway, person, chats, chatOf());
    expect(response.status).toBe(502);
    expect(response.headers.get("location")).toBeNull();
    expect(await response.json()).toMatchObject({
      code: "upstream_failed",
      detail: expect.stringMatching(/redirect \(307\).*policies\/models.yaml/),
    });
    expect(model.asked).toHaveLength(1);
    expect(await lastCall(gateway)).toMatchObject({ status: "error" });
  });

  it("are the headers that clients know, and no others", async () => {
    const { model, gateway, person } = await endpointOf();
    model.answer = (_, response) => {
      response.setHeader("x-ratelimit-remaining-requests", "7");
      response.setHeader("openai-processing-ms", "12");
      response.setHeader("openai-organization", "acme-inc");
      response.setHeader("set-cookie", "session=1");
      response.setHeader("content-security-policy", "default-src *");
      response.setHeader("clear-site-data", '"*"');
      send(response, { id: "x", choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } });
      return true;
    };
    const { headers } = await ask(gateway, person, chats, chatOf(), { "openai-organization": "other-inc" });
    expect(headers.get("x-ratelimit-remaining-requests")).toBe("7");
    expect(headers.get("openai-processing-ms")).toBe("12");
    for (const name of ["openai-organization", "set-cookie", "content-security-policy", "clear-site-data"])
      expect(headers.get(name)).toBeNull();
    expect(model.asked.at(-1)?.headers).not.toHaveProperty("openai-organization");
  });

  it("never shows the key that a provider repeats, whole or in a stream, in a body or a header", async () => {
    const { model, gateway, person } = await endpointOf();
    model.answer = ({ body }, response) => {
      response.setHeader("x-request-id", `req-${key}`);
      if (body["stream"] !== true) send(response, { error: { message: `invalid key: ${key}` } }, 401);
      else {
        const text = event({ choices: [{ delta: { content: `it is ${key}.` } }] });
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write(text.slice(0, text.indexOf(key) + 9), () =>
          response.end(`${text.slice(text.indexOf(key) + 9)}${event("[DONE]")}`),
        );
      }
      return true;
    };
    for (const isStream of [false, true]) {
      const response = await ask(gateway, person, chats, chatOf({ stream: isStream }));
      const said = `${await response.text()} ${JSON.stringify([...response.headers])}`;
      expect(said).toContain("***");
      expect(said).not.toContain(key);
    }
    expect(JSON.stringify(await calls(gateway))).not.toContain(key);
  });

  it.each([
    ["model", '{"model":"gpt-5.2","model":"o9-secret","messages":[]}'],
    ["model", String.raw`{"model":"gpt-5.2","mod\u0065l":"o9-secret","messages":[]}`],
    ["Model", '{"model":"gpt-5.2","Model":"o9-secret","messages":[]}'],
    ["max_tokens", '{"model":"gpt-5.2","max_tokens":1,"messages":[],"max_tokens":90000}'],
    ["models", '{"model":"gpt-5.2","models":["gpt-5.2","o9-secret"],"messages":[]}'],
    ["conversation", '{"model":"gpt-5.2","conversation":"conv_1","messages":[]}'],
  ])("is nothing that two readers read in two ways, or that changes the model: %s", async (name, body) => {
    const { model, gateway, person } = await endpointOf();
    const response = await fetch(`${gateway.url}/llm/${chats}`, {
      method: "POST",
      headers: { authorization: `Bearer ${person.token}` },
      body,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining(name) });
    expect(model.asked).toHaveLength(0);
  });

  it("may name in its own words, tools and texts whatever it likes", async () => {
    const { model, gateway, person } = await endpointOf();
    const body = chatOf({
      models: [],
      messages: [{ role: "user", content: 'say "model": \u001b[0m "model" "stream"' }],
      tools: [
        { type: "function", function: { name: "x", parameters: { properties: { model: {}, n: {} } } } },
      ],
    });
    expect((await ask(gateway, person, chats, body)).status).toBe(200);
    expect(model.asked.at(-1)?.body).toEqual(body);
  });

  it.each(["gpt-5.2 ", "gpt-5.2\n", "gpt-../../x", "gpt-\u200b5"])("is no model named %j", async (name) => {
    const { model, gateway, person } = await endpointOf();
    expect((await ask(gateway, person, chats, chatOf({ model: name }))).status).toBe(400);
    expect(model.asked).toHaveLength(0);
  });

  it.each(["toString", "constructor", "hasOwnProperty", "predict"])(
    "is no verb of Google's API: %s",
    async (verb) => {
      const { model, gateway, person } = await endpointOf();
      const to = `google/v1beta/models/gemini-2.5-pro:${verb}`;
      expect((await ask(gateway, person, to, { contents: [] })).status).toBe(404);
      expect(model.asked).toHaveLength(0);
    },
  );

  it("are those parts of a query that the APIs have", async () => {
    const { model, gateway, person } = await endpointOf();
    const query = "alt=sse&key=abc&fields=x&%24alt=media&beta=true&alt=media&access_token=y";
    await ask(gateway, person, `google/v1beta/models/gemini-2.5-pro:streamGenerateContent?${query}`, {});
    expect(model.asked.at(-1)?.path).toMatch(/\?alt=sse&beta=true$/);
  });

  it("are answers that a provider packed though nobody asked for that", async () => {
    const { model, gateway, person } = await endpointOf();
    model.answer = (_, response) => {
      const usage = { prompt_tokens: 70, completion_tokens: 7 };
      const text = JSON.stringify({ id: "x", model: "gpt-5.2", choices: [], usage });
      response
        .writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" })
        .end(gzipSync(text));
      return true;
    };
    const response = await ask(gateway, person, chats, chatOf());
    expect(await response.json()).toMatchObject({ usage: { prompt_tokens: 70 } });
    expect(await lastCall(gateway)).toMatchObject({ input: 70, output: 7, cost_source: "table" });
    model.answer = (_, response) => {
      response.writeHead(200, { "content-encoding": "compress" }).end("x");
      return true;
    };
    expect((await ask(gateway, person, chats, chatOf())).status).toBe(502);
  });

  it("are answers that a provider keeps, for whoever asked for them and nobody else", async () => {
    const { model, gateway, person } = await endpointOf();
    const other = await gateway.person("planner");
    const asked = { model: "gpt-5.2", input: "x" };
    const { id } = (await (await ask(gateway, person, "openai/v1/responses", asked)).json()) as {
      id: string;
    };
    const continued = { ...asked, previous_response_id: id };
    model.asked.length = 0;
    for (const [path, body] of [
      [`openai/v1/responses/${id}`, undefined],
      [`openai/v1/responses/${id}/input_items`, undefined],
      [`openai/v1/responses/${id}/cancel`, {}],
      ["openai/v1/responses", continued],
    ] as const) {
      const refused = await ask(gateway, other, path, body);
      expect([path, refused.status]).toEqual([path, 404]);
      expect(await refused.json()).toMatchObject({ detail: expect.stringContaining(id) });
      expect(model.asked).toHaveLength(0);
      expect((await ask(gateway, person, path, body)).status).toBe(200);
      model.asked.length = 0;
    }
  });

  it("is in the audit log before it is sent where a rule says so", async () => {
    const { gateway, person, approver, model } = await endpointOf({
      "policies/access.yaml": stringify({
        id: "access",
        kind: "access",
        title: "Access",
        default: "deny",
        rules: [
          { roles: ["planner"], servers: ["*"], models: ["claude-*"], effect: "allow", audit: true },
          { roles: ["planner"], servers: ["*"], models: ["*"], effect: "allow" },
        ],
      }),
    });
    await ask(gateway, person, "anthropic/v1/messages", messageOf());
    await ask(gateway, person, chats, chatOf());
    expect(model.asked).toHaveLength(2);
    const { items } = await approver.client.call("listAudit", { query: { action: "model.called" } });
    expect(items).toMatchObject([
      {
        actor_name: person.name,
        resource: "model:anthropic/claude-opus-5-5",
        metadata: { rule: 1, method: "messages" },
      },
    ]);
  });

  it("streams on as it comes, however events are cut into pieces", async () => {
    const { model, gateway, person } = await endpointOf();
    const usage = { prompt_tokens: 100, completion_tokens: 10 };
    const text = [
      event({ id: "x", model: "gpt-5.2", choices: [{ index: 0, delta: { content: "Olá" } }] }),
      event({ id: "x", model: "gpt-5.2", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
      event({ id: "x", model: "gpt-5.2", choices: [], usage }),
      event("[DONE]"),
    ].join("");
    for (const ending of ["\n", "\r\n", "\r"]) {
      const bytes = Buffer.from(text.replaceAll("\n", ending));
      model.answer = async (_, response) => {
        response.writeHead(200, { "content-type": "Text/Event-Stream; charset=utf-8" });
        for (let at = 0; at < bytes.length; at += 7)
          await new Promise((done) => {
            response.write(bytes.subarray(at, at + 7), () => setImmediate(done));
          });
        response.end();
        return true;
      };
      const said = await (await ask(gateway, person, chats, chatOf({ stream: true }))).text();
      expect(said).toContain("Olá");
      // Its caller did not ask for the usage.
      expect(said).not.toContain("prompt_tokens");
      expect(said).toContain("[DONE]");
      expect(await lastCall(gateway)).toMatchObject({ input: 100, output: 10, status: "ok" });
    }
  });

  it("keeps the options of a stream, and numbers as they were written", async () => {
    const { model, gateway, person } = await endpointOf();
    const said: string[] = [];
    model.answer = ({ body }) => {
      said.push(JSON.stringify(body["stream_options"]));
      return false;
    };
    for (const options of ["null", '{"include_obfuscation":false}', '{"include_usage":false}']) {
      const response = await fetch(`${gateway.url}/llm/${chats}`, {
        method: "POST",
        headers: { authorization: `Bearer ${person.token}` },
        body: `{"model":"gpt-5.2","stream":true,"stream_options":${options},"temperature":1.0,"messages":[]}`,
      });
      expect(await response.text()).not.toContain("prompt_tokens");
      expect(await lastCall(gateway)).toMatchObject({ cost_source: "table" });
    }
    expect(said).toEqual([
      '{"include_usage":true}',
      '{"include_obfuscation":false,"include_usage":true}',
      '{"include_usage":true}',
    ]);
  });
});

describe("what an answer used", () => {
  it("is its input where its caller leaves before the first word: nobody calls for nothing", async () => {
    const { model, gateway, person } = await endpointOf();
    model.answer = (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(event({ id: "x", model: "gpt-5.2", choices: [{ delta: { role: "assistant" } }] }));
      return true;
    };
    const leaving = new AbortController();
    const response = await fetch(`${gateway.url}/llm/${chats}`, {
      method: "POST",
      headers: { authorization: `Bearer ${person.token}` },
      body: JSON.stringify(
        chatOf({ stream: true, messages: [{ role: "user", content: "x".repeat(40_000) }] }),
      ),
      signal: leaving.signal,
    });
    await response.body?.getReader().read();
    leaving.abort();
    await expect.poll(() => lastCall(gateway)).toMatchObject({ status: "partial", cost_source: "estimated" });
    expect((await lastCall(gateway))?.input).toBeGreaterThan(10_000);
  });

  it("is estimated where its provider cuts it, and no answer is held back whose end nobody knows", async () => {
    const { model, gateway, person } = await endpointOf();
    model.answer = (_, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": 90_000 });
      response.write("{".padEnd(40_000, " "), () => response.destroy());
      return true;
    };
    expect((await ask(gateway, person, chats, chatOf())).status).toBe(502);
    expect(await lastCall(gateway)).toMatchObject({ status: "error", cost_source: "estimated" });
    const go = Promise.withResolvers<void>();
    model.answer = async (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write(" ");
      await go.promise;
      response.end(JSON.stringify({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } }));
      return true;
    };
    const slow = await ask(gateway, person, chats, chatOf());
    expect(slow.status).toBe(200);
    go.resolve();
    expect(await slow.json()).toMatchObject({ usage: { prompt_tokens: 1 } });
  });

  it("leaves its caller an event that says more than what was used", async () => {
    const { model, gateway, person } = await endpointOf();
    model.answer = (_, response) => {
      const usage = { prompt_tokens: 100, completion_tokens: 10 };
      stream(response, [event({ choices: [], usage, citations: ["https://example.com"] }), event("[DONE]")]);
      return true;
    };
    const said = await (await ask(gateway, person, chats, chatOf({ stream: true }))).text();
    expect(said).toContain("https://example.com");
    expect(await lastCall(gateway)).toMatchObject({ input: 100 });
  });

  it("is read from a stream whose last event lacks its empty line", async () => {
    const { model, gateway, person } = await endpointOf();
    model.answer = (_, response) => {
      const usage = { prompt_tokens: 100, completion_tokens: 10 };
      const last = event({ choices: [], usage }).trimEnd();
      stream(response, [event({ choices: [{ delta: {}, finish_reason: "stop" }] }), last]);
      return true;
    };
    await (await ask(gateway, person, chats, chatOf({ stream: true }))).text();
    expect(await lastCall(gateway)).toMatchObject({ input: 100, output: 10, cost_source: "table" });
  });

  it.each([
    ["an error in place of an answer", [event({ type: "error", error: { type: "overloaded_error" } })]],
    ["a stream that says nothing", []],
    ["a stream that is cut before its end", [event({ type: "content_block_delta", delta: { text: "Hel" } })]],
  ])("is not taken for a success: %s", async (_, events) => {
    const { model, gateway, person } = await endpointOf();
    model.answer = (__, response) => {
      stream(response, events);
      return true;
    };
    await (await ask(gateway, person, "anthropic/v1/messages", messageOf({ stream: true }))).text();
    const call = await lastCall(gateway);
    expect(call?.status).not.toBe("ok");
    if (events[0]?.includes("overloaded") === true)
      expect(call).toMatchObject({ status: "error", error: expect.stringContaining("overloaded_error") });
  });

  it("is not taken for a success where a page comes in place of an answer", async () => {
    const { model, gateway, person } = await endpointOf();
    model.answer = (_, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<h1>Sign in</h1>");
      return true;
    };
    await (await ask(gateway, person, chats, chatOf())).text();
    expect(await lastCall(gateway)).toMatchObject({ status: "error", error: "the answer is not JSON" });
  });

  it("is what the last usage that says something says", async () => {
    const { model, gateway, person } = await endpointOf();
    model.answer = (_, response) => {
      stream(response, [
        event({ type: "chunk", choices: [], usage: { prompt_tokens: 100, completion_tokens: 10 } }),
        event({ choices: [], usage: { prompt_tokens: 0, completion_tokens: 0 } }),
        event("[DONE]"),
      ]);
      return true;
    };
    await (await ask(gateway, person, chats, chatOf({ stream: true }))).text();
    expect(await lastCall(gateway)).toMatchObject({ input: 100, output: 10 });
  });

  it("includes the searches of an answer", async () => {
    const { model, gateway, person } = await endpointOf();
    model.answer = (_, response) => {
      const output = [
        { type: "web_search_call", action: { type: "search", query: "x" } },
        { type: "web_search_call", action: { type: "open_page" } },
      ];
      const usage = { input_tokens: 100, output_tokens: 10 };
      send(response, { id: "resp_1", model: "gpt-5.2", status: "completed", output, usage });
      return true;
    };
    await ask(gateway, person, "openai/v1/responses", { model: "gpt-5.2", input: "x" });
    expect(await lastCall(gateway)).toMatchObject({
      web_searches: 1,
      cost_nano_usd: 100 * 1750 + 10 * 14_000 + 10_000_000,
    });
  });

  it("has the model that was asked for, and the price of the one that answered", async () => {
    const { model, gateway, person } = await endpointOf();
    model.answer = (_, response) => {
      const usage = { prompt_tokens: 100, completion_tokens: 10 };
      send(response, { id: "x", model: "gpt-5.2-2025-12-11", choices: [], usage });
      return true;
    };
    await ask(gateway, person, chats, chatOf());
    expect(await lastCall(gateway)).toMatchObject({
      model: "gpt-5.2",
      cost_nano_usd: 100 * 1750 + 10 * 14_000,
    });
  });

  it("costs what the team says, whatever its provider says", async () => {
    const { model, gateway, person } = await endpointOf(pricesOf({ model: "gpt-5.2", input: 1, output: 2 }));
    model.answer = (_, response) => {
      const usage = { prompt_tokens: 100, completion_tokens: 10, cost: 0.5 };
      send(response, { id: "x", model: "gpt-5.2", choices: [], usage });
      return true;
    };
    await ask(gateway, person, chats, chatOf());
    expect(await lastCall(gateway)).toMatchObject({ cost_source: "override", cost_nano_usd: 120_000 });
  });
});
