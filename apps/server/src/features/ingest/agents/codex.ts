import { count, inclusive } from "../../../domain/provider-usage.ts";
import { type Tokens, tokenUsage } from "../../../domain/tokens.ts";
import { at, isObject, type Json, textAt, timeOf } from "../said.ts";
import { type AgentLog, LineError, type LogContext, loggedCall } from "./reader.ts";

/**
 * Codex (seen: 0.171.0): a rollout file a thread. Newer versions write a `token_usage_record` for each answer and repeat it
 * as a `token_count` event, older ones write only that.
 */
export const codex: AgentLog = {
  agent: "codex",
  files: /^sessions\/.+\/rollout-[^/]+\.jsonl$/,
  marks: ['"token_usage_record"', '"token_count"', '"session_meta"', '"turn_context"'],
  read(line, context) {
    const payload = at(line, "payload");
    if (!isObject(payload)) return [];
    switch (line["type"]) {
      case "session_meta":
        keep(context, { provider: payload["model_provider"], version: payload["cli_version"] });
        keep(context, { session: payload["session_id"] ?? payload["id"], thread: payload["id"] });
        return [];
      case "turn_context":
        keep(context, { model: payload["model"] });
        return [];
      case "token_usage_record": {
        const response = textAt(payload, "response_id");
        // Without one the event that repeats it tells of the call.
        if (response === null) return [];
        context["hasRecords"] = true;
        // A fork copies lines of other sessions, which say whose they are.
        const own = { session: payload["session_id"], thread: payload["thread_id"] };
        const whose = { ...context };
        keep(whose, own);
        return [call(line, whose, { key: `response:${response}`, usage: at(payload, "usage") })];
      }
      case "event_msg":
        return payload["type"] === "token_count" && context["hasRecords"] !== true
          ? counted(line, payload, context)
          : [];
      default:
        return [];
    }
  },
};

/** An event repeats the last answer's counts whenever something else changes: the sum tells whether there is a new one. */
function counted(line: Json, payload: Json, context: LogContext) {
  const usage = at(payload, "info", "last_token_usage");
  const total = at(payload, "info", "total_token_usage", "total_tokens");
  if (usage === undefined || usage === null || typeof total !== "number") return [];
  if (total === context["total"]) return [];
  context["total"] = total;
  // Without the thread: a fork copies lines into a file of its own.
  return [call(line, context, { key: `codex:${textAt(line, "timestamp") ?? ""}:${total}`, usage })];
}

function call(line: Json, context: LogContext, { key, usage }: { key: string; usage: unknown }) {
  const when = timeOf(line["timestamp"]);
  if (when === null) throw new LineError("timestamp is no time");
  if (!isObject(usage)) throw new LineError("usage is missing");
  return loggedCall({
    key,
    at: when,
    provider: textAt(context, "provider"),
    model: textAt(context, "model"),
    agent: codex.agent,
    version: textAt(context, "version"),
    session: textAt(context, "session"),
    likeness: { sessions: [textAt(context, "session"), textAt(context, "thread")], byTime: false },
    usage: tokenUsage(codexTokens(usage)),
  });
}

/** Input includes what was cached and written to a cache, output includes reasoning. */
const codexTokens = (usage: Json): Tokens =>
  inclusive({
    input: count(usage, "input_tokens"),
    cacheRead: count(usage, "cached_input_tokens"),
    cacheWriteShort: count(usage, "cache_write_input_tokens"),
    output: count(usage, "output_tokens"),
    reasoning: count(usage, "reasoning_output_tokens"),
  });

function keep(context: LogContext, said: Record<string, unknown>): void {
  for (const name of Object.keys(said)) {
    const value = textAt(said, name);
    if (value !== null) context[name] = value;
  }
}
