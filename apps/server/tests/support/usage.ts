import { tokenUsage } from "../../src/domain/tokens.ts";
import { type CallSubject, type MeteredCall, noSubject } from "../../src/domain/usage.ts";
import type { Queries } from "../../src/db/dialect.ts";
import type { ToolCall } from "../../src/domain/usage.ts";

/** What is known of a call of a tool through the gateway. */
export const toolSubject = (over: Partial<CallSubject> = {}): CallSubject => ({
  ...noSubject,
  kind: "tool",
  source: "gateway",
  server: "hub",
  tool: "echo",
  method: "tools/call",
  era: "modern",
  actorName: "ana",
  ...over,
});

/** One request through the gateway, as it ended. */
export const toolCall = (
  over: Partial<Omit<ToolCall, "subject">> = {},
  subject: Partial<CallSubject> = {},
): ToolCall => ({
  subject: toolSubject(subject),
  status: "ok",
  error: null,
  ms: 1,
  requestBytes: 1,
  responseBytes: 1,
  wasSent: true,
  costUsd: null,
  ...over,
});

/** Calls of the ledger as they stand, the oldest first, with what they have in common. */
export const callsIn = (queries: Queries) =>
  queries
    .selectFrom("usage_events as event")
    .innerJoin("usage_subjects as subject", "subject.id", "event.subject_id")
    .selectAll("subject")
    .selectAll("event")
    .where("event.replaced_by", "is", null)
    .orderBy("event.at")
    .orderBy("event.id")
    .execute();

/** A call of a model, as the endpoint tells of it, but for what is said otherwise. */
export const modelCall = (
  key: string,
  over: Partial<MeteredCall> = {},
  subject: Partial<CallSubject> = {},
): MeteredCall => ({
  subject: {
    ...noSubject,
    kind: "model",
    source: "endpoint",
    method: "messages",
    provider: "anthropic",
    model: "claude-opus-5-5",
    actorName: "ana",
    agent: "claude-code",
    ...subject,
  },
  key,
  aliases: [],
  at: "2026-10-31T23:00:00.000Z",
  session: null,
  operation: null,
  attempt: 1,
  status: "ok",
  error: null,
  ms: 100,
  requestBytes: 1,
  responseBytes: 1,
  usage: tokenUsage({ input: 1000, cacheRead: 10, output: 100 }),
  cost: null,
  ...over,
});
