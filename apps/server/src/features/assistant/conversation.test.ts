import { intents } from "@ciclo/contract";
import { beforeAll, describe, expect, it } from "vitest";
import { type Person, problemOf, startConsole, type TestConsole } from "../../../tests/support/console.ts";

let running: TestConsole;
let planner: Person;
beforeAll(async () => {
  running = await startConsole();
  planner = await running.person("planner");
});

/** Says one sentence after the other in one thread; the replies. */
async function talk(...messages: string[]) {
  const replies = [];
  let threadId: string | undefined;
  for (const message of messages) {
    const body = { message, ...(threadId === undefined ? {} : { threadId }) };
    const reply = await planner.client.call("chat", { body });
    threadId = reply.threadId;
    replies.push(reply);
  }
  return replies;
}

describe("a conversation", () => {
  it("asks for what is missing, in the language spoken, and takes the bare answer", async () => {
    const [asked, answered] = await talk("quero adicionar um agente", "catalogo");
    expect(asked).toMatchObject({ intent: "add_agent", missing: ["agent_name"], plan: null });
    expect(asked?.reply).toContain("Qual agente?");
    expect(answered).toMatchObject({ intent: "add_agent", payload: { agent_name: "catalogo" }, missing: [] });
    expect(answered?.plan?.id).toMatch(/^add-agent-catalogo-/);
  });

  it("remembers fields over several messages", async () => {
    const replies = await talk("change the monthly limit", "spend-guard", "500 USD a month");
    expect(replies.map(({ missing }) => missing)).toEqual([["policy_id", "changes"], ["changes"], []]);
    expect(replies[2]?.payload).toEqual({
      policy_id: "spend-guard",
      changes: { limits: { monthly_usd: 500 } },
    });
  });

  it("remembers which value it asked for, said or not understood", async () => {
    for (const messages of [
      ["change spend-guard", "monthly limit", "300"],
      ["set the monthly limit of spend-guard to three hundred", "300"],
      ["mude spend-guard", "o limite mensal", "300 dólares"],
    ]) {
      const replies = await talk(...messages);
      expect(replies.slice(0, -1).map(({ missing }) => missing)).toEqual(
        replies.slice(1).map(() => ["changes"]),
      );
      expect(replies.at(-1)?.payload).toEqual({
        policy_id: "spend-guard",
        changes: { limits: { monthly_usd: 300 } },
      });
    }
    const unsure = await talk("change spend-guard", "monthly limit", "300 euros");
    expect(unsure.at(-1)).toMatchObject({ plan: null });
  });

  it("lets a correction change the pending request", async () => {
    const [first, second, third] = await talk(
      "raise the monthly limit of spend-guard to 1000 USD",
      "actually make it 800",
      "what is a budget?",
    );
    expect(first?.plan?.patch_sha256).not.toBe(second?.plan?.patch_sha256);
    expect(second?.payload).toEqual({ policy_id: "spend-guard", changes: { limits: { monthly_usd: 800 } } });
    expect(third).toMatchObject({ intent: null, plan: null });
    const [agent, corrected] = await talk(
      "adicione o agente vendas do repositório a-hub",
      "na verdade o repositório é agents-hub, com as capacidades chat e busca",
    );
    expect(agent?.payload).toEqual({ agent_name: "vendas", repository: "a-hub" });
    expect(corrected?.payload).toEqual({
      agent_name: "vendas",
      repository: "agents-hub",
      capabilities: ["chat", "busca"],
    });
  });

  it("drops the request when told to", async () => {
    const [, dropped, after] = await talk("add an agent", "never mind", "catalog");
    expect(dropped?.reply).toContain("Dropped");
    expect(after).toMatchObject({ intent: null, plan: null });
  });

  it("answers from live configuration and documentation, with references", async () => {
    const [agents, limit, docs] = await talk(
      "quais agentes existem?",
      "qual é o limite de spend-guard?",
      "how does rollback work?",
    );
    expect(agents?.reply).toContain("assistant");
    expect(limit?.reply).toContain("monthly_usd: 200");
    expect(limit?.references[0]?.path).toBe("policies/spend-guard.yaml");
    expect(docs?.references.length).toBeGreaterThan(0);
    expect(docs?.references[0]?.path).toMatch(/^docs\//);
  });

  it("answers a question in English from English documentation, one in Portuguese from both", async () => {
    const [english] = await talk("what about import servers?");
    expect(english?.references.length).toBeGreaterThan(0);
    expect(english?.references.filter(({ path }) => path.includes("pt-BR"))).toEqual([]);
    const [portuguese] = await talk("o que é a trava de ferramentas?");
    expect(portuguese?.references[0]?.path).toBe("docs/guia.pt-BR.md");
  });

  it("takes a typed request as it is", async () => {
    const body = { message: "please", intent: "remove_agent", payload: { agent_name: "assistant" } };
    const reply = await planner.client.call("chat", { body });
    expect(reply.plan).toMatchObject({ intent: "remove_agent" });
    const unknown = planner.client.call("chat", { body: { message: "x", intent: "paint_it" } });
    expect(await problemOf(unknown)).toMatchObject({ status: 400, errors: [{ path: "intent" }] });
    const wrong = planner.client.call("chat", { body: { ...body, payload: { agent_name: "A B" } } });
    expect(await problemOf(wrong)).toMatchObject({ status: 400, errors: [{ path: "agent_name" }] });
  });

  it("lets viewers talk, and tells them who may plan", async () => {
    const viewer = await running.person("viewer");
    const reply = await viewer.client.call("chat", { body: { message: "remova o agente assistant" } });
    expect(reply).toMatchObject({ intent: "remove_agent", plan: null });
    expect(reply.reply).toContain("planner");
    const typed = viewer.client.call("chat", { body: { message: "x", intent: "remove_agent", payload: {} } });
    expect(await problemOf(typed)).toMatchObject({ status: 403, code: "insufficient_permission" });
  });

  it("keeps threads to their owner, and shows them again", async () => {
    const [reply] = await talk("quais políticas temos?");
    const threadId = reply?.threadId ?? "";
    const mine = await planner.client.call("getChat", { query: { threadId } });
    expect(mine.messages?.map(({ role }) => role)).toEqual(["user", "assistant"]);
    expect(mine.intents.map(({ intent }) => intent)).toEqual([...intents]);
    const other = await running.person("viewer");
    expect(await problemOf(other.client.call("getChat", { query: { threadId } }))).toMatchObject({
      status: 404,
    });
    const intruder = other.client.call("chat", { body: { message: "hi", threadId } });
    expect(await problemOf(intruder)).toMatchObject({ status: 404 });
  });
});
