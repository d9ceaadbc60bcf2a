import type { Queries } from "../../src/db/dialect.ts";
import type { ToolCall } from "../../src/domain/usage.ts";

/** One request through the gateway, as it ended. */
export const toolCall = (over: Partial<ToolCall> = {}): ToolCall => ({
  server: "hub",
  tool: "echo",
  method: "tools/call",
  actorId: null,
  actorName: "ana",
  clientName: null,
  clientVersion: null,
  status: "ok",
  error: null,
  era: "modern",
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
