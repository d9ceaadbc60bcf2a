import { createClient, type Planned } from "@ciclo/contract";
import { type RunningConsole, startConsole } from "./server.ts";

/** A console that has been in use: changes in every state, with a conversation. Returns what tests open. */
async function seed(url: string, tokens: Record<string, string>) {
  const as = (name: string) => createClient({ baseUrl: url, token: tokens[name], locale: "pt-BR" });
  const ana = as("ana");
  const submit = async ({ plan, patch }: Pick<Planned, "plan" | "patch">, threadId?: string) =>
    ana.call("apply", {
      body: {
        plan,
        patch,
        actor: "ana",
        actor_email: "ana@example.com",
        ...(threadId === undefined ? {} : { threadId }),
      },
    });
  const add = async (agent_name: string) =>
    submit(await ana.call("plan", { body: { intent: "add_agent", payload: { agent_name } } }));
  const decide = (approvalId: string | null, decision: "approve" | "reject", reason: string) =>
    as("bruno").call("apply", {
      body: { approval_id: approvalId ?? "", approval_decision: decision, approval_reason: reason },
    });
  await as("root").call("createUser", {
    body: { name: "Zé da Conceição Albuquerque", email: "ze@example.com", roles: [] },
  });
  const applied = await add("catalog");
  await decide(applied.approval_id, "approve", "Conferi o manifesto e o repositório.");
  const rejected = await add("shadow");
  await decide(rejected.approval_id, "reject", "Sem dono nem repositório.");
  const undone = await add("scratch");
  await decide(undone.approval_id, "approve", "ok");
  await as("bruno").call("rollback", { body: { plan_id: undone.plan_id, reason: "Era só um teste." } });
  const pending = await submit(
    await ana.call("plan", {
      body: {
        intent: "edit_policies",
        payload: { policy_id: "spend-guard", changes: { limits: { monthly_usd: 900 } } },
      },
    }),
  );
  const chat = await ana.call("chat", {
    body: { message: "Adicione o agente fiscal do repositório acme/fiscal" },
  });
  await ana.call("chat", { body: { message: "Quais políticas existem?", threadId: chat.threadId } });
  return {
    applied: applied.plan_id,
    pending: pending.plan_id,
    undone: undone.plan_id,
    threadId: chat.threadId,
  };
}

/** A console of its own that has been in use; root may do everything. */
export async function startSeeded(): Promise<{
  server: RunningConsole;
  seeded: Awaited<ReturnType<typeof seed>>;
}> {
  const server = await startConsole({
    ana: ["viewer", "planner"],
    bruno: ["viewer", "approver"],
    root: ["viewer", "planner", "approver", "admin"],
  });
  return { server, seeded: await seed(server.url, server.tokens) };
}
