import { anthropicUsage } from "../../../domain/provider-usage.ts";
import type { MeteredCall } from "../../../domain/usage.ts";
import { at, textAt, timeOf } from "../said.ts";
import { type AgentLog, LineError, loggedCall } from "./reader.ts";

/**
 * Claude Code (seen: 2.1.332): one line a content block of an answer, each with the answer's usage; forks and resumed
 * sessions copy lines. Compaction has no line. An answer that was cancelled keeps what its beginning said.
 */
export const claude: AgentLog = {
  agent: "claude-code",
  files: /^projects\/.+\.jsonl$/,
  marks: ['"usage"', '"assistant"'],
  read(line) {
    if (line["type"] !== "assistant") return [];
    const message = at(line, "message");
    const model = textAt(message, "model");
    // What the program itself wrote, about an error for example.
    if (model === "<synthetic>") return [];
    const attempts = anthropicUsage(at(message, "usage"));
    const id = textAt(message, "id");
    if (attempts === null) return [];
    const when = timeOf(line["timestamp"]);
    if (id === null || when === null)
      throw new LineError(id === null ? "message.id is missing" : "timestamp is no time");
    const request = textAt(line, "requestId");
    // A fork copies lines under its own session, and says whose the call was.
    const session = textAt(line, "requestSessionId") ?? textAt(line, "sessionId");
    const isCut = line["isAbortedMidStream"] === true;
    return attempts.map((usage, index): MeteredCall => {
      const more = index === 0 ? "" : `#${index}`;
      return loggedCall({
        key: `claude:${id}:${request ?? ""}${more}`,
        aliases: [request === null ? `response:${id}${more}` : `request:${request}${more}`],
        at: when,
        provider: "anthropic",
        model: usage.model ?? model,
        agent: claude.agent,
        version: textAt(line, "version"),
        session,
        // Its exports tell of such a call by its session and counts, and of all attempts together.
        ...(request === null ? { likeness: { sessions: [session], byTime: false } } : {}),
        ...(attempts.length > 1 ? { operation: `claude:${id}`, attempt: index + 1 } : {}),
        status: isCut ? "partial" : "ok",
        isEstimate: isCut,
        usage,
      });
    });
  },
};
