import { stringify } from "yaml";
import { describe, expect, it } from "vitest";
import { send } from "../support/model-double.ts";
import { system } from "../../src/domain/actor.ts";
import { ask, budgetStandings, calls, chatOf, endpointOf, messageOf } from "../support/model-endpoint.ts";

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

  it("may refuse models that have no price, which it could not count", async () => {
    const limits = { daily_usd: 1 };
    const [lax, strict] = await Promise.all([
      endpointOf(budgetOf({ limits })),
      endpointOf(budgetOf({ limits, unpriced: "refuse" })),
    ]);
    const body = chatOf({ model: "gpt-unheard-of" });
    expect((await ask(lax.gateway, lax.person, chats, body)).status).toBe(200);
    const refused = await ask(strict.gateway, strict.person, chats, body);
    expect(refused.status).toBe(402);
    expect(await refused.json()).toMatchObject({
      detail: expect.stringMatching(/policies\/budget.yaml, unpriced: gpt-unheard-of has no price/),
    });
    expect(strict.model.asked).toHaveLength(0);
    expect((await ask(strict.gateway, strict.person, chats, chatOf())).status).toBe(200);
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

  it("begins with the ledger's word, also where it names a provider by its own id", async () => {
    const { gateway, person, model } = await endpointOf();
    await gateway.push({
      "policies/models.yaml": stringify({
        id: "models",
        kind: "models",
        title: "Models",
        providers: [{ id: "eu-openai", dialect: "openai", url: `${model.url}/v1`, prices: "openai" }],
      }),
    });
    expect((await ask(gateway, person, chats, chatOf())).status).toBe(200);
    await gateway.ledger.flush();
    await gateway.push(budgetOf({ scope: { servers: ["eu-openai"] }, limits: { total_usd: 0.001 } }, "eu"));
    expect((await ask(gateway, person, chats, chatOf())).status).toBe(402);
    expect((await calls(gateway))[0]).toMatchObject({ provider: "eu-openai", cost_source: "table" });
  });

  it("knows people by e-mail, and gives two of one name a purse each", async () => {
    const { gateway, approver } = await endpointOf();
    const named = async (email: string) =>
      await gateway.users.add(system, { name: "Ana", email, roles: ["planner"] });
    const [one, other] = [await named("ana1@example.com"), await named("ana2@example.com")];
    await gateway.push({
      ...budgetOf({ scope: { people: ["ANA1@example.com"] }, limits: { monthly_usd: 5 } }, "by-mail"),
      ...budgetOf({ per: "person", limits: { total_usd: 0.001 } }),
    });
    expect((await ask(gateway, one, chats, chatOf())).status).toBe(200);
    await gateway.ledger.flush();
    expect((await ask(gateway, one, chats, chatOf())).status).toBe(402);
    expect((await ask(gateway, other, chats, chatOf())).status).toBe(200);
    const { items } = await approver.client.call("listBudgets");
    expect(items.find(({ policy }) => policy === "by-mail")?.spent).toBeGreaterThan(0.001);
    expect(items.filter(({ policy }) => policy === "budget").map(({ holder }) => holder)).toEqual([
      "Ana",
      "Ana",
    ]);
    // What has ended is set aside no more.
    expect(items.map(({ reserved }) => reserved)).toEqual(items.map(() => 0));
  });

  it("shows a limit for whoever spent before it was there, and a file that cannot be read", async () => {
    const { gateway, person, approver } = await endpointOf();
    await ask(gateway, person, chats, chatOf());
    await gateway.push(budgetOf({ per: "person", limits: { total_usd: 0.001 } }));
    expect(await budgetStandings(approver)).toMatchObject([
      { holder: person.name, state: "exceeded", of: 0.001 },
    ]);
    await gateway.push({ "policies/budget.yaml": "id: budget\nkind: budget\nlimits: { daily_usd: lots }\n" });
    expect(await budgetStandings(approver)).toMatchObject([
      { policy: "budget", state: "unreadable", raise: expect.stringContaining("nothing is let through") },
    ]);
  });

  it("has its refusals in the ledger and in every figure", async () => {
    const { gateway, person } = await endpointOf(
      budgetOf({ limits: { total_usd: 0.001, calls_per_minute: 4 } }),
    );
    const statuses = [];
    for (let count = 0; count < 6; count += 1) {
      statuses.push((await ask(gateway, person, chats, chatOf())).status);
      await gateway.ledger.flush();
    }
    statuses.push((await ask(gateway, person, chats, chatOf({ model: "o9-secret" }))).status);
    expect(statuses).toEqual([200, 402, 402, 402, 429, 429, 403]);
    const { total } = await person.client.call("getUsage", { query: { group_by: "model", tz: "UTC" } });
    expect(total).toMatchObject({ calls: 7, refused: 6, unpriced_calls: 0, unknown_calls: 0 });
  });
});
