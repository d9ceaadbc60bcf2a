import { text } from "@ciclo/contract";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { databaseUnavailable } from "../../src/db/unavailable.ts";
import type { Database } from "../../src/db/dialect.ts";
import { type CallSubject, type MeteredCall, noSubject, type ToolCall } from "../../src/domain/usage.ts";
import { tokenUsage } from "../../src/domain/tokens.ts";
import { CallJournal } from "../../src/features/usage/call-journal.ts";
import { Ledger } from "../../src/features/usage/ledger.ts";
import { Prices } from "../../src/features/usage/prices.ts";
import { createLogger } from "../../src/lib/logger.ts";
import { storable } from "../../src/lib/storable.ts";
import { stores } from "../support/databases.ts";
import { callsIn, modelCall, toolCall } from "../support/usage.ts";

/** `unit: "binary"` would list all of them first, for seconds. */
const anyCharacter = fc.nat(0x10_ff_ff).map((code) => String.fromCodePoint(code));
/** Also what PostgreSQL takes in no text: NUL, and half of a character. */
const word = fc
  .string({ maxLength: 20, unit: anyCharacter })
  .map((said) => (said.length % 3 === 0 ? `${said}\0` : said.length % 3 === 1 ? `${said}\ud83d` : said));
const kept = (said: string | null): string | null => (said === null ? null : storable(said));
const subject: fc.Arbitrary<CallSubject> = fc
  .record({
    server: fc.constantFrom("a", "b"),
    tool: fc.option(word),
    method: fc.constantFrom("tools/call", "tools/list"),
    era: fc.constantFrom("modern" as const, "legacy" as const),
    actorId: fc.option(fc.uuid()),
    actorName: word,
    agent: fc.option(word),
    agentVersion: fc.option(word),
    run: fc.option(word),
    pullRequest: fc.option(word),
  })
  .map((said) => ({ ...noSubject, kind: "tool", source: "gateway", ...said }));
const event: fc.Arbitrary<ToolCall> = fc.record({
  subject,
  status: fc.constantFrom("ok", "tool_error", "error", "refused", "timeout", "cancelled"),
  wasSent: fc.boolean(),
  error: fc.option(word),
  ms: fc.double({ min: 0, max: 1e6, noNaN: true }),
  requestBytes: fc.nat(),
  responseBytes: fc.nat(),
  costUsd: fc.option(fc.double({ min: 0, max: 100, noNaN: true })),
});

const clock = () => new Date("2026-03-01T00:00:00.000Z");
const logger = createLogger("silent");
const ledgerOn = (database: ConstructorParameters<typeof Ledger>[0]["database"]): Ledger =>
  new Ledger({
    journal: new CallJournal(mkdtempSync(join(tmpdir(), "ciclo-calls-")), logger),
    database,
    clock,
    logger,
    prices: () => new Prices(new Map()),
    spend: () => Promise.resolve(() => {}),
  });
const nanoOf = ({ wasSent, costUsd }: ToolCall): number | null =>
  wasSent && costUsd !== null ? Math.round(costUsd * 1e9) : null;

const model = (over: Partial<MeteredCall> = {}, subject: Partial<MeteredCall["subject"]> = {}): MeteredCall =>
  modelCall(
    "m1",
    { at: "2026-03-01T10:00:00.000Z", usage: used(1000, 10), ...over },
    { source: "log", method: null, actorName: null, ...subject },
  );
const used = (input: number, output: number): MeteredCall["usage"] => tokenUsage({ input, output });

/** The sums of hours and days are those of the calls that stand. */
async function expectSums({ queries }: Pick<Database, "queries">): Promise<void> {
  const calls = await callsIn(queries);
  for (const [table, length] of [
    ["usage_hours", 13],
    ["usage_days", 10],
  ] as const) {
    const fresh = new Map<string, number[]>();
    for (const call of calls) {
      const key = `${call.at.slice(0, length)} ${call.subject_id}`;
      const [count = 0, cost = 0, output = 0, unpriced = 0] = fresh.get(key) ?? [];
      const isUnpriced = call.cost_source === "unpriced" ? 1 : 0;
      fresh.set(key, [
        count + 1,
        cost + (call.cost_nano_usd ?? 0),
        output + (call.output ?? 0),
        unpriced + isUnpriced,
      ]);
    }
    const rows = await queries.selectFrom(table).selectAll().where("calls", "!=", 0).execute();
    const sums = rows.map((row) => [
      `${row.period} ${row.subject_id}`,
      [row.calls, row.cost_nano_usd, row.output, row.unpriced],
    ]);
    expect(Object.fromEntries(sums)).toEqual(Object.fromEntries(fresh));
  }
}

describe.each(stores)("one call that several sources saw, on %s", (_, openStore) => {
  it("is counted once, in whatever order they come: the wire's figures, and what only others know", async () => {
    const wire = model(
      { key: "endpoint:1", aliases: ["anthropic:msg_1"], usage: used(2000, 20), session: "s" },
      { source: "endpoint", actorName: "ana", agent: null },
    );
    const log = model({ key: "claude:msg_1", aliases: ["anthropic:msg_1"], usage: used(1900, 1) }, {});
    const export1 = model(
      { key: "otlp:req_1", aliases: ["claude:msg_1"], at: "2026-03-01T11:00:00.000Z" },
      { source: "otlp", run: "r1" },
    );
    const orders = [
      [wire, log, export1],
      [export1, log, wire],
      [log, wire, export1],
      [export1, wire, log],
    ];
    for (const order of orders) {
      const database = await openStore();
      const ledger = ledgerOn(database);
      for (const call of order) await ledger.take([call]);
      for (const call of order)
        expect(await ledger.take([call])).toMatchObject({ added: 0, replaced: 0, repeated: 1 });
      const rows = await callsIn(database.queries);
      expect(rows, order.map(({ key }) => key).join()).toMatchObject([
        {
          source: "endpoint",
          input: 2000,
          output: 20,
          actor_name: "ana",
          agent: "claude-code",
          run: "r1",
          session: "s",
          cost_nano_usd: 2000 * 4000 + 20 * 20_000,
          at: "2026-03-01T10:00:00.000Z",
        },
      ]);
      await expectSums(database);
      await database.close();
    }
  });

  it("is one of several equal ones where nobody gives it an id: as many stand as each source saw", async () => {
    const database = await openStore();
    const ledger = ledgerOn(database);
    const scenario = fc.record({
      equal: fc.integer({ min: 1, max: 4 }),
      sessions: fc.integer({ min: 1, max: 3 }),
      order: fc.shuffledSubarray(["log" as const, "otlp" as const, "endpoint" as const], { minLength: 1 }),
      isOneBatch: fc.boolean(),
      repeats: fc.boolean(),
    });
    let expected = 0;
    for (const [run, of] of fc.sample(scenario, { numRuns: 30, seed: 11 }).entries()) {
      const told = of.order.flatMap((source) =>
        Array.from({ length: of.sessions * of.equal }, (_, index) => {
          const session = `s${run}-${index % of.sessions}`;
          // The endpoint knows no session of these agents: there a call is known by its time alone.
          const names = [...(source === "endpoint" ? [] : [`like:${session}`]), `like:model:${run}`];
          return model({ key: `${source}${run}-${index}`, aliases: names, usage: used(100, 5) }, { source });
        }),
      );
      const batches = of.isOneBatch ? [told] : told.map((call) => [call]);
      for (const batch of of.repeats ? [...batches, ...batches] : batches) await ledger.take(batch);
      expected += of.sessions * of.equal;
      expect((await callsIn(database.queries)).length, JSON.stringify(of)).toBe(expected);
      await expectSums(database);
    }
    await database.close();
  });

  it("is one of as many as the source saw that saw most of them, in whatever order and however many", async () => {
    const database = await openStore();
    const ledger = ledgerOn(database);
    const count = fc.integer({ min: 0, max: 14 });
    const scenario = fc
      .record({
        log: count,
        otlp: count,
        endpoint: count,
        hasOwnIds: fc.boolean(),
        size: fc.integer({ min: 1, max: 9 }),
      })
      .chain(({ log, otlp, endpoint, ...of }) => {
        const told = Object.entries({ log, otlp, endpoint }).flatMap(([source, times]) =>
          Array.from({ length: times }, (_, index) => ({ source: source as "log", index })),
        );
        const most = Math.max(log, otlp, endpoint);
        return fc.record({
          order: fc.shuffledSubarray(told, { minLength: told.length }),
          most: fc.constant(most),
          of: fc.constant(of),
        });
      });
    let expected = 0;
    for (const [run, { order, most, of }] of fc.sample(scenario, { numRuns: 25, seed: 7 }).entries()) {
      const told = order.map(({ source, index }) => {
        const id = `${source}-${run}-${index}`;
        const own = of.hasOwnIds && source === "log" ? [`response:${id}`] : [];
        return model({ key: id, aliases: [...own, `like:session-${run}`], usage: used(100, 5) }, { source });
      });
      for (let from = 0; from < told.length; from += of.size)
        await ledger.take(told.slice(from, from + of.size));
      await ledger.take(told);
      expected += most;
      expect((await callsIn(database.queries)).length, JSON.stringify({ order, of })).toBe(expected);
    }
    await expectSums(database);
    await database.close();
  });

  it("keeps what a log alone knows where an export has the sums, in either order, and its price", async () => {
    const sums = { inputTokens: 1503, output: 30 };
    const exported = (usage: MeteredCall["usage"], over: Partial<MeteredCall> = {}) =>
      model({ key: "otlp:r", aliases: ["request:r"], usage, ...over }, { source: "otlp" });
    const logged = (usage: MeteredCall["usage"], over: Partial<MeteredCall> = {}) =>
      model({ key: "log:r", aliases: ["request:r"], usage, ...over });
    const split = tokenUsage(
      { input: 3, cacheRead: 1000, cacheWriteShort: 500, output: sums.output, reasoning: 12 },
      { webSearches: 2 },
    );
    const plain = tokenUsage({ input: 503, cacheRead: 1000, output: sums.output });
    const attempts = [used(100, 10), used(200, 50)];
    const cases: [MeteredCall[], Record<string, unknown>[]][] = [
      [
        [logged(split), exported(plain)],
        [{ source: "otlp", input: 3, cache_write_short: 500, reasoning: 12, web_searches: 2 }],
      ],
      [
        [logged(tokenUsage({ input: 10, output: 1 }, { tier: "fast" })), exported(used(10, 1))],
        [{ tier: "fast", cost_source: "unpriced" }],
      ],
      // Attempts of one answer, which the export sums up.
      [
        [
          ...attempts.map((usage, index) =>
            logged(usage, {
              key: index === 0 ? "log:r" : "log:r#1",
              aliases: [index === 0 ? "request:r" : "request:r#1"],
              operation: "claude:m",
              attempt: index + 1,
            }),
          ),
          exported(used(300, 60)),
        ],
        [
          { input: 100, output: 10, attempt: 1 },
          { input: 200, output: 50, attempt: 2 },
        ],
      ],
    ];
    for (const [told, expected] of cases)
      for (const order of [told, told.toReversed()]) {
        const database = await openStore();
        const ledger = ledgerOn(database);
        for (const call of order) await ledger.take([call]);
        const rows = (await callsIn(database.queries)).toSorted((a, b) => a.attempt - b.attempt);
        expect(rows).toMatchObject(expected);
        await expectSums(database);
        await database.close();
      }
  });

  it("is priced once two sources know together whom it asked for which model", async () => {
    const database = await openStore();
    const ledger = ledgerOn(database);
    const log = model({ key: "log:r", aliases: ["like:s"] }, { model: null });
    const told = model({ key: "otlp:r", aliases: ["like:s"] }, { source: "otlp", provider: null });
    for (const call of [log, told]) await ledger.take([call]);
    expect(await callsIn(database.queries)).toMatchObject([
      { provider: "anthropic", model: "claude-opus-5-5", cost_source: "table" },
    ]);
    await expectSums(database);
    await database.close();
  });

  it("of one source the later word holds, whichever is read first", async () => {
    const early = model({ usage: used(1000, 1) });
    const late = model({ usage: used(1000, 300), at: "2026-03-01T10:00:05.000Z" });
    for (const order of [
      [early, late],
      [late, early],
    ]) {
      const database = await openStore();
      const ledger = ledgerOn(database);
      for (const call of order) await ledger.take([call]);
      expect(await callsIn(database.queries)).toMatchObject([{ output: 300 }]);
      await ledger.take(order);
      expect(await callsIn(database.queries)).toMatchObject([{ output: 300 }]);
      await expectSums(database);
      await database.close();
    }
  });

  it("sums are those of the calls that stand, whatever came in whatever batches", async () => {
    const database = await openStore();
    const ledger = ledgerOn(database);
    const call = fc.record({
      id: fc.nat(60),
      alias: fc.nat(600).map((id) => (id <= 60 ? id : null)),
      source: fc.constantFrom("log" as const, "otlp" as const, "endpoint" as const),
      hour: fc.nat(5),
      output: fc.option(fc.nat(9), { nil: null }),
      known: fc.boolean(),
    });
    for (const batch of fc.sample(fc.array(call, { minLength: 1, maxLength: 8 }), { numRuns: 60, seed: 3 })) {
      await ledger.take(
        batch.map(({ id, alias, source, hour, output, known }) =>
          model(
            {
              key: `k${id}`,
              aliases: alias === null ? [] : [`k${alias}`],
              at: `2026-03-01T0${hour}:00:00.000Z`,
              usage: output === null ? null : used(10, output),
            },
            { source, model: known ? "claude-opus-5-5" : "nobody-knows" },
          ),
        ),
      );
      await expectSums(database);
    }
    expect((await callsIn(database.queries)).length).toBeGreaterThan(3);
    await database.close();
  });

  it("prices are those of the time of the call, with where they come from", async () => {
    const database = await openStore();
    const ledger = ledgerOn(database);
    await ledger.take([
      model({ key: "a" }),
      model({ key: "b", usage: null }),
      model({ key: "c" }, { model: "nobody-knows" }),
      model({ key: "d", cost: { nanoUsd: 5, source: "provider", version: null } }),
      model({ key: "e", usage: used(0, 0) }),
    ]);
    const rows = await callsIn(database.queries);
    expect(
      rows.map(({ key, cost_nano_usd, cost_source, price_version }) => [
        key,
        cost_nano_usd,
        cost_source,
        price_version,
      ]),
    ).toEqual([
      ["a", 4_200_000, "table", "genai-prices 0.1.8 of 2026-09-23"],
      ["b", null, "unknown", null],
      ["c", null, "unpriced", "genai-prices 0.1.8 of 2026-09-23"],
      ["d", 5, "provider", null],
      ["e", 0, "table", "genai-prices 0.1.8 of 2026-09-23"],
    ]);
    await database.close();
  });
});

describe.each(stores)("usage events on %s", (_, openStore) => {
  it("come back as they were recorded, and add up", async () => {
    const database = await openStore();
    const ledger = ledgerOn(database);
    const events = fc.sample(event, { numRuns: 2500, seed: 7 });
    for (const each of events) ledger.recordTool(each);
    await ledger.flush();
    const rows = await callsIn(database.queries);
    const stored = rows.map((row) =>
      JSON.stringify([
        row.server,
        row.tool,
        row.actor_name,
        row.agent,
        row.run,
        row.pull_request,
        row.status,
        row.error,
        row.request_bytes,
        row.cost_nano_usd,
      ]),
    );
    const recorded = events.map((each) =>
      JSON.stringify([
        each.subject.server,
        kept(each.subject.tool),
        kept(each.subject.actorName),
        kept(each.subject.agent),
        kept(each.subject.run),
        kept(each.subject.pullRequest),
        each.status,
        kept(each.error),
        each.requestBytes,
        nanoOf(each),
      ]),
    );
    expect(stored.toSorted()).toEqual(recorded.toSorted());
    await expectSums(database);
    await database.close();
  });

  const one = toolCall({ responseBytes: 2 ** 40, costUsd: 1 });
  const away = databaseUnavailable(text("gone", "fora"), null);

  it("are written once, also where a commit was done and its answer was lost", async () => {
    const database = await openStore();
    let isLost = true;
    const ledger = ledgerOn({
      kind: database.kind,
      queries: database.queries,
      async transaction(work) {
        const result = await database.transaction(work);
        if (isLost) throw away;
        return result;
      },
    });
    ledger.recordTool(one);
    await expect(ledger.flush()).rejects.toThrow("gone");
    isLost = false;
    ledger.recordTool(one);
    await ledger.flush();
    expect(await database.queries.selectFrom("usage_events").selectAll().execute()).toHaveLength(2);
    await expectSums(database);
    await database.close();
  });

  it("that are refused keep no other from being written", async () => {
    const database = await openStore();
    let refusals = 2;
    const ledger = ledgerOn({
      kind: database.kind,
      queries: database.queries,
      transaction: (work) =>
        refusals-- > 0 ? Promise.reject(new Error("no such value")) : database.transaction(work),
    });
    for (let count = 0; count < 3; count += 1) ledger.recordTool(one);
    await ledger.flush();
    expect(await database.queries.selectFrom("usage_events").selectAll().execute()).toHaveLength(2);
    await ledger.stop();
    await database.close();
  });
});
