import type { ModelDialect } from "@ciclo/contract";
import { anthropicUsage, googleUsage, openaiUsage, UsageError } from "../../domain/provider-usage.ts";
import { type ModelUsage, totalOf } from "../../domain/tokens.ts";
import { parseJson } from "../../lib/parse-json.ts";

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What an answer says of itself, whole or event by event. */
export type Heard = {
  /** The provider's own id of the answer. */
  id: string | null;
  /** The model that answered. */
  model: string | null;
  usage: ModelUsage[] | null;
  /** In US dollars, where the provider says what the call cost. */
  costUsd: number | null;
  /** Whether it came to its end: what was heard is all there is. */
  isWhole: boolean;
  /** Bytes of text that the caller was given. */
  textBytes: number;
  /** Why the usage that is there cannot be right. */
  problem: string | null;
  /** The error that the provider answered with, by its kind: its own words may repeat what it was asked. */
  failure: string | null;
};

const nothing = (): Heard => ({
  id: null,
  model: null,
  usage: null,
  costUsd: null,
  isWhole: false,
  textBytes: 0,
  problem: null,
  failure: null,
});

/** Listens to an answer of one dialect. */
export class Listener {
  readonly heard = nothing();
  readonly #dialect: ModelDialect;
  /** Anthropic tells the usage of a stream in two parts. */
  #begun: Json = {};

  constructor(dialect: ModelDialect) {
    this.#dialect = dialect;
  }

  /** A whole answer, as JSON. */
  whole(text: string): void {
    const value = parseJson(text);
    if (value === undefined) this.heard.failure = "the answer is not JSON";
    // Gemini gives a stream that is not asked for as events as a list.
    for (const part of Array.isArray(value) ? value : [value]) if (isObject(part)) this.#answer(part);
    this.heard.isWhole = value !== undefined;
  }

  /** So many bytes of an answer that could not be read. */
  unread(bytes: number): void {
    this.heard.textBytes += bytes;
  }

  /** The data of one event. Returns whether it is nothing but usage that the console asked for. */
  event(data: string): "usage" | null {
    if (data === "[DONE]") {
      this.heard.isWhole = true;
      return null;
    }
    const value = parseJson(data);
    if (!isObject(value)) return null;
    this.#fails(value);
    if (this.#dialect === "anthropic") return this.#anthropicEvent(value);
    if (this.#dialect === "google") return this.#googleEvent(value);
    const isOfResponses = typeof value["type"] === "string" && !Array.isArray(value["choices"]);
    return isOfResponses ? this.#responsesEvent(value) : this.#chatEvent(value);
  }

  /** An error in place of an answer, or in the middle of one. */
  #fails(said: Json): void {
    const error = said["type"] === "error" && !isObject(said["error"]) ? said : said["error"];
    if (!isObject(error)) return;
    const kind = [error["type"], error["code"], error["status"]]
      .map((one) => (typeof one === "number" ? String(one) : one))
      .find((one): one is string => typeof one === "string" && one !== "error");
    this.heard.failure = `the provider answered with an error (${(kind ?? "no kind").slice(0, 100)})`;
  }

  #answer(answer: Json): void {
    const { heard } = this;
    this.#fails(answer);
    if (this.#dialect === "google") {
      this.#googleEvent(answer);
      return;
    }
    heard.id = textOr(answer["id"], heard.id);
    heard.model = textOr(answer["model"], heard.model);
    heard.textBytes += lengthOf(answer["choices"] ?? answer["content"] ?? answer["output"]);
    if (this.#dialect === "anthropic") this.#take(() => anthropicUsage(answer["usage"]));
    else this.#openai(answer["usage"], answer["service_tier"], answer["output"]);
  }

  #anthropicEvent(event: Json): null {
    const { heard } = this;
    const message = event["message"];
    switch (event["type"]) {
      case "message_start":
        if (!isObject(message)) return null;
        heard.id = textOr(message["id"], heard.id);
        heard.model = textOr(message["model"], heard.model);
        this.#begun = isObject(message["usage"]) ? message["usage"] : {};
        this.#take(() => anthropicUsage(this.#begun));
        return null;
      case "message_delta": {
        const said = isObject(event["usage"]) ? event["usage"] : {};
        // What the end does not repeat holds as the beginning said it.
        const known = Object.entries(said).filter(([, value]) => value !== null && value !== undefined);
        this.#begun = { ...this.#begun, ...Object.fromEntries(known) };
        this.#take(() => anthropicUsage(this.#begun));
        return null;
      }
      case "message_stop":
        heard.isWhole = true;
        return null;
      case "content_block_delta":
        heard.textBytes += lengthOf(event["delta"]);
        return null;
      default:
        return null;
    }
  }

  #googleEvent(event: Json): null {
    const { heard } = this;
    heard.id = textOr(event["responseId"], heard.id);
    heard.model = textOr(event["modelVersion"], heard.model);
    const candidates = event["candidates"];
    heard.textBytes += lengthOf(candidates);
    const isFinished =
      Array.isArray(candidates) &&
      candidates.some((one) => isObject(one) && typeof one["finishReason"] === "string");
    if (isFinished) heard.isWhole = true;
    if (event["usageMetadata"] !== undefined) this.#take(() => googleUsage(event["usageMetadata"]));
    return null;
  }

  #responsesEvent(event: Json): null {
    const { heard } = this;
    const type = String(event["type"]);
    const response = event["response"];
    if (isObject(response)) {
      heard.id = textOr(response["id"], heard.id);
      heard.model = textOr(response["model"], heard.model);
      // Whatever the end is called: completed, incomplete, failed, cancelled.
      if (response["usage"] !== undefined && response["usage"] !== null)
        this.#openai(response["usage"], response["service_tier"], response["output"]);
      if (/^response\.(?:completed|incomplete|failed|cancelled)$/.test(type)) heard.isWhole = true;
    }
    if (type.endsWith(".delta")) heard.textBytes += lengthOf(event["delta"]);
    return null;
  }

  #chatEvent(event: Json): "usage" | null {
    const { heard } = this;
    heard.id = textOr(event["id"], heard.id);
    heard.model = textOr(event["model"], heard.model);
    const { choices } = event;
    const isEmpty = !Array.isArray(choices) || choices.length === 0;
    if (!isEmpty) {
      heard.textBytes += lengthOf(choices.map((choice) => (isObject(choice) ? choice["delta"] : null)));
      if (choices.some((choice) => isObject(choice) && typeof choice["finish_reason"] === "string"))
        heard.isWhole = true;
    }
    const { usage } = event;
    if (usage === undefined || usage === null) return null;
    this.#openai(usage, event["service_tier"]);
    // What says more than that goes on to its caller.
    return isEmpty && Object.keys(event).every((name) => usageMembers.has(name)) ? "usage" : null;
  }

  #openai(usage: unknown, tier: unknown, output: unknown = null): void {
    const webSearches = searchesIn(output);
    this.#take(() => openaiUsage(usage, tier)?.map((one) => ({ ...one, webSearches })) ?? null);
    const cost = isObject(usage) ? usage["cost"] : undefined;
    // Gateways that do not know a price say 0.
    if (typeof cost === "number" && Number.isFinite(cost) && cost > 0 && cost < mostUsd)
      this.heard.costUsd = cost;
  }

  /** The latest word holds; one that cannot be right takes nothing away, and is named. */
  #take(read: () => ModelUsage[] | null): void {
    try {
      const usage = read();
      // Some end with an empty usage, after the one that counts.
      const isEmpty = usage?.every(({ tokens }) => totalOf(tokens) === 0) ?? true;
      if (usage !== null && (this.heard.usage === null || !isEmpty)) this.heard.usage = usage;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      this.heard.problem = error.message;
    }
  }
}

/** Searches among the items of an answer; opening a page that was found is none. */
const searchesIn = (output: unknown): number =>
  (Array.isArray(output) ? output : []).filter(
    (item) =>
      isObject(item) &&
      item["type"] === "web_search_call" &&
      (!isObject(item["action"]) || item["action"]["type"] === "search"),
  ).length;

const usageMembers = new Set([
  "id",
  "object",
  "created",
  "model",
  "choices",
  "usage",
  "service_tier",
  "system_fingerprint",
]);

/** A cost of one call above this is a mistake of whoever states it. */
const mostUsd = 10_000;

const textOr = (value: unknown, before: string | null): string | null =>
  typeof value === "string" && value !== "" ? value.slice(0, 300) : before;

const deepest = 12;

/** Bytes of the texts within a part of an answer. */
function lengthOf(value: unknown, depth = 0): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (depth > deepest || typeof value !== "object" || value === null) return 0;
  let bytes = 0;
  for (const [name, part] of Object.entries(value))
    if (!wordsOfForm.has(name)) bytes += lengthOf(part, depth + 1);
  return bytes;
}

/** Members whose text no model wrote. */
const wordsOfForm = new Set([
  "type",
  "role",
  "id",
  "index",
  "finish_reason",
  "finishReason",
  "object",
  "signature",
  "status",
]);
