import {
  type ApprovalItem,
  type ChangeDetail,
  type ChangeSummary,
  type ChatReply,
  type Health,
  intents,
  type Locale,
  type Permission,
  permits,
  type Planned,
  type PlanExecutionResult,
  type ServerSummary,
  type Submission,
} from "@ciclo/contract";
import type { Result } from "@modelcontextprotocol/server";
import { z } from "zod";
import { insufficientPermission, invalidPayload, onlyCalls, Refusal } from "../../errors.ts";
import type { Actor } from "../../domain/actor.ts";
import { fieldErrors } from "../../lib/validation.ts";
import type { Caller } from "./bridge.ts";

/** What the console itself offers to agents and IDEs. Nothing here decides: approving stays with people, in the console. */
export type OwnServerDeps = {
  chat(
    actor: Actor,
    input: { message: string; threadId?: string | undefined },
    locale: Locale,
  ): Promise<ChatReply>;
  plan(actor: Actor, input: { intent: string; payload: unknown; locale: Locale }): Promise<Planned>;
  findPlan(id: string): Promise<{ plan: Planned["plan"]; patch: string } | undefined>;
  submit(actor: Actor, submission: Submission, locale: Locale): Promise<PlanExecutionResult>;
  listChanges(limit: number): Promise<{ items: ChangeSummary[] }>;
  getChange(planId: string, locale: Locale): Promise<ChangeDetail>;
  inbox(actor: Actor, locale: Locale): Promise<{ items: ApprovalItem[] }>;
  health(locale: Locale): Promise<Health>;
  servers(locale: Locale): ServerSummary[];
};

type OwnTool = {
  name: string;
  title: string;
  description: string;
  permission: Permission;
  readOnly: boolean;
  input: z.ZodObject;
  run(input: never, caller: Caller): Promise<unknown>;
};

const tool = <S extends z.ZodObject>(
  definition: Omit<OwnTool, "input" | "run"> & {
    input: S;
    run(input: z.output<S>, caller: Caller): Promise<unknown>;
  },
): OwnTool => definition;

const planIdInput = z.strictObject({ plan_id: z.string().min(1).max(120) });

const ownTools = (deps: OwnServerDeps): OwnTool[] => [
  tool({
    name: "ciclo_chat",
    title: "Ask or request a change",
    description:
      "Say in Portuguese or English what should change in the team's configuration, or ask about it. Nothing is written: the answer may hold a plan, which ciclo_submit sends for approval.",
    permission: "chat",
    readOnly: true,
    input: z.strictObject({
      message: z.string().min(1).max(8000),
      thread_id: z.string().max(100).optional(),
    }),
    run: ({ message, thread_id }, { actor, locale }) =>
      deps.chat(actor, { message, threadId: thread_id }, locale),
  }),
  tool({
    name: "ciclo_plan",
    title: "Plan a change",
    description: `Turn an intent into a plan with a real patch. Nothing is written. Intents: ${intents.join(", ")}.`,
    permission: "plan",
    readOnly: true,
    input: z.strictObject({ intent: z.enum(intents), payload: z.record(z.string().max(200), z.json()) }),
    run: ({ intent, payload }, { actor, locale }) => deps.plan(actor, { intent, payload, locale }),
  }),
  tool({
    name: "ciclo_submit",
    title: "Send a plan for approval",
    description:
      "Commit a plan on a branch of its own and ask people to approve it. Approving is done by people in the console, never here.",
    permission: "submit",
    readOnly: false,
    input: planIdInput.extend({ commit_message: z.string().trim().min(1).max(10_000).optional() }),
    async run({ plan_id, commit_message }, { actor, locale }) {
      const planned = await deps.findPlan(plan_id);
      if (planned === undefined) throw noPlan(plan_id);
      const { plan, patch } = planned;
      const submission = { plan, patch, actor: actor.name, mode: "branch_pr" as const, commit_message };
      return deps.submit(actor, { ...submission, actor_email: actor.email ?? undefined }, locale);
    },
  }),
  tool({
    name: "ciclo_changes",
    title: "Changes",
    description: "Changes, newest first; or one of them with its timeline.",
    permission: "read",
    readOnly: true,
    input: planIdInput.partial(),
    run: ({ plan_id }, { locale }) =>
      plan_id === undefined ? deps.listChanges(20) : deps.getChange(plan_id, locale),
  }),
  tool({
    name: "ciclo_approvals",
    title: "What waits for approval",
    description:
      "Changes that wait for a person's approval, and whether you are one who may give it in the console.",
    permission: "read",
    readOnly: true,
    input: z.strictObject({}),
    run: (_, { actor, locale }) => deps.inbox(actor, locale),
  }),
  tool({
    name: "ciclo_status",
    title: "How everything is",
    description: "Health of the console and of each MCP server, with what to do about what is wrong.",
    permission: "read",
    readOnly: true,
    input: z.strictObject({}),
    run: async (_, { locale }) => ({ health: await deps.health(locale), servers: deps.servers(locale) }),
  }),
];

const noPlan = (id: string): Refusal =>
  new Refusal("not_found", {
    en: `No plan ${id}. Make one with ciclo_plan or ciclo_chat`,
    "pt-BR": `Não há plano ${id}. Faça um com ciclo_plan ou ciclo_chat`,
  });

export type ListedTool = { name: string } & Record<string, unknown>;

export type OwnServer = {
  has(name: string): boolean;
  /** Tools that a caller's roles let it use. */
  list(actor: Actor): ListedTool[];
  /** Calls a tool. What is refused comes back as a tool's error, for the model to read. */
  call(name: string, input: unknown, caller: Caller): Promise<Result>;
};

export function createOwnServer(deps: OwnServerDeps): OwnServer {
  const tools = new Map(ownTools(deps).map((each) => [each.name, each]));
  const listed = [...tools.values()].map((each) => ({
    permission: each.permission,
    tool: {
      name: each.name,
      title: each.title,
      description: each.description,
      inputSchema: schemaOf(each.input),
      annotations: { readOnlyHint: each.readOnly, destructiveHint: false, openWorldHint: false },
    },
  }));
  return {
    has: (name) => tools.has(name),
    list: ({ roles, run }) =>
      (run === undefined ? listed : [])
        .filter(({ permission }) => permits(roles, permission))
        .map((each) => each.tool),
    async call(name, input, caller) {
      const found = tools.get(name);
      try {
        if (found === undefined)
          throw new Refusal("not_found", { en: `No tool ${name}`, "pt-BR": `Não há ferramenta ${name}` });
        if (caller.actor.run !== undefined) throw onlyCalls();
        if (!permits(caller.actor.roles, found.permission)) throw insufficientPermission([found.permission]);
        const parsed = found.input.safeParse(input ?? {});
        if (!parsed.success) throw invalidPayload(fieldErrors(parsed.error));
        const answer = await found.run(parsed.data as never, caller);
        return {
          content: [{ type: "text", text: JSON.stringify(answer) }],
          structuredContent: asObject(answer),
        };
      } catch (error) {
        if (error instanceof Refusal) return refused(error, caller.locale);
        throw error;
      }
    },
  };
}

const asObject = (answer: unknown): Record<string, unknown> =>
  JSON.parse(JSON.stringify(answer)) as Record<string, unknown>;

function schemaOf(input: z.ZodObject): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(input, { io: "input", unrepresentable: "any" });
  return schema;
}

function refused(refusal: Refusal, locale: Locale): Result {
  const lines = refusal.errors.map(({ path, message }) => `${path}: ${message[locale]}`);
  const text = [`${refusal.detail[locale]} [${refusal.code}]`, ...lines].join("\n");
  return { isError: true, content: [{ type: "text", text }] };
}
