import { tokenUsage } from "../../../domain/tokens.ts";
import { count, inclusive } from "../../../domain/provider-usage.ts";
import type { MeteredCall } from "../../../domain/usage.ts";
import { at, isObject, type Json, textAt, timeOf } from "../said.ts";
import { type AgentLog, LineError, type LogContext, loggedCall } from "./reader.ts";

/**
 * Gemini CLI (seen: 0.61.0): a file a session, a line a message; one that calls tools is written twice, and resumed
 * sessions replay messages under their ids. It deletes files itself: what was read stays counted.
 */
export const gemini: AgentLog = {
  agent: "gemini-cli",
  files: /^tmp\/[^/]+\/chats\/.+\.jsonl$/,
  marks: ['"tokens"', '"sessionId"'],
  read(line, context) {
    const session = textAt(line, "sessionId");
    if (session !== null) context["session"] = session;
    const replayed = at(line, "$set", "messages");
    const messages = Array.isArray(replayed) ? replayed.filter(isObject) : [line];
    return messages.flatMap((message) => spoken(message, context));
  },
};

function spoken(message: Json, context: LogContext): MeteredCall[] {
  const tokens = at(message, "tokens");
  if (message["type"] !== "gemini" || !isObject(tokens)) return [];
  const id = textAt(message, "id");
  const when = timeOf(message["timestamp"]);
  if (id === null || when === null)
    throw new LineError(id === null ? "id is missing" : "timestamp is no time");
  const thoughts = count(tokens, "thoughts");
  return [
    loggedCall({
      key: `gemini:${id}`,
      at: when,
      provider: "google",
      model: textAt(message, "model"),
      agent: gemini.agent,
      version: null,
      session: textAt(context, "session"),
      likeness: { sessions: [textAt(context, "session")], byTime: true },
      usage: tokenUsage(
        inclusive({
          // Results of tools are counted beside the prompt.
          input: count(tokens, "input") + count(tokens, "tool"),
          cacheRead: count(tokens, "cached"),
          cacheWriteShort: 0,
          output: count(tokens, "output") + thoughts,
          reasoning: thoughts,
        }),
      ),
    }),
  ];
}
