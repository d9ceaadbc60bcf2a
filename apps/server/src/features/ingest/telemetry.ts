import { crc32 } from "node:zlib";
import { namesByAnswer } from "../../domain/likeness.ts";
import { count, openaiUsage, UsageError } from "../../domain/provider-usage.ts";
import { type ModelUsage, tokenUsage } from "../../domain/tokens.ts";
import {
  type CallStatus,
  type CallSubject,
  type Cost,
  type MeteredCall,
  noSubject,
  statedCost,
} from "../../domain/usage.ts";
import { LineError, type LogContext } from "./agents/reader.ts";
import { isObject, type Json, numberAt, textAt, timeOf } from "./said.ts";

/** How a status of a telemetry line is called in the ledger. */
const statuses: ReadonlyMap<string, CallStatus> = new Map([
  ["success", "ok"],
  ["denied", "refused"],
  ["error", "error"],
  ["pending", "pending"],
]);

/** Where tokens are what the server counted, and not what the provider said. */
const counted: ReadonlySet<string> = new Set(["heuristic", "tokenizer"]);

/** A price of one call above this is a mistake of whoever wrote it. In US dollars. */
const mostUsd = 10_000;
const mostMs = 30 * 24 * 3_600_000;
/** Clocks may be so far ahead. */
const aheadMs = 24 * 3_600_000;

/**
 * Reads lines of `<logs>/<server>/*.jsonl`, which MCP servers with cost guard-rails write: one JSON object a call, as
 * `glm46-mcp-server` does. Throws a `LineError` or a `UsageError` that says which field cannot be used.
 */
export class TelemetryReader {
  readonly #server: string;
  readonly #now: () => number;
  /** Lines of one kind share their subject. */
  readonly #subjects = new Map<string, CallSubject>();
  #most = "";
  #last: { tool: unknown; route: unknown; provider: unknown; model: unknown; subject: CallSubject } | null =
    null;

  constructor(server: string, now: () => number) {
    this.#server = server;
    this.#now = now;
  }

  read(line: Json, context: LogContext, raw: Uint8Array): MeteredCall[] {
    const { ts, status: said, metadata } = line;
    const when = typeof ts === "string" ? timeOf(ts) : null;
    if (when === null) throw new LineError("ts is no time from 2020 on");
    if (when > this.#most && when > this.#latest()) throw new LineError("ts is more than a day ahead");
    const status = typeof said === "string" ? statuses.get(said) : undefined;
    if (status === undefined) throw new LineError("status is none of success, denied, error and pending");
    const more = isObject(metadata) ? metadata : {};
    const duration = limited(line, "duration_ms", mostMs);
    const usage = usageIn(line, more);
    return [
      {
        subject: this.#subject(line, more),
        key: `t:${this.#server}:${keyOf(when, raw, context)}`,
        aliases: aliasesIn(more),
        at: when,
        session: null,
        operation: null,
        attempt: 1,
        status,
        error: status === "ok" ? null : textAt(more, "reason"),
        ms: duration,
        requestBytes: 0,
        responseBytes: 0,
        // What was denied was never sent: its tokens are those that it would have had.
        usage: status === "ok" || status === "error" ? usage : null,
        isEstimate: counted.has(textAt(more, "usage_source") ?? ""),
        cost: costIn(line, status),
      },
    ];
  }

  /** The latest time that a line may have. The clock is asked where what it said before does not do. */
  #latest(): string {
    this.#most = new Date(this.#now() + aheadMs).toISOString();
    return this.#most;
  }

  #subject({ tool, route }: Json, { provider, model }: Json): CallSubject {
    // Most lines are like the one before.
    const last = this.#last;
    if (
      last !== null &&
      last.tool === tool &&
      last.route === route &&
      last.provider === provider &&
      last.model === model
    )
      return last.subject;
    const named = textAt({ tool }, "tool");
    if (named === null) throw new LineError("tool is missing");
    const told = [
      named,
      textAt({ provider }, "provider"),
      textAt({ model }, "model"),
      textAt({ route }, "route"),
    ] as const;
    const key = told.join("\n");
    const subject = this.#subjects.get(key) ?? this.#newSubject(...told);
    if (this.#subjects.size > mostSubjects) this.#subjects.clear();
    this.#subjects.set(key, subject);
    this.#last = { tool, route, provider, model, subject };
    return subject;
  }

  #newSubject(
    tool: string,
    provider: string | null,
    model: string | null,
    phase: string | null,
  ): CallSubject {
    return {
      ...noSubject,
      kind: "model",
      source: "telemetry",
      server: this.#server,
      tool,
      provider,
      model,
      phase,
    };
  }
}

const mostSubjects = 1000;
const noAliases: readonly string[] = [];

/** Names by which others know the call: the request through the gateway, and the model's answer. */
function aliasesIn(metadata: Json): readonly string[] {
  const [response, call] = [textAt(metadata, "response_id"), textAt(metadata, "call_id")];
  if (response === null && call === null) return noAliases;
  // Where both are known the request through the gateway is meant.
  // A server learns of the request that it serves, and of no other call.
  const own = call !== null && call.startsWith("gateway:") ? [call] : [];
  return [...own, ...namesByAnswer(response)];
}

/**
 * What the same line always has, wherever a copy of it stands: its time, its bytes, and which of several equal lines of one
 * moment it is. The context holds the lines of the moment, each as often as it was there.
 */
function keyOf(when: string, raw: Uint8Array, context: LogContext): string {
  const isOfWindows = raw.at(-1) === carriageReturn;
  const sum = String(crc32(isOfWindows ? raw.subarray(0, -1) : raw));
  const key = `${when}:${sum}`;
  if (context["moment"] !== when) {
    context["moment"] = when;
    context["sums"] = sum;
    return key;
  }
  const sums = String(context["sums"]);
  const times = sums.split(" ").filter((one) => one === sum).length;
  if (sums.length < mostSums) context["sums"] = `${sums} ${sum}`;
  return times === 0 ? key : `${key}:${times}`;
}

const carriageReturn = 13;
/** Characters of sums that are kept: those of a hundred lines of one moment. */
const mostSums = 1100;

function usageIn(line: Json, { usage: reported }: Json): ModelUsage | null {
  const input = given(line, "tokens_in");
  const output = given(line, "tokens_out");
  const [usage] = (reported === undefined ? null : openaiUsage(reported)) ?? [];
  if (usage !== undefined) return usage;
  if (input === null && output === null) return null;
  return tokenUsage({ input: input ?? 0, output: output ?? 0 });
}

const given = (line: Json, field: string): number | null =>
  line[field] === undefined || line[field] === null ? null : count(line, field);

function costIn(line: Json, status: CallStatus): Cost | null {
  if (status === "refused" || status === "pending") return { nanoUsd: null, source: "none", version: null };
  const usd = limited(line, "cost_estimated_usd", mostUsd);
  // Without its own estimate the ledger looks for a price.
  return usd === null ? null : { nanoUsd: Math.round(usd * 1e9), source: "estimated", version: statedCost };
}

function limited(line: Json, field: string, most: number): number | null {
  const value = line[field];
  if (value === undefined || value === null) return null;
  const number = numberAt(line, field);
  if (number === null || number > most) throw new UsageError(`${field} is no number from 0 to ${most}`);
  return number;
}
