import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { send } from "../support/model-double.ts";
import { ask, calls, endpointOf, messageOf } from "../support/model-endpoint.ts";

const samples = fileURLToPath(new URL("../data/otlp-samples", import.meta.url));

/** What an agent exported of one call, and the attributes of a name that are in it. */
function exported(agent: string): {
  requests: { path: string; body: unknown }[];
  said(name: string): string;
} {
  const text = readFileSync(join(samples, agent, "hello.jsonl"), "utf8");
  return {
    requests: text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { path: string; body: unknown }),
    said: (name) =>
      new RegExp(`"${name.replaceAll(".", "\\.")}","value":\\{"stringValue":"([^"]*)"`).exec(text)?.[1] ?? "",
  };
}

/** The wire of the sample, as the provider answered it: one call of each agent, and how its program names it. */
it.each([
  {
    agent: "claude-code",
    path: "anthropic/v1/messages",
    body: messageOf(),
    headers: (said: (name: string) => string) => ({
      "user-agent": "claude-cli/2.1.332 (external, cli)",
      "x-claude-code-session-id": said("session.id"),
    }),
    answer: (said: (name: string) => string) => ({
      headers: { "request-id": said("request_id") },
      value: { id: "msg_of_the_wire_0000001", type: "message", model: "claude-opus-5-5" },
    }),
  },
  {
    agent: "codex",
    path: "openai/v1/responses",
    body: { model: "gpt-5.2-codex", input: "hello" },
    headers: (said: (name: string) => string) => ({
      "user-agent": "codex_exec/0.171.0",
      "session-id": said("conversation.id"),
    }),
    answer: () => ({
      headers: {},
      value: { id: "resp_loop000001", object: "response", model: "gpt-5.2-codex" },
    }),
  },
])("one call of $agent, seen by the endpoint and exported, is one row: the endpoint's", async (of) => {
  const { gateway, person, model } = await endpointOf();
  const { requests, said } = exported(of.agent);
  const { headers, value } = of.answer(said);
  const usage =
    of.agent === "codex"
      ? {
          input_tokens: 1318,
          input_tokens_details: { cached_tokens: 311 },
          output_tokens: 65,
          output_tokens_details: { reasoning_tokens: 11 },
          total_tokens: 1383,
        }
      : {
          input_tokens: 1007,
          cache_read_input_tokens: 311,
          cache_creation_input_tokens: 65,
          cache_creation: { ephemeral_5m_input_tokens: 43, ephemeral_1h_input_tokens: 22 },
          output_tokens: 65,
        };
  model.answer = (_, response) => {
    for (const [name, one] of Object.entries(headers)) response.setHeader(name, one);
    send(response, { ...value, usage, output: [], content: [] });
    return true;
  };
  const sent = of.headers(said);
  expect(Object.values(sent).every((header) => header !== "")).toBe(true);
  expect((await ask(gateway, person, of.path, of.body, sent)).status).toBe(200);
  const [wire, ...others] = await calls(gateway);
  expect(others).toEqual([]);
  for (const { path, body } of requests)
    await fetch(`${gateway.url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${person.token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  expect(await calls(gateway)).toMatchObject([
    { source: "endpoint", agent: of.agent, input: wire?.input, cost_nano_usd: wire?.cost_nano_usd },
  ]);
  // Another session with the same counts is another call.
  expect((await ask(gateway, person, of.path, of.body, { ...sent, "session-id": "another" })).status).toBe(
    200,
  );
  expect(await calls(gateway)).toHaveLength(2);
});

it("of Gemini CLI is one row too, whatever its machine's clock says; another call is another row", async () => {
  const { gateway, person, model } = await endpointOf();
  const { requests } = exported("gemini-cli");
  // The sample is of another day: what the clock of a machine may say that was never set.
  const answers = [
    { model: "gemini-3.5-flash-lite", prompt: 1318, cached: 311, said: 54, thought: 11 },
    { model: "gemini-3.8-flash", prompt: 1336, cached: 322, said: 58, thought: 12 },
    { model: "gemini-3.8-flash", prompt: 1337, cached: 322, said: 58, thought: 12 },
  ];
  let answered = 0;
  model.answer = (_, response) => {
    const of = answers[answered++];
    if (of === undefined) return false;
    send(response, {
      candidates: [],
      usageMetadata: {
        promptTokenCount: of.prompt,
        cachedContentTokenCount: of.cached,
        candidatesTokenCount: of.said,
        thoughtsTokenCount: of.thought,
        totalTokenCount: of.prompt + of.said + of.thought,
      },
      modelVersion: of.model,
      responseId: `of-the-wire-${answered}-0001`,
    });
    return true;
  };
  const headers = { "user-agent": "GeminiCLI/0.61.0/gemini-3.8-flash (linux; x64)" };
  for (const { model: name } of answers) {
    const path = `google/v1beta/models/${name}:generateContent`;
    expect((await ask(gateway, person, path, { contents: [] }, headers)).status).toBe(200);
  }
  for (const { path, body } of requests)
    await fetch(`${gateway.url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${person.token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const rows = await calls(gateway);
  expect(rows.map(({ source, agent, model: name }) => [source, agent, name])).toEqual(
    answers.map(({ model: name }) => ["endpoint", "gemini-cli", name]),
  );
});
