import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { stringify } from "yaml";
import { beforeAll, describe, expect, it } from "vitest";
import { maskSecrets } from "../../src/lib/mask-secrets.ts";
import { pushFiles } from "../support/config.ts";
import { type Person, planWith, problemOf, startConsole, type TestConsole } from "../support/console.ts";

/** What a message in the chat must never do: plan what was not meant, or keep a credential. */

let running: TestConsole;
let planner: Person;
const limits = { daily_usd: 40, monthly_usd: 800 };

beforeAll(async () => {
  running = await startConsole();
  planner = await running.person("planner");
  pushFiles(running.git, {
    "policies/budget.yaml": stringify({
      id: "budget",
      kind: "budget",
      title: "B",
      on_exceeded: "block",
      limits,
    }),
    "policies/approvals.yaml": stringify({
      id: "approvals",
      kind: "approvals",
      title: "A",
      default: { required: 2 },
    }),
  });
});

const say = (message: string, threadId?: string) =>
  planner.client.call("chat", { body: { message, ...(threadId === undefined ? {} : { threadId }) } });

describe("an amount that is relative to what holds", () => {
  it.each([
    ["raise the daily limit of budget by 10 %", { daily_usd: 44 }],
    ["raise the daily limit of budget by 10%", { daily_usd: 44 }],
    ["increase the monthly limit of budget by 12.5 percent", { monthly_usd: 900 }],
    ["aumente o limite diário de budget em 10 %", { daily_usd: 44 }],
    ["aumente em 10 por cento o limite mensal da política budget", { monthly_usd: 880 }],
    ["reduza o limite mensal de budget em 25%", { monthly_usd: 600 }],
    ["lower the daily limit of budget by 50 percent", { daily_usd: 20 }],
    ["double the daily limit of budget", { daily_usd: 80 }],
    ["dobre o limite diário de budget", { daily_usd: 80 }],
    ["halve the monthly limit of budget", { monthly_usd: 400 }],
    ["reduza pela metade o limite mensal de budget", { monthly_usd: 400 }],
    ["triple the daily limit of budget", { daily_usd: 120 }],
    ["raise the daily limit of budget by 20 USD", { daily_usd: 60 }],
    ["aumente o limite diário de budget em 20 dólares", { daily_usd: 60 }],
    ["lower the monthly limit of budget by $100", { monthly_usd: 700 }],
    ["raise the daily limit of budget by half", { daily_usd: 60 }],
    ["aumente o limite diário de budget pela metade", { daily_usd: 60 }],
    ["cut the daily limit of budget in half", { daily_usd: 20 }],
    ["reduce the monthly limit of budget to half", { monthly_usd: 400 }],
    ["quadruple the daily limit of the budget policy", { daily_usd: 160 }],
    ["make the daily limit of budget 1.5x", { daily_usd: 60 }],
    ["daily limit of budget +10%", { daily_usd: 44 }],
    ["o limite diário de budget 10% maior", { daily_usd: 44 }],
    ["ponha mais 10% no limite diário de budget", { daily_usd: 44 }],
    ["raise the daily limit of budget by 1.000 USD", { daily_usd: 1040 }],
    ["raise limits.daily_usd of budget by 10%", { daily_usd: 44 }],
    ["raise the daily and monthly limits of budget by 10 %", { daily_usd: 44, monthly_usd: 880 }],
    ["double the monthly and the daily limit of budget", { daily_usd: 80, monthly_usd: 1600 }],
    ["raise the daily limit of budget by 10 % and the monthly by 20 %", { daily_usd: 44, monthly_usd: 960 }],
  ])("%s", async (message, expected) => {
    const { payload, plan, reply } = await say(message);
    expect(payload, reply).toEqual({ policy_id: "budget", changes: { limits: expected } });
    expect(plan?.id).toMatch(/^edit-policies-budget-/);
  });

  it.each([
    ["set the daily limit of budget to 10", { daily_usd: 10 }],
    ["raise the daily limit of budget to 90 USD", { daily_usd: 90 }],
    ["aumente o limite diário de budget para 90", { daily_usd: 90 }],
    ["raise the daily limit of budget to 90 from 40", { daily_usd: 90 }],
    ["mude o limite diário de budget de 40 para 90", { daily_usd: 90 }],
    ["raise the monthly limit of budget to 2 thousand dollars", { monthly_usd: 2000 }],
    ["defina o limite mensal de budget para 2 mil", { monthly_usd: 2000 }],
  ])("an absolute one stays as it is: %s", async (message, expected) => {
    expect((await say(message)).payload).toEqual({ policy_id: "budget", changes: { limits: expected } });
  });

  it.each([
    "require two approvals for changes to policies/access.yaml in approvals",
    "require 2 approvals for policies in the approvals policy",
    "altere o limite mensal da política budget para 300 dólares só para a equipe de dados",
    "raise the monthly limit of budget to 900 for Ana",
    "raise the monthly limit of budget to 900 USD for the team of Ana",
    "increase the daily limit of budget ten percent",
    "increase the daily limit of budget 20",
    "set the daily limit of budget to 10%",
    "raise the daily limit of budget by 10% to 44",
    "raise the daily limit of budget from 40 by 10%",
    "raise the daily limit of budget to half",
    "raise the daily limit of budget by double",
    "raise the daily limit of budget by 10 % and the monthly limit by ten percent",
    "require one more approval in the approvals policy",
    "raise the max error rate of canary by 2%",
    "set the monthly limit of budget to -5",
    "set the monthly limit of budget to two hundred fifty",
    "set the monthly limit of budget to 3 hundred",
    "defina o limite mensal de budget para mil e duzentos",
    "set the monthly limit of budget to 1 000",
    "set the monthly limit of budget to 1e3",
    "set the monthly limit of budget to 2M",
    "set the monthly limit of budget to 300 for 3 days",
    "defina o limite mensal de budget para 300 a partir de 1 de agosto",
    "set the monthly limit of budget to 300 (ticket 4711)",
    "reduza o limite mensal de budget para um terço",
    "lower the daily limit of budget to 5 below current",
    "set the monthly limit of budget to 5 times the daily",
    "set the monthly limit of budget to 10 per day",
    "set the monthly limit of budget to 10 a week",
    "set the monthly limit of budget to 300, no wait, 250",
    "increase the monthly limit of budget by 50, but no more than 220",
    "set the monthly limit of budget to between 200 and 300",
    "set the monthly limit of budget to 30000 cents",
    "set the monthly limit of budget to 300 EUR",
    "defina o limite mensal de budget para R$ 300",
    "set the timeout of cost to 1h",
    "set the timeout of cost to 500ms",
    "set the monthly limit of budget to 300 and alert at 90%",
    "set the timeout of cost to two and a half minutes",
    "aumente o timeout de cost para uma hora e meia",
    "aumente o timeout de cost para 2 minutos e meio",
    "set the monthly limit of budget to 2 grand",
    "defina o limite mensal de budget como 3 centenas",
    "set the monthly limit of budget to twice that of spend-guard",
    "set the monthly limit of budget to 400 BTC",
    "set the monthly limit of budget to 400 USD/day",
    "set the monthly limit of budget to something under 400",
    "defina o limite mensal de budget para menos de 400",
    "require 2 approvals from admins in the approvals policy",
    "require 2 approvals for policies/** in the approvals policy",
    "set the daily limit of budget to 30 per user",
    "set the daily limit of budget to 30 except on weekends",
    "defina o limite diário de budget para 30, mas só se a Ana concordar",
  ])("asks where it may mean several things: %s", async (message) => {
    const { intent, plan, missing } = await say(message);
    expect({ intent, plan, missing }).toEqual({ intent: "edit_policies", plan: null, missing: ["changes"] });
  });

  it("asks where the live policy has no such value", async () => {
    pushFiles(running.git, {
      "policies/empty.yaml": stringify({
        id: "empty",
        kind: "budget",
        title: "E",
        on_exceeded: "alert",
        limits: { monthly_usd: 5 },
      }),
    });
    const english = await say("raise the daily limit of empty by 10 %");
    expect(english).toMatchObject({ plan: null, payload: null });
    expect(english.reply).toContain("Name the policy and the value itself");
    const portuguese = await say("dobre o limite diário da política empty");
    expect(portuguese).toMatchObject({ plan: null, payload: null });
    expect(portuguese.reply).toContain("o próprio valor");
  });

  it("is recalculated when it corrects the plan of the thread", async () => {
    const first = await say("set the daily limit of budget to 90 USD");
    const second = await say("actually make it 10 % more", first.threadId);
    expect(second.payload).toEqual({ policy_id: "budget", changes: { limits: { daily_usd: 44 } } });
    for (const [alone, expected] of [
      ["10% more", 44],
      ["dobre", 80],
      ["double it", 80],
    ] as const) {
      const next = await say(alone, first.threadId);
      expect(next.payload, alone).toEqual({
        policy_id: "budget",
        changes: { limits: { daily_usd: expected } },
      });
    }
    const asked = await say("raise the daily limit by 10 %");
    expect(asked).toMatchObject({ plan: null, missing: ["policy_id"] });
    const whole = await say("budget", asked.threadId);
    expect(whole.payload).toEqual({ policy_id: "budget", changes: { limits: { daily_usd: 44 } } });
  });

  it("never plans the share itself, whatever it is", async () => {
    const words = fc.constantFrom("raise", "increase", "lower", "reduce");
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 90 }), words, async (share, verb) => {
        const { payload } = await say(`${verb} the monthly limit of budget by ${share}%`);
        const sign = verb === "raise" || verb === "increase" ? 1 : -1;
        const wanted = Number((limits.monthly_usd * (1 + (sign * share) / 100)).toPrecision(12));
        expect(payload).toEqual({ policy_id: "budget", changes: { limits: { monthly_usd: wanted } } });
      }),
      { numRuns: 15 },
    );
  });
});

describe("a question, or a story about the past", () => {
  it.each([
    "does removing the agent assistant change the budget?",
    "remove the agent assistant?",
    "what happens if I remove the agent assistant",
    "adicionar um agente muda o orçamento?",
    "yesterday somebody asked to remove the agent assistant",
    "last week Ana raised the daily limit of budget to 500",
    "ontem o time aumentou o limite diário de budget para 500",
    "a Ana removeu o agente assistant na semana passada",
    "we removed the agent assistant two weeks ago",
    "the daily limit of budget was raised to 500",
    "o limite diário de budget foi aumentado para 500",
    "I want to know how to remove the agent assistant",
    "I want to understand why we remove the agent assistant",
    "quero saber se posso remover o agente assistant",
    "você pode me explicar como remover o agente assistant?",
    "e se a gente remover o agente assistant?",
    "preciso remover o agente assistant?",
    "under no circumstances remove the agent assistant",
    "undo remove the agent assistant",
    "desista de remover o agente assistant",
    "before you remove the agent assistant, list the servers",
    "a policy to remove the agent assistant would be nice",
    "remove the agent assistant was the title of the ticket",
    "e se a gente aumentar o limite mensal de budget para 300?",
    "remove the agent assistant - on second thought, don't",
    "Remove the agent assistant? No way.",
    "remove the agent assistant. Actually no, leave it.",
    "remova o agente assistant... deixa pra lá",
    "remova o agente assistant. Mentira, não faça isso.",
    "set the daily limit of budget to 30... never mind",
    "remove the agent assistant only after approval of Bob",
    "remove o agente assistant, ou melhor, deixa como está",
    "remova o agente assistant só que não",
    "remove the agent assistant; disregard that",
    "remove the agent assistant, nah",
    "remova o agente assistant não",
    "remover o agente assistant seria um erro",
    "apagar o agente assistant não é uma boa ideia",
    "remova o agente assistant se ninguém usar",
    "remove the agent assistant when Ana is back",
    "remove the agent assistant tomorrow",
    "set the daily limit of budget to 30. No wait, keep it.",
    "dá pra aumentar o limite diário de budget para 60 ou não?",
    "aumentar o limite diário de budget para 60 seria um erro",
  ])("never plans: %s", async (message) => {
    expect(await say(message)).toMatchObject({ plan: null, intent: null });
  });
});

describe("an answer that names nothing", () => {
  it.each([
    ["quero adicionar um agente", ["não", "não quero mais", "melhor não", "não, deixa"]],
    ["I want to add an agent", ["no", "nope", "none", "no thanks"]],
    ["add an MCP server", ["no", "nada"]],
    ["quero remover um agente", ["não", "nenhum"]],
    ["aumente o orçamento diário para 50 dólares", ["não, esquece", "não", "cancela"]],
  ])("to %j drops it: %j", async (message, answers) => {
    for (const answer of answers) {
      const { threadId } = await say(message);
      const reply = await say(answer, threadId);
      expect(reply, answer).toMatchObject({ plan: null });
      // Nothing is left of it that a word behind could complete.
      expect(await say("catalogo-x", threadId), answer).toMatchObject({ plan: null, intent: null });
    }
  });

  it.each([
    ["adicione um agente", ["ok", "não sei", "depende", "espera", "sim"]],
    ["add an agent", ["yes please", "wait", "sure", "I don't know yet"]],
  ])("to %j asks again: %j", async (message, answers) => {
    const { threadId } = await say(message);
    for (const answer of answers)
      expect(await say(answer, threadId), answer).toMatchObject({
        plan: null,
        intent: "add_agent",
        missing: ["agent_name"],
      });
    expect((await say("catalogo-y", threadId)).payload).toMatchObject({ agent_name: "catalogo-y" });
  });
});

describe("two requests in one message", () => {
  it.each([
    ["remove the agent assistant and add the agent vendas", "add the agent vendas"],
    ["adicione o agente vendas e remova o agente assistant", "remova o agente assistant"],
    ["add the agent vendas. Then set the daily limit of budget to 10", "set the daily limit of budget to 10"],
    ["add the agent vendas; remove the agent assistant", "remove the agent assistant"],
    ["add the agent vendas and the agent compras", "the agent compras"],
    ["adicione o agente vendas e também o agente compras", "o agente compras"],
    ["set the monthly limit of budget to 300 and approvals expiry to 24h", "approvals expiry to 24h"],
    ["set the daily limit of budget to 30 and of cost to 60", "of cost to 60"],
    ["set the daily limit of budget to 30 and remove alert_at", "remove alert_at"],
    ["set the daily limit of budget to 30 and restart server hub", "restart server hub"],
    ["aumente o limite diário de budget para 50, e dê admin para a Vic", "dê admin para a Vic"],
    ["remove the agent assistant, also rotate the key hub/TOKEN", "rotate the key hub/TOKEN"],
    ["remove the agents assistant and everything", "everything"],
    ["add the agent foo with capability chat, and grant Vic the role admin", "grant Vic the role admin"],
    [
      "adicione o agente foo com a capacidade chat e rotacione a chave hub/TOKEN",
      "rotacione a chave hub/TOKEN",
    ],
    ["set the daily limit of budget to 30; which policies are there?", "which policies are there?"],
    ["set the daily limit of budget to 30, plus drop the agent assistant", "drop the agent assistant"],
    [
      "defina o limite diário de budget como 30, além de remover o agente assistant",
      "remover o agente assistant",
    ],
    ["set the daily limit of budget to 30, same for cost", "same for cost"],
    ["double the daily limit of budget and set the monthly one to 900", "set the monthly one to 900"],
    ["remove agent assistant & agent base", "agent base"],
    ["remova o agente assistant + o agente base", "o agente base"],
    ["double the daily limit of budget and of cost", "of cost"],
    ["adicione o agente gama com a capacidade chat e remova-o amanhã", "remova-o amanhã"],
  ])("plans the first and names the second: %s", async (message, second) => {
    const { plan, reply } = await say(message);
    expect(plan).not.toBeNull();
    expect(reply).toContain(second);
    expect(reply).toMatch(/You asked for 2 things|Você pediu 2 coisas/);
  });

  it.each([
    "add the agent search-and-rescue from the repository agents-hub",
    "add the agent billing and a purpose of its own",
    "remove the agent assistant, it is no longer needed",
    "remove the agent assistant and thanks",
    "for the billing team, add the agent billing",
    "add the agent vendas, which reads v1.2 of docs.example.com and answers",
  ])("cuts no name, list or purpose: %s", async (message) => {
    const { plan, reply } = await say(message);
    expect(plan).not.toBeNull();
    expect(reply).not.toContain("You asked for");
  });

  it("takes a list for one request", async () => {
    const { payload, reply } = await say("add the agent vendas with the capabilities chat and search");
    expect(payload).toMatchObject({ agent_name: "vendas", capabilities: ["chat", "search"] });
    expect(reply).not.toContain("You asked for");
  });
});

describe("another person's thread", () => {
  it("is nobody else's to plan, onboard, import or submit in", async () => {
    const { threadId } = await say("add the agent vendas");
    const other = await running.person("planner");
    const plan = { intent: "add_agent", payload: { agent_name: "intruder" } };
    const { patch, plan: own } = await planWith(other, "add_agent", { agent_name: "intruder" });
    const submission = {
      plan: own,
      patch,
      mode: "direct" as const,
      actor: "x",
      actor_email: "x@example.com",
    };
    for (const attempt of [
      other.client.call("plan", { body: { ...plan, threadId } }),
      other.client.call("onboard", {
        body: {
          agent_name: "intruder",
          repository: "acme/x",
          transport: "streamable_http",
          endpoint: "https://mcp.example.com/mcp",
          intent: "plan",
          threadId,
        },
      }),
      other.client.call("importServers", { body: { client: "cursor", contents: "{}", threadId } }),
      other.client.call("apply", { body: { ...submission, threadId } as never }),
    ]) {
      expect(await problemOf(attempt)).toMatchObject({
        code: "not_found",
        detail: `You have no thread ${threadId}`,
      });
    }
    const planned = await planner.client.call("plan", { body: { ...plan, threadId } });
    expect(planned.threadId).toBe(threadId);
  });
});

describe("a credential in a message", () => {
  const token = `ghp_${randomBytes(18).toString("hex")}`;
  const short = "Fin3cret05word";
  const opaque = randomBytes(20).toString("base64url");
  it.each([
    [`connect the server hub with ${token}`, token],
    [`my password is ${opaque}`, opaque],
    [`a senha é ${opaque}, adicione o agente vendas`, opaque],
    [`API_KEY=${opaque} set it for the server hub`, opaque],
    [`a senha do hub é ${short}`, short],
    [`mude a senha de hub para ${short}`, short],
    [`the password for hub, which is ${short}, changed`, short],
    [`docker run -e DB_PASS=${short} image`, short],
    [`curl -u admin:${short} https://hub.example.com`, short],
    [`mysql -p${short} -u root`, short],
    [`{"password":"${short}"}`, short],
    [`{"mcpServers":{"x":{"command":"x","env":{"STRIPE":"${short}"}}}}`, short],
    [`user=bob pass=${short}`, short],
    ...[`${short} is my password`, `${short} é a minha senha`, `troque a senha do hub por ${short}`].map(
      (said): [string, string] => [said, short],
    ),
    ...[`my password's ${short}`, `senha do admin → ${short}`, `senha (admin): ${short}`].map(
      (said): [string, string] => [said, short],
    ),
    ...[`a senha do servidor base agora é: ${short}`, `hub's token should be ${short}`].map(
      (said): [string, string] => [said, short],
    ),
    ...[
      `use ${short} as the token of base`,
      `coloque ${short} como senha do hub`,
      `| senha | ${short} |`,
    ].map((said): [string, string] => [said, short]),
    [`my pass is ${short}`, short],
    [`crm credentials are admin / ${short}`, short],
    [`login admin ${short}`, short],
    [`set the key hub/TOKEN to ${short}`, short],
    [`connect https://hub.example.com/sse?key=${short}`, short],
    [`connect https://hub.example.com/sse?sig=${short}&code=1`, short],
    [`use postgres://app:${opaque}@db.example.com/app`, opaque],
  ])("is kept nowhere, and the reply says where keys go (%#)", async (message, secret) => {
    const reply = await say(message);
    expect(reply.reply).toMatch(/ciclo keys add/);
    expect(JSON.stringify(reply)).not.toContain(secret);
    const overview = await planner.client.call("getChat", { query: { threadId: reply.threadId } });
    expect(JSON.stringify(overview)).not.toContain(secret);
    expect(JSON.stringify(overview)).toContain("•••");
    const { queries } = running.database;
    const kept = await Promise.all([
      queries.selectFrom("threads").selectAll().execute(),
      queries.selectFrom("thread_messages").selectAll().execute(),
      queries.selectFrom("audit_events").selectAll().execute(),
    ]);
    expect(JSON.stringify(kept)).not.toContain(secret);
  });

  it("in the fields of a typed request is not kept with the thread either", async () => {
    const body = {
      message: "a server",
      intent: "onboard_server",
      payload: { command: "npx", args: ["server", `--token=${token}`] },
    };
    const answer = await planner.client.call("chat", { body }).catch((error: unknown) => error);
    expect(JSON.stringify(answer)).not.toContain(token);
    const { queries } = running.database;
    expect(JSON.stringify(await queries.selectFrom("threads").selectAll().execute())).not.toContain(token);
    expect(JSON.stringify(await queries.selectFrom("thread_messages").selectAll().execute())).not.toContain(
      token,
    );
  });

  it.each([
    "add the agent vendas from the repository agents-hub",
    "the token policy is too strict",
    "o que é uma chave de API?",
    "set max-tokens 4000 for the agent assistant",
    "use secret:hub/TOKEN for the header",
    "my token is <your-token>",
    "a chave do problema é simples",
    "rotate the key hub/TOKEN",
    "the key is hub/TOKEN, who uses it?",
    "password: where do I put it?",
    "add agent catalog-v2 as token counter",
    "docker run -p 8080:80 -u 1000:1000 mcp/github",
    "mude o limite mensal de tokens para 2.000.000",
    "commit 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
    "a chave fica em https://example.com/docs/keys",
    "connect https://mcp.example.com/v1/mcp as the server hub",
    "the commit 3f786850e387550fdab836ed7e6dc881de23001b broke the probes",
  ])("ordinary words stay: %s", (message) => {
    expect(maskSecrets(message)).toBe(message);
  });
});
