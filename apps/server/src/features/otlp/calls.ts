import { namesByAnswer, namesByLikeness } from "../../domain/likeness.ts";
import { count, inclusive, UsageError } from "../../domain/provider-usage.ts";
import { type Tokens, tokenUsage } from "../../domain/tokens.ts";
import { type Actor, callerKey } from "../../domain/actor.ts";
import { calledBy, type MeteredCall, noSubject } from "../../domain/usage.ts";
import { sha256 } from "../../lib/crypto.ts";
import type { OtlpRecord } from "./payload.ts";

/** What a record says of one call of a model. */
type Told = {
  /** By which the same record is known when it is sent again. */
  key: string;
  aliases: string[];
  agent: string;
  provider: string | null;
  model: string | null;
  session: string | null;
  tokens: Tokens;
  tier?: string | null;
  ms: number | null;
  /** Whether sources that give no id know the call by its time. */
  byTime: boolean;
};

/**
 * Calls of models that records tell of; all else in them is dropped here. Which record holds what, and what its counts mean,
 * differs from agent to agent (seen: claude-code 2.1.332, codex 0.171.0, gemini-cli 0.61.0, qwen-code 0.24.4, copilot 1.0.102,
 * opencode 1.18.33). Counts that cannot be right are left out, and counted. `arrivedAt` (ISO 8601) is by the console's clock.
 */
export function callsOf(
  records: readonly OtlpRecord[],
  actor: Actor,
  conversations: Conversations,
  arrivedAt: string,
): { calls: MeteredCall[]; unusable: number } {
  const calls: MeteredCall[] = [];
  let unusable = 0;
  const own = conversations.of(actor);
  // What a conversation is held with may be told behind its first answer.
  for (const record of records) own.hear(record);
  for (const record of records) {
    try {
      const told = readerFor(record)?.(record, own) ?? null;
      const at = timeOf(record);
      if (told !== null && at !== null) calls.push(metered(told, at, actor, arrivedAt));
      else if (told !== null) unusable += 1;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      unusable += 1;
    }
  }
  return { calls, unusable };
}

type Reader = (record: OtlpRecord, conversations: OwnConversations) => Told | null;

/** Codex says once, at the beginning of a conversation, which provider it is held with. */
export class Conversations {
  readonly #providers = new Map<string, string>();

  /** Those of one caller: what others say of theirs changes nothing. */
  of(actor: Actor): OwnConversations {
    const caller = callerKey(actor);
    const keyOf = (id: string): string => `${caller} ${id}`;
    return {
      hear: (record) => {
        if (record.attributes.get("event.name") !== "codex.conversation_starts") return;
        const [id, provider] = [textAt(record, "conversation.id"), textAt(record, "provider_name")];
        if (id === null || provider === null) return;
        if (this.#providers.size >= mostConversations) this.#providers.clear();
        this.#providers.set(keyOf(id), provider);
      },
      providerOf: (id) => (id === null ? null : (this.#providers.get(keyOf(id)) ?? null)),
    };
  }
}

type OwnConversations = {
  hear(record: OtlpRecord): void;
  providerOf(id: string | null): string | null;
};

const mostConversations = 10_000;

function readerFor({ service, name, span, attributes }: OtlpRecord): Reader | null {
  const event = attributes.get("event.name");
  // A team may call these two services as it likes: their records have names of their own.
  if (name === "claude_code.api_request" || (service === "claude-code" && event === "api_request"))
    return claude;
  if (event === "codex.sse_event") return codex;
  if (service === "claude-code" || service.startsWith("codex")) return null;
  // Their spans tell of the same calls once more.
  if (service === "gemini-cli") return event === "gemini_cli.api_response" ? gemini : null;
  if (service === "qwen-code") return event === "qwen-code.api_response" ? qwen : null;
  if (/^ai\.(?:stream|generate)(?:Text|Object)\.do(?:Stream|Generate)$/.test(name)) return aiSdk;
  // One level of spans only: what wraps a call repeats its counts.
  const operation = attributes.get("gen_ai.operation.name");
  const isCall =
    operation === undefined
      ? name.startsWith("chat ")
      : operation === "chat" || operation === "text_completion" || operation === "generate_content";
  return span !== null && isCall && attributes.has("gen_ai.usage.input_tokens") ? genAi : null;
}

const textAt = ({ attributes }: OtlpRecord, name: string): string | null => {
  const value = attributes.get(name);
  if (typeof value !== "string" || value === "") return null;
  // Two long ids may begin alike.
  return value.length <= longestText ? value : `${value.slice(0, 200)}…${sha256(value).slice(0, 32)}`;
};

const longestText = 300;

/** A count, which may be written as text (Codex) or with a fraction of nothing. */
function countAt({ attributes }: OtlpRecord, name: string): number {
  const value = attributes.get(name);
  const number = typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : value;
  return count({ [name]: number }, name);
}

const msAt = ({ attributes }: OtlpRecord, name: string): number | null => {
  const value = Number(attributes.get(name) ?? Number.NaN);
  return Number.isFinite(value) && value >= 0 ? value : null;
};

const claude: Reader = (record) => {
  const request = textAt(record, "request_id");
  const session = textAt(record, "session.id");
  const written = countAt(record, "cache_creation_tokens");
  const long = countAt(record, "cache_creation_1h_tokens");
  return {
    // Its sequence begins again when a session is taken up.
    key:
      request === null
        ? `claude:${session}:${record.time}:${record.attributes.get("event.sequence") ?? ""}`
        : `claude:${session}:request:${request}`,
    aliases: request === null ? [] : [`request:${request}`],
    agent: "claude-code",
    provider: "anthropic",
    model: textAt(record, "model"),
    session,
    tokens: {
      input: countAt(record, "input_tokens"),
      cacheRead: countAt(record, "cache_read_tokens"),
      cacheWriteShort: Math.max(countAt(record, "cache_creation_5m_tokens"), written - long),
      cacheWriteLong: long,
      output: countAt(record, "output_tokens"),
      reasoning: 0,
    },
    tier: textAt(record, "speed") === "fast" ? "fast" : null,
    ms: msAt(record, "duration_ms"),
    byTime: false,
  };
};

/** Each answer has two records of this kind; the second has the counts. */
const codex: Reader = (record, conversations) => {
  const { attributes } = record;
  if (attributes.get("event.kind") !== "response.completed" || !attributes.has("input_token_count"))
    return null;
  const session = textAt(record, "conversation.id");
  return {
    key: `codex:${session}:${record.time}`,
    aliases: [],
    agent: "codex",
    provider: conversations.providerOf(session),
    model: textAt(record, "model"),
    session,
    tokens: inclusive({
      input: countAt(record, "input_token_count"),
      cacheRead: countAt(record, "cached_token_count"),
      cacheWriteShort: countAt(record, "cache_write_token_count"),
      output: countAt(record, "output_token_count"),
      reasoning: countAt(record, "reasoning_token_count"),
    }),
    ms: null,
    byTime: false,
  };
};

const gemini: Reader = (record) => {
  const thoughts = countAt(record, "thoughts_token_count");
  const [session, model] = [textAt(record, "session.id"), textAt(record, "model")];
  const tokens = inclusive({
    input: countAt(record, "input_token_count") + countAt(record, "tool_token_count"),
    cacheRead: countAt(record, "cached_content_token_count"),
    cacheWriteShort: 0,
    output: countAt(record, "output_token_count") + thoughts,
    reasoning: thoughts,
  });
  return {
    // Helpers answer in the same millisecond.
    key: `gemini:${session}:${record.time}:${model}:${Object.values(tokens).join(":")}`,
    aliases: [],
    agent: "gemini-cli",
    provider: "google",
    model,
    session,
    tokens,
    ms: msAt(record, "duration_ms"),
    byTime: true,
  };
};

const qwen: Reader = (record) => {
  const response = textAt(record, "response_id");
  const session = textAt(record, "session.id");
  return {
    key: `qwen:${session}:${response ?? record.time}`,
    aliases: namesByAnswer(response),
    agent: "qwen-code",
    provider: textAt(record, "auth_type"),
    model: textAt(record, "model"),
    session,
    tokens: inclusive({
      input: countAt(record, "input_token_count"),
      cacheRead: countAt(record, "cached_content_token_count"),
      cacheWriteShort: 0,
      output: countAt(record, "output_token_count"),
      reasoning: countAt(record, "thoughts_token_count"),
    }),
    ms: msAt(record, "duration_ms"),
    byTime: true,
  };
};

/** Spans of the AI SDK, as opencode and others send them. */
const aiSdk: Reader = (record) => {
  const [input, cacheRead] = [
    countAt(record, "ai.usage.inputTokens"),
    countAt(record, "ai.usage.cachedInputTokens"),
  ];
  const fresh = "ai.usage.inputTokenDetails.noCacheTokens";
  return {
    ...genAiOf(record),
    // `loop.chat`: the provider's name, and the kind of its API.
    provider: textAt(record, "ai.model.provider")?.split(".", 1)[0] ?? null,
    session: textAt(record, "session.id"),
    tokens: inclusive({
      input,
      cacheRead,
      // What was neither new nor read from the cache was written to it.
      cacheWriteShort: record.attributes.has(fresh)
        ? Math.max(0, input - cacheRead - countAt(record, fresh))
        : 0,
      output: countAt(record, "ai.usage.outputTokens"),
      reasoning: countAt(record, "ai.usage.reasoningTokens"),
    }),
    ms: msAt(record, "ai.response.msToFinish"),
  };
};

/** Spans with the names of OpenTelemetry for generative AI, as Copilot sends them. */
const genAi: Reader = (record) => genAiOf(record);

function genAiOf(record: OtlpRecord): Told {
  const response = textAt(record, "gen_ai.response.id");
  const { service } = record;
  return {
    // A call may be told by two spans of a trace, with one answer.
    key:
      response === null ? `span:${record.span}` : `${service}:${record.span?.split(":", 1)[0]}:${response}`,
    aliases: namesByAnswer(response),
    agent: service === "github-copilot" ? "copilot-cli" : service,
    // Before version 1.37 of the conventions it was the system.
    provider: textAt(record, "gen_ai.provider.name") ?? textAt(record, "gen_ai.system"),
    model: textAt(record, "gen_ai.response.model") ?? textAt(record, "gen_ai.request.model"),
    session: textAt(record, "gen_ai.conversation.id"),
    tokens: inclusive({
      input: countAt(record, "gen_ai.usage.input_tokens"),
      cacheRead: countAt(record, "gen_ai.usage.cache_read.input_tokens"),
      cacheWriteShort: countAt(record, "gen_ai.usage.cache_creation.input_tokens"),
      output: countAt(record, "gen_ai.usage.output_tokens"),
      reasoning: countAt(record, "gen_ai.usage.reasoning.output_tokens"),
    }),
    ms: null,
    byTime: false,
  };
}

const earliestMs = Date.parse("2020-01-01T00:00:00.000Z");
const latestMs = Date.parse("9999-12-31T00:00:00.000Z");

function timeOf({ time }: OtlpRecord): string | null {
  // Nanoseconds are more than a number holds exactly.
  const ms = Number(time.slice(0, -6));
  return ms >= earliestMs && ms < latestMs ? new Date(ms).toISOString() : null;
}

function metered(told: Told, at: string, actor: Actor, arrivedAt: string): MeteredCall {
  const { tokens, session, model, byTime } = told;
  const usage = tokenUsage(tokens, { tier: told.tier ?? null });
  // The sender's clock may be wrong; agents export within seconds, so that the time of arrival is as good a name.
  const likeness = [at, arrivedAt].flatMap((time) =>
    namesByLikeness({ sessions: [session], model, at: time, tokens, byTime }),
  );
  return {
    subject: {
      ...noSubject,
      kind: "model",
      source: "otlp",
      provider: told.provider,
      model,
      ...calledBy(actor, { agent: told.agent, agentVersion: null }),
    },
    // Nobody's report takes the place of another's.
    key: `otlp:${callerKey(actor)}:${told.key}`,
    aliases: [...told.aliases, ...new Set(likeness)],
    at,
    session,
    operation: null,
    attempt: 1,
    status: "ok",
    error: null,
    ms: told.ms,
    requestBytes: 0,
    responseBytes: 0,
    usage,
    cost: null,
  };
}
