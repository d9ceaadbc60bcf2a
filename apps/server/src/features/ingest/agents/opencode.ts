import { tokenUsage } from "../../../domain/tokens.ts";
import { count } from "../../../domain/provider-usage.ts";
import type { MeteredCall } from "../../../domain/usage.ts";
import { at, isObject, type Json, numberAt, textAt, timeOf } from "../said.ts";
import { LineError, loggedCall } from "./reader.ts";

/** A row of the table `message` of `opencode.db`, with its `data` parsed. */
export type OpencodeMessage = { id: string; session_id: string; data: Json };

export const opencodeName = "opencode";

/**
 * opencode (seen: 1.18.33): a row a message; input leaves out what was cached, output leaves out reasoning. A fork copies
 * rows under new ids: the moments at which a call began and ended tell that it is the same one. Titles of sessions are
 * made by calls that stand nowhere. Throws a `LineError` or a `UsageError`.
 */
export function opencodeCalls({ session_id, data }: OpencodeMessage): MeteredCall[] {
  const tokens = at(data, "tokens");
  const completed = numberAt(data, "time", "completed");
  // One that is under way, or never came to its end, says zero.
  if (data["role"] !== "assistant" || completed === null || !isObject(tokens)) return [];
  const when = timeOf(completed);
  const created = numberAt(data, "time", "created");
  if (when === null || created === null) throw new LineError("time.created or time.completed is no time");
  const reasoning = count(tokens, "reasoning");
  const cache = at(tokens, "cache");
  const cached = isObject(cache) ? cache : {};
  const counts = {
    input: count(tokens, "input"),
    cacheRead: count(cached, "read"),
    cacheWriteShort: count(cached, "write"),
    cacheWriteLong: 0,
    output: count(tokens, "output") + reasoning,
    reasoning,
  };
  return [
    loggedCall({
      key: `opencode:${created}:${completed}:${Object.values(counts).join(":")}`,
      at: when,
      provider: textAt(data, "providerID"),
      model: textAt(data, "modelID"),
      agent: opencodeName,
      version: null,
      session: session_id,
      likeness: { sessions: [session_id], byTime: false },
      ms: Math.max(0, completed - created),
      usage: tokenUsage(counts),
    }),
  ];
}
