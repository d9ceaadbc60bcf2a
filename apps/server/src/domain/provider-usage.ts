import { inputOf, type ModelUsage, type Tokens } from "./tokens.ts";

/** A usage object that is there but cannot be right. The message names the field. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** More than any model takes or writes in one call: a number above it is a mistake, and would spend every budget. */
const mostTokens = 100_000_000;

type Json = Record<string, unknown>;

/** A count of tokens. Absent and null are 0; anything but a whole number from 0 to 100 million throws a `UsageError`. */
export function count(from: Json, field: string): number {
  const value = from[field];
  if (value === undefined || value === null) return 0;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > mostTokens)
    throw new UsageError(`${field} is ${describe(value)}: a whole number from 0 to ${mostTokens} is needed`);
  return value;
}

const describe = (value: unknown): string =>
  typeof value === "number" ? String(value) : typeof value === "string" ? "text" : typeof value;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A nested object; an empty one where it is absent. */
function part(from: Json, field: string): Json {
  const value = from[field];
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new UsageError(`${field} is no object`);
  return value;
}

const word = (from: Json, field: string): string | null => {
  const value = from[field];
  return typeof value === "string" && value !== "" ? value.slice(0, 200) : null;
};

/** A part of a larger count cannot be more than all of it. */
function within(value: number, all: number, field: string, whole: string): number {
  if (value > all) throw new UsageError(`${field} (${value}) is more than ${whole} (${all})`);
  return value;
}

/**
 * Usage as Anthropic's Messages API gives it: input leaves out what was read from and written to caches. Several attempts
 * behind one answer, and compaction, which the sums leave out, are in `iterations` (SDK 1.14.0, `BetaUsage`): one entry each.
 * Null where there is no usage. Throws a `UsageError`.
 */
export function anthropicUsage(usage: unknown): ModelUsage[] | null {
  if (usage === undefined || usage === null) return null;
  if (!isObject(usage)) throw new UsageError("usage is no object");
  const whole: ModelUsage = {
    tokens: anthropicTokens(usage),
    webSearches: count(part(usage, "server_tool_use"), "web_search_requests"),
    otherModality: 0,
    model: null,
    tier: anthropicTier(usage),
  };
  const iterations = usage["iterations"];
  if (!Array.isArray(iterations) || iterations.length === 0) return [whole];
  const attempts = iterations.slice(0, mostIterations).filter(isObject);
  const [added, counted] = [[] as ModelUsage[], [] as ModelUsage[]];
  for (const attempt of attempts) {
    const isInSum = attempt["type"] === "message" || attempt["type"] === "fallback_message";
    (isInSum ? counted : added).push({
      ...whole,
      tokens: anthropicTokens(attempt),
      webSearches: 0,
      model: word(attempt, "model"),
    });
  }
  // Attempts that do not come to the sum are not all there: the sum is what is billed.
  const [first, ...others] = counted;
  const covers =
    first !== undefined && counted.reduce((n, { tokens }) => n + inputOf(tokens), 0) >= inputOf(whole.tokens);
  return covers ? [{ ...first, webSearches: whole.webSearches }, ...others, ...added] : [whole, ...added];
}

const mostIterations = 1000;

function anthropicTokens(usage: Json): Tokens {
  const written = count(usage, "cache_creation_input_tokens");
  const creation = part(usage, "cache_creation");
  const long = count(creation, "ephemeral_1h_input_tokens");
  const short = count(creation, "ephemeral_5m_input_tokens");
  const output = count(usage, "output_tokens");
  return {
    input: count(usage, "input_tokens"),
    cacheRead: count(usage, "cache_read_input_tokens"),
    // The sum alone says nothing of how long; five minutes is what is had without asking.
    cacheWriteShort: Math.max(short, written - long),
    cacheWriteLong: long,
    output,
    reasoning: within(
      count(part(usage, "output_tokens_details"), "thinking_tokens"),
      output,
      "thinking_tokens",
      "output_tokens",
    ),
  };
}

const anthropicTier = (usage: Json): string | null =>
  usage["speed"] === "fast" ? "fast" : word(usage, "service_tier");

/**
 * Usage as OpenAI's Chat Completions, Responses and Embeddings give it, and those who follow them: input includes what was
 * read from and written to caches, output includes reasoning. Where a total is given that only adds up with reasoning apart
 * (xAI), it is apart. Null where there is no usage. Throws a `UsageError`.
 */
export function openaiUsage(usage: unknown, tier: unknown = null): ModelUsage[] | null {
  if (usage === undefined || usage === null) return null;
  if (!isObject(usage)) throw new UsageError("usage is no object");
  const isChat = "prompt_tokens" in usage || "completion_tokens" in usage;
  const [inputName, outputName] = isChat
    ? ["prompt_tokens", "completion_tokens"]
    : ["input_tokens", "output_tokens"];
  // What says neither in a form that is known says nothing of what was used.
  if (!(inputName in usage) && !(outputName in usage)) return null;
  const input = count(usage, inputName);
  const written = count(usage, outputName);
  const inputDetails = part(usage, `${inputName}_details`);
  const outputDetails = part(usage, `${outputName}_details`);
  const reasoning = count(outputDetails, "reasoning_tokens");
  const isApart = reasoning > 0 && count(usage, "total_tokens") === input + written + reasoning;
  return [
    {
      tokens: inclusive({
        input,
        cacheRead:
          "cached_tokens" in inputDetails
            ? count(inputDetails, "cached_tokens")
            : count(usage, "prompt_cache_hit_tokens"),
        cacheWriteShort: count(inputDetails, "cache_write_tokens"),
        output: isApart ? written + reasoning : written,
        reasoning,
      }),
      webSearches: 0,
      otherModality:
        count(inputDetails, "audio_tokens") +
        count(outputDetails, "audio_tokens") +
        count(outputDetails, "image_tokens"),
      model: null,
      tier: typeof tier === "string" && tier !== "" ? tier.slice(0, 200) : null,
    },
  ];
}

/**
 * Usage as Gemini's `usageMetadata` gives it: the prompt includes what was cached, the candidates leave out thoughts and
 * the prompt leaves out results of tools. Where the total only adds up with thoughts within the candidates (Qwen Code's
 * logs), they are within. Null where there is no usage. Throws a `UsageError`.
 */
export function googleUsage(usage: unknown): ModelUsage[] | null {
  if (usage === undefined || usage === null) return null;
  if (!isObject(usage)) throw new UsageError("usageMetadata is no object");
  const input = count(usage, "promptTokenCount") + count(usage, "toolUsePromptTokenCount");
  const candidates = count(usage, "candidatesTokenCount");
  const reasoning = count(usage, "thoughtsTokenCount");
  const isWithin = reasoning > 0 && count(usage, "totalTokenCount") === input + candidates;
  return [
    {
      tokens: inclusive({
        input,
        cacheRead: count(usage, "cachedContentTokenCount"),
        cacheWriteShort: 0,
        output: isWithin ? candidates : candidates + reasoning,
        reasoning,
      }),
      webSearches: 0,
      otherModality: modalities(usage["promptTokensDetails"]) + modalities(usage["candidatesTokensDetails"]),
      model: null,
      tier: googleTier(usage),
    },
  ];
}

const googleTier = (usage: Json): string | null => {
  const traffic = word(usage, "trafficType") ?? word(usage, "serviceTier");
  if (traffic === null || /^on_demand$/i.test(traffic)) return traffic === null ? null : "standard";
  return traffic.toLowerCase().replace(/^on_demand_/, "");
};

/** Tokens of kinds that a price for text does not hold for. Images and documents are read at the price of text. */
function modalities(details: unknown): number {
  if (!Array.isArray(details)) return 0;
  return details
    .filter(isObject)
    .filter(({ modality }) => modality === "AUDIO" || modality === "VIDEO")
    .reduce((sum, detail) => sum + count(detail, "tokenCount"), 0);
}

/** From counts whose input includes caches and whose output includes reasoning. */
export function inclusive(counts: {
  input: number;
  cacheRead: number;
  cacheWriteShort: number;
  output: number;
  reasoning: number;
}): Tokens {
  const { input, cacheRead, cacheWriteShort, output, reasoning } = counts;
  within(cacheRead + cacheWriteShort, input, "cached tokens", "all input");
  within(reasoning, output, "reasoning", "all output");
  return {
    input: input - cacheRead - cacheWriteShort,
    cacheRead,
    cacheWriteShort,
    cacheWriteLong: 0,
    output,
    reasoning,
  };
}
