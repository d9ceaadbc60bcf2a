import { tokenUsage } from "../../../domain/tokens.ts";
import { count, inclusive } from "../../../domain/provider-usage.ts";
import { numberAt, textAt, timeOf } from "../said.ts";
import { type AgentLog, LineError, loggedCall } from "./reader.ts";

/**
 * Qwen Code (seen: 0.24.4): one line a call in a file a month, helpers included. Its chat files leave those out and repeat
 * forks: they are not read.
 */
export const qwen: AgentLog = {
  agent: "qwen-code",
  files: /^usage\/token-usage-[^/]+\.jsonl$/,
  marks: ['"inputTokens"'],
  read(line) {
    const [id, when] = [textAt(line, "id"), timeOf(line["timestamp"])];
    if (id === null || when === null)
      throw new LineError(id === null ? "id is missing" : "timestamp is no time");
    return [
      loggedCall({
        key: `qwen:${id}`,
        at: when,
        // It names the way of signing in, which is all that is known of who answers.
        provider: textAt(line, "authType"),
        model: textAt(line, "model"),
        agent: qwen.agent,
        version: null,
        session: textAt(line, "sessionId"),
        likeness: { sessions: [textAt(line, "sessionId")], byTime: true },
        ms: numberAt(line, "apiDurationMs"),
        usage: tokenUsage(
          inclusive({
            input: count(line, "inputTokens"),
            cacheRead: count(line, "cachedTokens"),
            cacheWriteShort: 0,
            output: count(line, "outputTokens"),
            reasoning: count(line, "thoughtsTokens"),
          }),
        ),
      }),
    ];
  },
};
