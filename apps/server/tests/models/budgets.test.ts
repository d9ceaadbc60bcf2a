import { stringify } from "yaml";
import { describe, expect, it } from "vitest";
import { send } from "../support/model-double.ts";
import { ask, chatOf, endpointOf, messageOf } from "../support/model-endpoint.ts";

const chats = "openai/v1/chat/completions";

const budgetOf = (more: Record<string, unknown>, id = "budget"): Record<string, string> => ({
  [`policies/${id}.yaml`]: stringify({
    id,
    kind: "budget",
    title: "Budget",
    on_exceeded: "block",
    limits: {},
    ...more,
  }),
});

describe("a budget before a call of a model", () => {
  it("that cannot be used lets nothing through", async () => {
    const { gateway, person, model } = await endpointOf({
      "policies/budget.yaml": "id: budget\nkind: budget\n",
    });
    const response = await ask(gateway, person, chats, chatOf());
    expect(response.status).toBe(402);
    expect(await response.json()).toMatchObject({
      detail: expect.stringContaining("policies/budget.yaml cannot be used"),
    });
    expect(model.asked).toHaveLength(0);
  });

  it("paces its callers, and may be for the models of one provider", async () => {
    const { gateway, person } = await endpointOf(
      budgetOf({ scope: { servers: ["anthropic"] }, limits: { calls_per_minute: 2 } }, "claude"),
    );
    const statuses = [];
    for (let count = 0; count < 3; count += 1)
      statuses.push((await ask(gateway, person, "anthropic/v1/messages", messageOf())).status);
    expect(statuses).toEqual([200, 200, 429]);
    const refused = await ask(gateway, person, "anthropic/v1/messages", messageOf());
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({
      detail: expect.stringContaining("policies/claude.yaml, limits.calls_per_minute: over 2 calls a minute"),
    });
    expect((await ask(gateway, person, chats, chatOf())).status).toBe(200);
  });

  it.each([
    ["all answers that are asked for", chats, { ...chatOf(), max_tokens: 10_000, n: 3 }],
    ["the larger of two limits", chats, { ...chatOf(), max_tokens: 1, max_completion_tokens: 30_000 }],
    [
      "a limit as Google's clients in Python write it",
      "google/v1beta/models/gemini-2.5-pro:generateContent",
      { contents: [], generation_config: { max_output_tokens: "60000" } },
    ],
  ])("sets aside what may be written: %s", async (_, path, body) => {
    const { gateway, person, model } = await endpointOf(budgetOf({ limits: { daily_usd: 0.4 } }));
    // Without an answer, what is set aside stays so.
    model.answer = () => true;
    const leaving = new AbortController();
    const headers = { authorization: `Bearer ${person.token}` };
    const first = fetch(`${gateway.url}/llm/${path}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      signal: leaving.signal,
    }).catch((error: unknown) => error);
    await expect.poll(() => model.asked.length).toBe(1);
    expect((await ask(gateway, person, path, body)).status).toBe(402);
    leaving.abort();
    await first;
  });

  it("sets nothing aside for what embeddings write, and refuses a tier that it could not count", async () => {
    const { gateway, person, model } = await endpointOf(budgetOf({ limits: { daily_usd: 0.001 } }));
    const embedding = { model: "text-embedding-3-small", input: "x" };
    const several = await Promise.all(
      Array.from({ length: 8 }, () => ask(gateway, person, "openai/v1/embeddings", embedding)),
    );
    expect(several.map(({ status }) => status)).toEqual(several.map(() => 200));
    model.asked.length = 0;
    const refused = await ask(gateway, person, chats, chatOf({ service_tier: "scale" }));
    expect(refused.status).toBe(402);
    expect(await refused.json()).toMatchObject({
      detail: expect.stringMatching(/no price for the tier scale of gpt-5.2.*policies\/prices.yaml/),
    });
    expect(model.asked).toHaveLength(0);
  });

  it("counts by the model that was asked for, whatever its answer calls it", async () => {
    const { gateway, person, model } = await endpointOf(
      budgetOf({ scope: { models: ["gpt-5.2"] }, limits: { daily_usd: 0.5 } }, "gpt"),
    );
    model.answer = (_, response) => {
      const usage = { prompt_tokens: 100_000, completion_tokens: 10 };
      send(response, { id: "x", model: "gpt-5.2-2025-12-11", choices: [], usage });
      return true;
    };
    const statuses = [];
    for (let count = 0; count < 5; count += 1) {
      statuses.push((await ask(gateway, person, chats, chatOf())).status);
      await gateway.ledger.flush();
    }
    expect(statuses).toEqual([200, 200, 200, 402, 402]);
    const [purse] = await gateway.database.queries.selectFrom("budget_purses").selectAll().execute();
    expect(purse?.spent).toBe(3 * (100_000 * 1750 + 10 * 14_000));
  });
});
