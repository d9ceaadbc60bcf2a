import { stringify } from "yaml";
import { describe, expect, it } from "vitest";
import { type Answering, send } from "../support/model-double.ts";
import { calls, endpointOf } from "../support/model-endpoint.ts";

const routesOf = (more: Record<string, unknown> = {}): Record<string, string> => ({
  "policies/cost.yaml": stringify({
    id: "cost",
    kind: "cost",
    title: "Cost",
    defaults: { max_tokens: 16_000, timeout_s: 20, max_cost_usd: 0.5 },
    routes: { assistant: { provider: "openai", model: "gpt-5.2", ...more } },
  }),
});

const none = { kind: "unclear", intent: null, payload_json: null, text: null };
const usage = { prompt_tokens: 1000, completion_tokens: 50 };

/** Answers of a chat model, one after the other; the last goes on. */
function saying(...answers: (string | Record<string, unknown>)[]): Answering {
  let next = 0;
  return (_, response) => {
    const said = answers[Math.min(next, answers.length - 1)] ?? "";
    next += 1;
    const content = typeof said === "string" ? said : JSON.stringify({ ...none, ...said });
    const choices = [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }];
    send(response, { id: `chatcmpl-0000000000000000${next}`, model: "gpt-5.2", choices, usage });
    return true;
  };
}

const odd = "Our folks on the fiscal side wrote a thing called tax-helper in acme/tax-helper, could it join?";

describe("the assistant with a model", () => {
  it("understands what the rules do not, as a plan like any other, and says by whom", async () => {
    const { gateway, person, model } = await endpointOf(routesOf());
    model.answer = saying({
      kind: "request",
      intent: "add_agent",
      payload_json: JSON.stringify({ agent_name: "tax-helper", repository: "acme/tax-helper" }),
    });
    const reply = await person.client.call("chat", { body: { message: odd } });
    expect(reply).toMatchObject({ intent: "add_agent", payload: { agent_name: "tax-helper" }, missing: [] });
    expect(reply.plan?.intent).toBe("add_agent");
    expect(reply.patch).toContain("agents/tax-helper/agent.yaml");
    expect(reply.reply).toContain("By the model gpt-5.2: check it");
    // Nothing is changed by it: somebody has to submit and approve it.
    expect((await person.client.call("listChanges")).items).toEqual([]);
    // Its call is in the ledger, for the person who asked, in the phase of the assistant.
    expect(await calls(gateway)).toMatchObject([
      {
        actor_name: person.name,
        agent: "assistant",
        phase: "assistant",
        model: "gpt-5.2",
        input: 1000,
        output: 50,
        cost_source: "table",
      },
    ]);
    const [sent] = model.asked;
    expect(JSON.stringify(sent?.headers)).toContain("key-of-openai-0123456789");
    expect(sent?.body["response_format"]).toMatchObject({ type: "json_schema" });
  });

  it("is not asked what the rules understand, and never for whoever may not plan more than others", async () => {
    const { gateway, person, model } = await endpointOf(routesOf());
    await person.client.call("chat", {
      body: { message: "add the agent catalog from repository agents-hub" },
    });
    expect(model.asked).toHaveLength(0);
    const viewer = await gateway.person("viewer");
    model.answer = saying({
      kind: "request",
      intent: "add_agent",
      payload_json: JSON.stringify({ agent_name: "tax-helper" }),
    });
    const reply = await viewer.client.call("chat", { body: { message: odd } });
    expect(reply.plan).toBeNull();
    expect(model.asked).toHaveLength(1);
  });

  it("is held to the budget of its agent, as a new repository has it", async () => {
    const { gateway, person, model } = await endpointOf({
      ...routesOf(),
      "policies/spend-guard.yaml": stringify({
        id: "spend-guard",
        kind: "budget",
        title: "Spend guard",
        limits: { daily_usd: 0.000_001 },
        on_exceeded: "block",
      }),
    });
    model.answer = saying({ kind: "answer", text: "It is 42." });
    const message = "what would the answer be, roughly?";
    expect((await person.client.call("chat", { body: { message } })).reply).toContain("It is 42.");
    await gateway.ledger.flush();
    const { reply } = await person.client.call("chat", { body: { message } });
    expect(reply).toContain("policies/spend-guard.yaml, limits.daily_usd");
    expect(model.asked).toHaveLength(1);
  });

  it("is sent back once what is not of the shape asked for", async () => {
    const { gateway, person, model } = await endpointOf(routesOf());
    model.answer = saying("I would say: add it!", { kind: "answer", text: "It is 42." });
    const reply = await person.client.call("chat", {
      body: { message: "what would the answer be, roughly?" },
    });
    expect(reply.reply).toContain("It is 42.");
    const [, second] = model.asked;
    expect(JSON.stringify(second?.body["messages"])).toContain("I would say: add it!");
    const rows = await calls(gateway);
    expect(rows).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
    expect(new Set(rows.map(({ operation }) => operation)).size).toBe(1);
  });

  it.each([
    ["no shape at all", "I would say: add it!"],
    ["an intent that is not there", { kind: "request", intent: "drop_database", payload_json: "{}" }],
    ["fields that are no JSON", { kind: "request", intent: "add_agent", payload_json: "{" }],
    ["nothing", { kind: "answer", text: "  " }],
  ])("changes nothing where the model's word is of no use: %s", async (_, said) => {
    const { person, model } = await endpointOf(routesOf());
    model.answer = saying(said);
    const reply = await person.client.call("chat", { body: { message: odd } });
    expect(reply.plan).toBeNull();
    expect(reply.reply).not.toContain("By the model");
  });

  it("has its proposals checked as anybody's are", async () => {
    const { person, model } = await endpointOf(routesOf());
    model.answer = saying({
      kind: "request",
      intent: "edit_policies",
      payload_json: JSON.stringify({ policy_id: "../../etc", changes: { limits: "everything" } }),
    });
    const reply = await person.client.call("chat", { body: { message: odd } });
    expect(reply.plan).toBeNull();
    expect(reply.reply).toMatch(/The model was of no help: .*policy_id/);
  });

  it("asks the next model where one does not answer, and does without where none does", async () => {
    const fallback = [{ provider: "anthropic", model: "claude-opus-5-5" }];
    const { gateway, person, model } = await endpointOf(routesOf({ fallback }));
    model.answer = ({ path }, response) => {
      if (path.includes("/chat/completions")) send(response, { error: { message: "overloaded" } }, 503);
      else
        send(response, {
          id: "msg_00000000000000000001",
          type: "message",
          role: "assistant",
          model: "claude-opus-5-5",
          content: [
            { type: "text", text: JSON.stringify({ ...none, kind: "answer", text: "By the other." }) },
          ],
          stop_reason: "end_turn",
          usage: { input_tokens: 900, output_tokens: 40 },
        });
      return true;
    };
    const reply = await person.client.call("chat", { body: { message: "which of them is the nicest?" } });
    expect(reply.reply).toContain("By the other.");
    expect(reply.reply).toContain("claude-opus-5-5");
    expect(await calls(gateway)).toMatchObject([
      { model: "gpt-5.2", status: "error", cost_source: "none" },
      { model: "claude-opus-5-5", status: "ok", input: 900 },
    ]);
    model.answer = (_, response) => {
      send(response, { error: { message: "no" } }, 401);
      return true;
    };
    const without = await person.client.call("chat", { body: { message: "which of them is the nicest?" } });
    expect(without.reply).toContain("The model was of no help");
  });

  it.each([
    ["max_cost_usd", { max_cost_usd: 0.0001 }],
    ["max_tokens", { max_tokens: 100 }],
  ])("is held to the limits of its route before it is asked: %s", async (name, more) => {
    const { person, model } = await endpointOf(routesOf(more));
    const reply = await person.client.call("chat", { body: { message: odd } });
    expect(reply.reply).toContain(`policies/cost.yaml, routes.assistant.${name}`);
    expect(model.asked).toHaveLength(0);
  });

  it("is held to budgets, too", async () => {
    const { person, model } = await endpointOf({
      ...routesOf(),
      "policies/budget.yaml": stringify({
        id: "budget",
        kind: "budget",
        title: "Budget",
        limits: { daily_usd: 0.000_001 },
        on_exceeded: "block",
      }),
    });
    model.answer = saying({ kind: "answer", text: "Once." });
    await person.client.call("chat", { body: { message: odd } });
    const reply = await person.client.call("chat", { body: { message: odd } });
    expect(reply.reply).toMatch(/policies\/budget.yaml, limits.daily_usd/);
    expect(model.asked).toHaveLength(1);
  });

  it("tells no model a secret", async () => {
    const { person, model } = await endpointOf(routesOf());
    model.answer = saying({ kind: "answer", text: "Ok." });
    const secret = `ghp_${"a1B2".repeat(9)}`;
    await person.client.call("chat", { body: { message: `${odd} its token is ${secret}` } });
    expect(model.asked).toHaveLength(1);
    expect(JSON.stringify(model.asked)).not.toContain(secret);
  });
});

describe("the assistant without a model", () => {
  it("answers as before, and says nothing of one", async () => {
    const { person, model } = await endpointOf();
    const reply = await person.client.call("chat", { body: { message: odd } });
    expect(reply.reply).not.toContain("model");
    expect(model.asked).toHaveLength(0);
  });
});
