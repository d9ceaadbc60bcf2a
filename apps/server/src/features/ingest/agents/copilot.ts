import { tokenUsage } from "../../../domain/tokens.ts";
import { namesByAnswer } from "../../../domain/likeness.ts";
import { count, inclusive } from "../../../domain/provider-usage.ts";
import { at, isObject, numberAt, textAt, timeOf } from "../said.ts";
import { type AgentLog, LineError, loggedCall } from "./reader.ts";

/** Copilot CLI (seen: 1.0.102): a `session.usage_record` for each answer that came to its end. */
export const copilot: AgentLog = {
  agent: "copilot-cli",
  files: /^session-state\/[^/]+\/events\.jsonl$/,
  marks: ['"session.usage_record"', '"session.start"'],
  read(line, context) {
    if (line["type"] === "session.start") {
      context["session"] = textAt(line, "data", "sessionId");
      context["version"] = textAt(line, "data", "copilotVersion");
      return [];
    }
    const usage = at(line, "data", "usage");
    if (line["type"] !== "session.usage_record" || !isObject(usage)) return [];
    const [id, when] = [textAt(line, "id"), timeOf(line["timestamp"])];
    if (id === null || when === null)
      throw new LineError(id === null ? "id is missing" : "timestamp is no time");
    const response = textAt(usage, "apiCallId");
    const provider = textAt(usage, "modelProvider");
    return [
      loggedCall({
        key: `copilot:${id}`,
        aliases: namesByAnswer(response),
        at: when,
        provider: provider === "other" ? null : provider,
        model: textAt(usage, "model"),
        agent: copilot.agent,
        version: textAt(context, "version"),
        session: textAt(context, "session"),
        ms: numberAt(usage, "duration"),
        usage: tokenUsage(
          inclusive({
            input: count(usage, "inputTokens"),
            cacheRead: count(usage, "cacheReadTokens"),
            cacheWriteShort: count(usage, "cacheWriteTokens"),
            output: count(usage, "outputTokens"),
            reasoning: count(usage, "reasoningTokens"),
          }),
        ),
      }),
    ];
  },
};
