import { threadMessageSchema } from "@ciclo/contract";
import { z } from "zod";
import { fromJson } from "../../db/json.ts";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type ChatOverview,
  type ChatReply,
  intentFields,
  intents,
  type Locale,
  permits,
  type Planned,
  type ThreadMessage,
} from "@ciclo/contract";
import type { Queries, AuditedTransaction } from "../../db/dialect.ts";
import { fieldError, insufficientPermission, invalidPayload, notFound, Refusal } from "../../errors.ts";
import type { Purge } from "../../domain/retention.ts";
import type { Actor } from "../../domain/actor.ts";
import type { CycleWish, CycleWishOutcome } from "../../domain/cycle-wish.ts";
import type { ConfigRepository } from "../../domain/config-repository.ts";
import type { SearchConfig, Snapshot } from "../../domain/snapshot.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { newId } from "../../lib/ids.ts";
import type { Logger } from "../../lib/logger.ts";
import { maskFields, maskSecrets } from "../../lib/mask-secrets.ts";
import { markdownSections, SearchIndex } from "../../lib/search-index.ts";
import { answerQuestion } from "./answers.ts";
import { knownFields, missingFields, type Pending, takeTurn, type Turn } from "./conversation.ts";
import { type AssistantModel, askModel, phase } from "./by-model.ts";
import * as store from "./store.ts";
import { cycleAsked } from "./recognise/cycle.ts";
import { computed } from "./recognise/relative.ts";
import { requestsIn } from "./recognise/several.ts";
import {
  answeredBy,
  askFor,
  cancelled,
  cycleByPerson,
  cycleNeedsPlanner,
  cycleOutcome,
  cycleRefused,
  intentTexts,
  languageOf,
  maskedText,
  needsPlanner,
  planned,
  sayTheValue,
  understood,
  unplannedText,
  withoutModel,
} from "./texts.ts";

export type AssistantDeps = {
  queries: Queries;
  transaction: AuditedTransaction;
  clock: Clock;
  repository: ConfigRepository;
  search: SearchConfig;
  /** Folder of the product's own documentation. */
  docsFolder: string;
  /** For what the rules do not understand, where one is configured. */
  model: AssistantModel;
  logger: Logger;
  /** Starts a delivery cycle for what somebody said. Throws a `Refusal` where it cannot be. */
  startCycle(actor: Actor, wish: CycleWish, locale: Locale): Promise<CycleWishOutcome>;
  plan(
    actor: Actor,
    input: { intent: string; payload: unknown; threadId?: string | undefined; locale: Locale },
  ): Promise<Planned>;
};

export type ChatInput = {
  message: string;
  intent?: string | undefined;
  payload?: Record<string, unknown> | undefined;
  threadId?: string | undefined;
  /** Whether a program says this for its user: it starts nothing that costs money by words. */
  isForSomebody?: boolean;
};

export type AssistantService = {
  chat(actor: Actor, input: ChatInput, locale: Locale): Promise<ChatReply>;
  /** Throws `not_found` where the thread is another person's, or nobody's. */
  mustOwnThread(actor: Actor, threadId: string): Promise<void>;
  overview(actor: Actor, threadId: string | undefined, locale: Locale): Promise<ChatOverview>;
  /** Deletes threads that have been silent. */
  purge: Purge;
};

type Reply = Omit<ChatReply, "threadId">;

const asQuestion: Turn = { kind: "question" };

export function createAssistantService(deps: AssistantDeps): AssistantService {
  let documentation: SearchIndex | null = null;
  const docs = (): SearchIndex => (documentation ??= new SearchIndex(readDocumentation(deps.docsFolder)));
  return {
    purge: (before, limit) =>
      deps.transaction((queries) => store.deleteThreadsBefore(queries, before, limit)),
    async chat(actor, given, locale) {
      // What is no business of a conversation is neither understood nor kept.
      const input = { ...given, message: maskSecrets(given.message) };
      const thread = await openThread(deps, actor, input);
      // A bare answer, such as a name, tells no language: then it is that of the thread.
      const language = languageOf(input.message, languageOf(thread.title, locale));
      const snapshot = await deps.repository.snapshot(await deps.repository.head());
      const wish = input.intent === undefined ? cycleAsked(input.message) : null;
      const { turn: understood, unplanned } =
        wish === null ? turnOf(actor, input, thread, snapshot) : { turn: asQuestion, unplanned: [] };
      const scene = { deps, actor, thread, snapshot, docs, language };
      const { turn, answer } =
        wish === null
          ? await answered(scene, understood, input.message)
          : { turn: understood, answer: await cycleReply(scene, wish, input.isForSomebody ?? false) };
      const beside = [
        ...(input.message === given.message ? [] : [maskedText[language]]),
        ...(unplanned.length === 0 ? [] : [unplannedText(unplanned)[language]]),
      ];
      const reply = { ...answer, reply: [...beside, answer.reply].join("\n\n") };
      const pending =
        turn.kind === "request" ? turn.pending : turn.kind === "cancelled" ? null : pendingOf(thread);
      await saveTurn(deps, actor, thread, pending, input.message, reply);
      return { threadId: thread.id, ...reply };
    },
    async mustOwnThread(actor, threadId) {
      await mustFindThread(deps.queries, threadId, actor.id ?? actor.name);
    },
    async overview(actor, threadId, locale) {
      const userId = actor.id ?? actor.name;
      const threads = await store.listThreads(deps.queries, userId);
      const overview: ChatOverview = {
        threads: threads.map(({ id, title, updated_at }) => ({ threadId: id, title, updated_at })),
        intents: intents.map((intent) => ({
          intent,
          description: intentTexts[intent].description[locale],
          ...intentFields(intent),
          example: intentTexts[intent].example[locale],
        })),
      };
      if (threadId === undefined) return overview;
      const thread = await mustFindThread(deps.queries, threadId, userId);
      const messages = await store.messagesOf(deps.queries, thread.id);
      return { ...overview, threadId: thread.id, messages: messages.map(presentMessage) };
    },
  };
}

/** A typed request goes as it is; words are understood with what the thread remembers. */
function turnOf(
  actor: Actor,
  input: ChatInput,
  thread: store.Thread,
  snapshot: Snapshot,
): { turn: Turn; unplanned: string[] } {
  if (input.intent === undefined) {
    if (input.payload !== undefined) {
      throw invalidPayload([
        fieldError("intent", "is required with a payload", "é obrigatório com um payload"),
      ]);
    }
    const known = {
      agents: [...snapshot.agents.keys()],
      policies: [...snapshot.policies.keys()],
      servers: snapshot.registry.servers.map(({ id }) => id),
    };
    const [first = input.message, ...unplanned] = requestsIn(input.message, known);
    return { turn: withLiveValues(takeTurn(first, pendingOf(thread), known), snapshot), unplanned };
  }
  const intent = intents.find((each) => each === input.intent);
  if (intent === undefined) {
    const list = intents.join(", ");
    throw invalidPayload([
      fieldError(
        "intent",
        `unknown intent ${input.intent}; there are: ${list}`,
        `intent ${input.intent} desconhecido; há: ${list}`,
      ),
    ]);
  }
  if (!permits(actor.roles, "plan")) throw insufficientPermission(["plan"]);
  const pending = { intent, payload: input.payload ?? {} };
  return { turn: { kind: "request", pending, missing: missingFields(pending) }, unplanned: [] };
}

/** "10 % more" of what is live now, and never of nothing. A request that still misses something is computed once it is whole. */
function withLiveValues(turn: Turn, { policies }: Snapshot): Turn {
  if (turn.kind !== "request" || turn.pending.intent !== "edit_policies" || turn.missing.length > 0)
    return turn;
  const { payload } = turn.pending;
  const changes = computed(payload.changes, policies.get(String(payload.policy_id)));
  if (changes === null) return { kind: "unclear" };
  return { ...turn, pending: { ...turn.pending, payload: { ...payload, changes } } };
}

type Scene = {
  deps: AssistantDeps;
  actor: Actor;
  thread: store.Thread;
  snapshot: Snapshot;
  docs: () => SearchIndex;
  language: Locale;
};

/** The answer to a message: by the rules where they understand it, else by a model where there is one. */
async function answered(scene: Scene, turn: Turn, message: string): Promise<{ turn: Turn; answer: Reply }> {
  const { deps, actor, snapshot, language } = scene;
  const byRules = await respond(scene, turn, message);
  const isUnderstood = turn.kind === "request" || turn.kind === "cancelled";
  if (isUnderstood || !deps.model.answers(phase)) return { turn, answer: byRules };
  try {
    const { references } = byRules;
    const said = await askModel(deps.model, { actor, message, language, snapshot, references });
    if (said === null) return { turn, answer: byRules };
    const by = answeredBy(said.model)[language];
    if (said.kind === "text") return { turn, answer: { ...plain(`${said.text}\n\n${by}`), references } };
    const pending = { intent: said.intent, payload: said.payload };
    const proposed: Turn = { kind: "request", pending, missing: missingFields(pending) };
    const answer = await respond(scene, proposed, message);
    return { turn: proposed, answer: { ...answer, reply: `${answer.reply}\n\n${by}` } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // The rules' own answer stands; that a model had no part in it is said.
    deps.logger.warn({ err: error }, "the assistant's model was of no help");
    const why = error.errors.map(({ path, message: wrong }) => `${path}: ${wrong[language]}`);
    const note = withoutModel([error.detail[language], ...why].join("; "))[language];
    return { turn, answer: { ...byRules, reply: `${byRules.reply}\n\n${note}` } };
  }
}

async function respond(scene: Scene, turn: Turn, message: string): Promise<Reply> {
  const { deps, actor, thread, snapshot, language } = scene;
  if (turn.kind === "cancelled") return plain(cancelled[language]);
  if (turn.kind === "unclear") return plain(sayTheValue[language]);
  if (turn.kind === "question") {
    const sources = { documentation: scene.docs(), search: deps.search, snapshot };
    const answer = answerQuestion(message, sources, language);
    return { ...plain(answer.reply), references: answer.references };
  }
  const { intent, payload } = turn.pending;
  const shown = maskFields(payload) as Pending["payload"];
  const base = { ...plain(""), intent, payload: shown as Reply["payload"], missing: turn.missing };
  if (turn.missing.length > 0) {
    return { ...base, reply: askFor(intent, shown, turn.missing, [...snapshot.policies.keys()], language) };
  }
  if (!permits(actor.roles, "plan")) {
    return { ...base, reply: `${understood(intent, shown, language)}\n\n${needsPlanner[language]}` };
  }
  const result = await deps.plan(actor, { intent, payload, threadId: thread.id, locale: language });
  return {
    ...base,
    reply: `${understood(intent, shown, language)}\n\n${planned(result.plan.summary, result.plan.id)[language]}`,
    plan: result.plan,
    diffs: result.diffs,
    patch: result.patch,
    preview: result.preview,
    references: result.plan.context,
  };
}

/** Starts the cycle that somebody asked for, or says what it still takes. */
async function cycleReply(
  { deps, actor, language }: Scene,
  wish: CycleWish,
  isForSomebody: boolean,
): Promise<Reply> {
  if (!permits(actor.roles, "plan")) return plain(cycleNeedsPlanner[language]);
  if (isForSomebody) return plain(cycleByPerson[language]);
  try {
    const outcome = await deps.startCycle(actor, wish, language);
    const reply = plain(cycleOutcome(outcome)[language]);
    return outcome.kind === "started" ? { ...reply, cycle: outcome.cycle } : reply;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const why = error.errors.map(({ message }) => message[language]);
    return plain([cycleRefused[language], error.detail[language], ...why].join(" "));
  }
}

const plain = (reply: string): Reply => ({
  reply,
  intent: null,
  payload: null,
  missing: [],
  plan: null,
  diffs: [],
  patch: null,
  preview: null,
  references: [],
  cycle: null,
});

async function openThread(deps: AssistantDeps, actor: Actor, input: ChatInput): Promise<store.Thread> {
  const userId = actor.id ?? actor.name;
  if (input.threadId !== undefined) return mustFindThread(deps.queries, input.threadId, userId);
  const at = stamp(deps.clock());
  return {
    id: newId(),
    user_id: userId,
    title: input.message.slice(0, 80),
    pending: null,
    created_at: at,
    updated_at: at,
  };
}

async function mustFindThread(queries: Queries, id: string, userId: string): Promise<store.Thread> {
  const thread = await store.findThread(queries, id, userId);
  if (thread === undefined) throw notFound(`You have no thread ${id}`, `Você não tem a conversa ${id}`);
  return thread;
}

const pendingSchema: z.ZodType<Pending> = z.object({
  intent: z.enum(intents),
  payload: z.record(z.string(), z.unknown()),
  field: z.string().max(100).optional(),
});

function pendingOf(thread: store.Thread): Pending | null {
  return thread.pending === null ? null : fromJson(pendingSchema, thread.pending);
}

async function saveTurn(
  deps: AssistantDeps,
  actor: Actor,
  thread: store.Thread,
  pending: Pending | null,
  message: string,
  { reply, ...answer }: Reply,
): Promise<void> {
  const at = stamp(deps.clock());
  const kept =
    pending === null
      ? null
      : { ...pending, payload: maskFields(knownFields(pending.intent, pending.payload)) };
  await deps.transaction(async (queries, record) => {
    await store.saveThread(queries, {
      ...thread,
      pending: kept === null ? null : JSON.stringify(kept),
      updated_at: at,
    });
    await store.addMessages(queries, thread.id, [
      { id: newId(), role: "user", text: message, answer: null, at },
      { id: newId(), role: "assistant", text: reply, answer: JSON.stringify(answer), at },
    ]);
    await record({
      actor,
      action: "chat.message",
      resource: `thread:${thread.id}`,
      status: "succeeded",
      planId: answer.plan?.id,
      metadata: { intent: answer.cycle === null ? answer.intent : "start_cycle" },
    });
  });
}

const presentMessage = (message: store.Message): ThreadMessage => ({
  id: message.id,
  role: threadMessageSchema.shape.role.parse(message.role),
  text: message.text,
  at: message.at,
  answer: fromJson(threadMessageSchema.shape.answer, message.answer),
});

/** The product's documentation: every Markdown file below its folder, cut at headings. */
function readDocumentation(folder: string) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .toSorted()
    .flatMap((name) => markdownSections(`docs/${name}`, readFileSync(join(folder, name), "utf8")));
}
