import { policyFileSchema, text } from "@ciclo/contract";
import fc from "fast-check";
import type { UsageEvent } from "../../src/domain/usage.ts";
import { describe, expect, it } from "vitest";
import { UsageRecorder } from "../../src/features/usage/recorder.ts";
import { spendIn } from "../../src/features/usage/store.ts";
import { createUsage } from "../../src/features/usage/index.ts";
import { databaseUnavailable } from "../../src/db/unavailable.ts";
import { storable } from "../../src/lib/storable.ts";
import { createLogger } from "../../src/lib/logger.ts";
import { stores } from "../support/databases.ts";

/** `unit: "binary"` would list all of them first, for seconds. */
const anyCharacter = fc.nat(0x10_ff_ff).map((code) => String.fromCodePoint(code));
/** Also what PostgreSQL takes in no text: NUL, and half of a character. */
const word = fc
  .string({ maxLength: 20, unit: anyCharacter })
  .map((said) => (said.length % 3 === 0 ? `${said}\0` : said.length % 3 === 1 ? `${said}\ud83d` : said));
const kept = (said: string | null): string | null => (said === null ? null : storable(said));
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

const budget = policyFileSchema.parse({
  id: "budget",
  kind: "budget",
  title: "Budget",
  limits: { daily_usd: 1 },
  on_exceeded: "block",
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
        kept(each.tool),
        storable(each.actorName),
        kept(each.clientName),
        each.status,
        kept(each.error),
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

  const one: UsageEvent = {
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
    responseBytes: 2 ** 40,
    costUsd: 1,
  };
  const clock = () => new Date("2026-03-01T00:00:00.000Z");
  const logger = createLogger("silent");
  const away = databaseUnavailable(text("gone", "fora"), null);

  it("are written once, also where a commit was done and its answer was lost", async () => {
    const database = await openStore();
    let isLost = true;
    const recorder = new UsageRecorder({
      clock,
      logger,
      database: {
        kind: database.kind,
        async transaction(work) {
          const result = await database.transaction(work);
          if (isLost) throw away;
          return result;
        },
      },
    });
    recorder.record(one);
    await expect(recorder.flush()).rejects.toThrow("gone");
    isLost = false;
    recorder.record(one);
    await recorder.flush();
    expect(await database.queries.selectFrom("usage_events").selectAll().execute()).toHaveLength(2);
    expect(await spendIn(database.queries, "2026-03")).toEqual(new Map([["hub", 2]]));
    await database.close();
  });

  it("that are refused keep no other from being written", async () => {
    const database = await openStore();
    let refusals = 2;
    const recorder = new UsageRecorder({
      clock,
      logger,
      database: {
        kind: database.kind,
        transaction: (work) =>
          refusals-- > 0 ? Promise.reject(new Error("no such value")) : database.transaction(work),
      },
    });
    for (let count = 0; count < 3; count += 1) recorder.record(one);
    await recorder.flush();
    expect(await database.queries.selectFrom("usage_events").selectAll().execute()).toHaveLength(2);
    await recorder.stop();
    await database.close();
  });

  it("count against a budget also while nothing can be written", async () => {
    const database = await openStore();
    let isAway = true;
    const usage = createUsage({
      clock,
      logger,
      queries: database.queries,
      transaction: (work) => database.transaction((queries) => work(queries, () => Promise.resolve())),
      database: {
        kind: database.kind,
        transaction: (work) => (isAway ? Promise.reject(away) : database.transaction(work)),
      },
    });
    const { recorder, budgets } = usage.service;
    const policies = new Map([["budget", budget]]);
    for (let count = 0; count < 10; count += 1) {
      recorder.record({ ...one, costUsd: 0.1 });
      budgets.add("hub", 0.1);
    }
    await expect(recorder.flush()).rejects.toThrow("gone");
    await budgets.refresh();
    expect(budgets.refusal(policies, "hub")).toMatchObject({ policy: "budget" });
    isAway = false;
    await recorder.flush();
    await budgets.refresh();
    expect(budgets.refusal(policies, "hub")).toMatchObject({ policy: "budget" });
    await usage.workers.stop();
    await database.close();
  });
});
