import fc from "fast-check";
import type { UsageEvent } from "../../src/domain/usage.ts";
import { describe, expect, it } from "vitest";
import { UsageRecorder } from "../../src/features/usage/recorder.ts";
import { spendIn } from "../../src/features/usage/store.ts";
import { createLogger } from "../../src/lib/logger.ts";
import { stores } from "../support/databases.ts";

/** What PostgreSQL cannot hold in text. */
const word = fc.string({ maxLength: 20, unit: "binary" }).map((said) => said.replaceAll("\u0000", ""));
const event: fc.Arbitrary<UsageEvent> = fc.record({
  server: fc.constantFrom("a", "b"),
  tool: fc.option(word),
  method: fc.constantFrom("tools/call", "tools/list"),
  actorId: fc.option(fc.uuid()),
  actorName: word,
  clientName: fc.option(word),
  clientVersion: fc.option(word),
  status: fc.constantFrom("ok", "tool_error", "error", "refused", "timeout", "cancelled"),
  error: fc.option(word),
  era: fc.constantFrom("modern", "legacy"),
  ms: fc.double({ min: 0, max: 1e6, noNaN: true }),
  requestBytes: fc.nat(),
  responseBytes: fc.nat(),
  costUsd: fc.option(fc.double({ min: 0, max: 100, noNaN: true })),
});

describe.each(stores)("usage events on %s", (_, openStore) => {
  it("come back as they were recorded, and add up", async () => {
    const database = await openStore();
    const clock = () => new Date("2026-03-01T00:00:00.000Z");
    const recorder = new UsageRecorder({ database, clock, logger: createLogger("silent") });
    const events = fc.sample(event, { numRuns: 2500, seed: 7 });
    for (const each of events) recorder.record(each);
    await recorder.flush();
    const rows = await database.queries.selectFrom("usage_events").selectAll().execute();
    const stored = rows.map((row) =>
      JSON.stringify([
        row.server,
        row.tool,
        row.actor_name,
        row.client_name,
        row.status,
        row.error,
        row.request_bytes,
      ]),
    );
    const recorded = events.map((each) =>
      JSON.stringify([
        each.server,
        each.tool,
        each.actorName,
        each.clientName,
        each.status,
        each.error,
        each.requestBytes,
      ]),
    );
    expect(stored.toSorted()).toEqual(recorded.toSorted());
    const spent = await spendIn(database.queries, "2026-03-01");
    expect(await spendIn(database.queries, "2026-03")).toEqual(spent);
    for (const server of ["a", "b"]) {
      const sum = events.reduce((all, each) => all + (each.server === server ? (each.costUsd ?? 0) : 0), 0);
      expect(spent.get(server)).toBeCloseTo(sum, 6);
    }
    await database.close();
  });
});
