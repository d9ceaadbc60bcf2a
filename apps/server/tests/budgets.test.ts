import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PolicyFile, policyFileSchema } from "@ciclo/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../src/db/dialect.ts";
import { databaseUnavailable } from "../src/db/unavailable.ts";
import { tokenUsage } from "../src/domain/tokens.ts";
import { type CallSubject, type MeteredCall, type Reservation } from "../src/domain/usage.ts";
import { calendarWindow } from "../src/features/usage/budgets/windows.ts";
import { createUsage } from "../src/features/usage/index.ts";
import { createLogger } from "../src/lib/logger.ts";
import { settableClock } from "./support/clock.ts";
import { newPostgresUrl, stores } from "./support/databases.ts";
import { toolSubject } from "./support/usage.ts";

const budget = (fields: Record<string, unknown>): PolicyFile =>
  policyFileSchema.parse({ id: "budget", kind: "budget", title: "Budget", on_exceeded: "block", ...fields });
const policiesOf = (...policies: PolicyFile[]) => new Map(policies.map((policy) => [policy.id, policy]));

const noAgents = new Map();
type Node = ReturnType<typeof nodeOn>;

function nodeOn(
  database: Database,
  policies: () => ReadonlyMap<string, PolicyFile>,
  clock = settableClock("2026-03-30T12:00:00.000Z"),
  home = mkdtempSync(join(tmpdir(), "ciclo-node-")),
) {
  const audited: { action: string; metadata: Record<string, unknown> }[] = [];
  const { service, workers } = createUsage({
    database,
    queries: database.queries,
    transaction: (work) =>
      database.transaction((queries) =>
        work(queries, (entry) => {
          audited.push(entry as never);
          return Promise.resolve();
        }),
      ),
    clock,
    logger: createLogger("silent"),
    policies,
    unusable: () => new Set(),
    agents: () => noAgents,
    unusableAgents: () => new Set(),
    decidedAt: "/costs",
    activeRoles: () => Promise.resolve(new Map()),
    endRunTokens: () => Promise.resolve(),
    accessChanged: () => Promise.resolve(),
    mayUseModel: () => true,
    home,
    mayRaise: () => ({ en: "Ask an approver.", "pt-BR": "Peça a um approver." }),
  });
  let count = 0;
  return {
    ...service,
    clock,
    audited,
    begin: () => service.budgets.begin(),
    stop: () => workers.stop(),
    ask: (usd: number, of: Partial<CallSubject> = {}) =>
      service.reserve(toolSubject(of), { nanoUsd: Math.round(usd * 1e9), usage: null }),
    /** A call that was let through ends, and cost so much. */
    pay(reservation: Reservation, usd: number, of: Partial<CallSubject> = {}): void {
      count += 1;
      const call = callOf(of, usd, { at: clock().toISOString(), key: `${home} ${count} ${Math.random()}` });
      const { cost } = call;
      service.ledger.record(call);
      reservation.settle([{ subject: call.subject, cost, usage: null }]);
    },
  };
}

/** A call that cost so much. */
const callOf = (of: Partial<CallSubject>, usd: number, more: Partial<MeteredCall> = {}) => ({
  subject: toolSubject(of),
  key: "one",
  aliases: [],
  at: new Date().toISOString(),
  session: null,
  operation: null,
  attempt: 1,
  status: "ok" as const,
  error: null,
  ms: 1,
  requestBytes: 0,
  responseBytes: 0,
  usage: null,
  isReserved: true,
  ...more,
  cost: { nanoUsd: Math.round(usd * 1e9), source: "override" as const, version: null },
});

const let_through = async (asked: Promise<Reservation>): Promise<boolean> =>
  asked.then(
    () => true,
    () => false,
  );
/** How often something can be done before it fails in a certain way. */
async function passedUntil(failure: Error, work: () => Promise<void>): Promise<number> {
  for (let count = 0; count < 1000; count += 1) {
    try {
      await work();
    } catch (error) {
      expect(error).toBe(failure);
      return count;
    }
  }
  throw new Error("it never fails");
}

const spentIn = async ({ queries }: Database): Promise<number> =>
  (await queries.selectFrom("usage_hours").select("cost_nano_usd").execute()).reduce(
    (sum, row) => sum + row.cost_nano_usd,
    0,
  ) / 1e9;
const purses = ({ queries }: Database) => queries.selectFrom("budget_purses").selectAll().execute();

describe("windows of the calendar", () => {
  it("are days, weeks and months of the zone, an hour more or less where clocks change", () => {
    const hours = (unit: "day" | "week" | "month", at: string, zone: string): [string, number] => {
      const { key, startsAt, endsAt } = calendarWindow(unit, Date.parse(at), zone);
      return [key, (endsAt - Date.parse(startsAt)) / 3_600_000];
    };
    expect(hours("day", "2026-03-29T12:00:00Z", "Europe/Berlin")).toEqual(["day:2026-03-29", 23]);
    expect(hours("day", "2026-10-25T12:00:00Z", "Europe/Berlin")).toEqual(["day:2026-10-25", 25]);
    expect(hours("day", "2026-11-28T02:59:59Z", "America/Sao_Paulo")).toEqual(["day:2026-11-27", 24]);
    expect(hours("day", "2026-11-28T03:00:00Z", "America/Sao_Paulo")).toEqual(["day:2026-11-28", 24]);
    expect(hours("week", "2026-11-29T12:00:00Z", "UTC")).toEqual(["week:2026-11-23", 168]);
    expect(hours("month", "2026-02-10T12:00:00Z", "UTC")).toEqual(["month:2026-02-01", 28 * 24]);
    expect(hours("month", "2026-03-10T12:00:00Z", "Europe/Berlin")).toEqual([
      "month:2026-03-01",
      31 * 24 - 1,
    ]);
    // A day that begins at one o'clock: there is no midnight.
    expect(hours("day", "2018-11-04T12:00:00Z", "America/Sao_Paulo")).toEqual(["day:2018-11-04", 23]);
  });

  it("follow one another without gap or overlap", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("day" as const, "week" as const, "month" as const),
        fc.constantFrom(
          "UTC",
          "America/Sao_Paulo",
          "Europe/Berlin",
          "Asia/Kolkata",
          "Pacific/Chatham",
          "America/New_York",
        ),
        fc.integer({ min: Date.UTC(2015, 0), max: Date.UTC(2035, 0) }),
        (unit, zone, at) => {
          const window = calendarWindow(unit, at, zone);
          expect(Date.parse(window.startsAt)).toBeLessThanOrEqual(at);
          expect(window.endsAt).toBeGreaterThan(at);
          const next = calendarWindow(unit, window.endsAt, zone);
          expect(Date.parse(next.startsAt)).toBe(window.endsAt);
          expect(calendarWindow(unit, window.endsAt - 1, zone)).toEqual(window);
        },
      ),
    );
  });
});

describe.each(stores)("a budget on %s", (_, openStore) => {
  const daily = policiesOf(budget({ limits: { daily_usd: 1 } }));

  it("lets 64 parallel calls through while anything is left, and no more than one over", async () => {
    const database = await openStore();
    const node = nodeOn(database, () => daily);
    const first = await node.ask(0.95);
    node.pay(first, 0.95);
    await node.ledger.flush();
    const asked = await Promise.all(Array.from({ length: 64 }, () => let_through(node.ask(0.1))));
    expect(asked.filter(Boolean)).toHaveLength(1);
    await node.stop();
    await database.close();
  });

  it("holds a limit that is lowered at once, also where more was set aside under the former one", async () => {
    const database = await openStore();
    let policies = policiesOf(budget({ limits: { daily_usd: 100 } }));
    const node = nodeOn(database, () => policies);
    node.pay(await node.ask(0.1), 0.1);
    await node.ledger.flush();
    policies = policiesOf(budget({ limits: { daily_usd: 0.1 } }));
    expect(await let_through(node.ask(0.1))).toBe(false);
    policies = policiesOf(budget({ limits: { daily_usd: 0.3 } }));
    await node.budgets.tend();
    expect(await let_through(node.ask(0.1))).toBe(true);
    await node.stop();
    await database.close();
  });

  it("spends nothing of what was set aside once others have spent the purse", async () => {
    const database = await openStore();
    const node = nodeOn(database, () => daily);
    const first = await node.ask(0.01);
    const at = node.clock().toISOString();
    await node.ledger.take([callOf({}, 1, { at, key: "late", isReserved: false })]);
    expect(await let_through(node.ask(0.01))).toBe(false);
    node.pay(first, 0.01);
    await node.stop();
    await database.close();
  });

  it("of each person counts for whoever only reports calls, too, and tells where it stands", async () => {
    const database = await openStore();
    const each = policiesOf(budget({ per: "person", limits: { daily_usd: 2 }, alert_at: [0.5] }));
    const node = nodeOn(database, () => each);
    const at = node.clock().toISOString();
    const report = (key: string, usd: number, actorName: string) =>
      node.ledger.take([callOf({ actorName, source: "otlp" }, usd, { at, key, isReserved: false })]);
    await report("1", 0.5, "ana");
    await report("2", 3, "bob");
    await expect.poll(async () => (await node.standings("en")).length).toBe(2);
    await report("3", 0.7, "ana");
    expect(await node.standings("en")).toMatchObject([
      { holder: "bob", spent: 3, of: 2, state: "exceeded", per: "person", unit: "usd" },
      { holder: "ana", spent: 1.2, state: "alert", resets_at: "2026-03-31T00:00:00.000Z" },
    ]);
    await expect.poll(() => node.audited.map(({ action }) => action)).toContain("budget.alert");
    await node.stop();
    await database.close();
  });

  it("that rolls forgets no call before its time, also one from before there was a budget", async () => {
    const database = await openStore();
    const clock = settableClock("2026-03-30T14:55:00.000Z");
    const rolling = policiesOf(budget({ limits: { rolling: [{ hours: 5, usd: 8 }] } }));
    const node = nodeOn(database, () => rolling, clock);
    await node.ledger.take([callOf({}, 3, { at: "2026-03-30T10:58:00.000Z", key: "1", isReserved: false })]);
    const spent = async () => (await node.standings("en"))[0]?.spent;
    expect(await spent()).toBe(3);
    clock.set("2026-03-30T15:50:00.000Z");
    expect(await spent()).toBe(3);
    clock.set("2026-03-30T16:05:00.000Z");
    expect(await spent()).toBe(0);
    await node.stop();
    await database.close();
  });

  it.each([
    ["runs", ["ci-*"], { run: "CI-4711" }, { run: "local" }],
    ["runs", ["*"], { run: "any" }, { run: null }],
    ["people", ["ana*"], { actorName: "Ana Souza" }, { actorName: "Bob" }],
    ["servers", ["hub-?"], { server: "hub-1" }, { server: "hub" }],
    ["agents", ["claude-[c]ode", "a[b]"], { agent: "a[b]" }, { agent: "codex" }],
  ])("may name %s by patterns: %j", async (kind, names, bound, free) => {
    const database = await openStore();
    const policies = policiesOf(budget({ scope: { [kind]: names }, limits: { total_usd: 1 } }));
    const node = nodeOn(database, () => policies, settableClock("2026-03-30T14:55:00.000Z"));
    const at = "2026-03-30T14:50:00.000Z";
    await node.ledger.take([
      callOf(bound, 3, { at, key: "1", isReserved: false }),
      callOf(free, 4, { at, key: "2", isReserved: false }),
    ]);
    expect((await node.standings("en")).map(({ spent }) => spent)).toEqual([3]);
    await node.stop();
    await database.close();
  });

  it("that rolls is the same limit wherever a plan writes it, and the strictest of those that look back equally far", async () => {
    const database = await openStore();
    let policies = policiesOf(
      budget({
        limits: {
          rolling: [
            { hours: 5, usd: 8 },
            { hours: 48, usd: 20 },
          ],
        },
      }),
    );
    const node = nodeOn(database, () => policies, settableClock("2026-03-30T14:55:00.000Z"));
    await node.ledger.take([callOf({}, 3, { at: "2026-03-30T14:50:00.000Z", key: "1", isReserved: false })]);
    const standing = async () =>
      (await node.standings("en"))
        .toSorted((a, b) => a.limit.localeCompare(b.limit))
        .map(({ limit, spent, of }) => [limit, spent, of]);
    expect(await standing()).toEqual([
      ["rolling.48h", 3, 20],
      ["rolling.5h", 3, 8],
    ]);
    const before = (await purses(database)).map(({ id }) => id).toSorted();
    policies = policiesOf(
      budget({
        limits: {
          rolling: [
            { hours: 48, usd: 20 },
            { hours: 5, usd: 9 },
            { hours: 5, usd: 7 },
          ],
        },
      }),
    );
    expect(await standing()).toEqual([
      ["rolling.48h", 3, 20],
      ["rolling.5h", 3, 7],
    ]);
    expect((await purses(database)).map(({ id }) => id).toSorted()).toEqual(before);
    await node.stop();
    await database.close();
  });

  it("lets go of what one limit had set aside where another cannot be asked", async () => {
    const database = await openStore();
    const both = policiesOf(budget({ limits: { daily_usd: 1, monthly_usd: 2 } }));
    let isAway = false;
    let asked = 0;
    const away = new Error("the database is away");
    const flaky: Database = {
      ...database,
      transaction: (work) => {
        asked += 1;
        return isAway && asked > 1 ? Promise.reject(away) : database.transaction(work);
      },
    };
    const node = nodeOn(flaky, () => both);
    isAway = true;
    await expect(node.ask(0.1)).rejects.toBe(away);
    isAway = false;
    await node.budgets.tend();
    expect((await purses(database)).map(({ reserved }) => reserved)).toEqual([0, 0]);
    await node.stop();
    await database.close();
  });

  it("has what was set aside free again when a call cost less, or was not made", async () => {
    const database = await openStore();
    const node = nodeOn(database, () => daily);
    for (let count = 0; count < 9; count += 1) node.pay(await node.ask(0.9), 0.1);
    (await node.ask(0.5)).settle([]);
    node.pay(await node.ask(0.9), 0.1);
    await node.ledger.flush();
    expect(await let_through(node.ask(0.01))).toBe(false);
    expect(await spentIn(database)).toBeCloseTo(1, 9);
    await node.budgets.tend();
    expect(await purses(database)).toMatchObject([{ spent: 1e9, reserved: 0 }]);
    await node.stop();
    await database.close();
  });

  it("is refused with figure, policy, who may raise it, and when it begins anew", async () => {
    const database = await openStore();
    const node = nodeOn(database, () =>
      policiesOf(budget({ limits: { daily_usd: 1 }, time_zone: "America/Sao_Paulo" })),
    );
    node.pay(await node.ask(1), 1);
    await node.ledger.flush();
    await expect(node.ask(0.1)).rejects.toThrow(
      "policies/budget.yaml, limits.daily_usd: 1.00 USD of 1.00 USD are spent. Ask an approver. A new period begins at 2026-03-31 03:00 UTC.",
    );
    node.clock.advance(15 * 3_600_000);
    expect(await let_through(node.ask(0.1))).toBe(true);
    await node.stop();
    await database.close();
  });

  it("begins with what the ledger knows, also of calls from before there was a budget", async () => {
    const database = await openStore();
    let policies = policiesOf();
    const node = nodeOn(database, () => policies);
    node.pay(await node.ask(0.7), 0.7);
    node.pay(await node.ask(0.7, { server: "other" }), 0.7, { server: "other" });
    await node.ledger.flush();
    policies = policiesOf(budget({ limits: { monthly_usd: 1 }, scope: { servers: ["hub"] } }));
    node.pay(await node.ask(0.3), 0.3);
    await node.ledger.flush();
    expect(await let_through(node.ask(0.1))).toBe(false);
    expect(await let_through(node.ask(0.1, { server: "other" }))).toBe(true);
    await node.stop();
    await database.close();
  });

  it("binds what its scope names, and gives each a purse where it says so", async () => {
    const database = await openStore();
    const policies = policiesOf(
      budget({ id: "people", per: "person", scope: { models: ["claude-*"] }, limits: { daily_usd: 1 } }),
      budget({ id: "run", scope: { runs: ["r1"] }, limits: { total_usd: 0.5 } }),
    );
    const node = nodeOn(database, () => policies);
    const ana = { model: "claude-opus-5-5", actorName: "ana" };
    const bob = { model: "claude-opus-5-5", actorName: "bob" };
    node.pay(await node.ask(1, ana), 1, ana);
    await node.ledger.flush();
    expect(await let_through(node.ask(0.1, ana))).toBe(false);
    expect(await let_through(node.ask(0.1, bob))).toBe(true);
    expect(await let_through(node.ask(0.1, { ...ana, model: "gpt-5.2" }))).toBe(true);
    node.pay(await node.ask(0.5, { run: "r1" }), 0.5, { run: "r1" });
    await node.ledger.flush();
    node.clock.advance(400 * 24 * 3_600_000);
    expect(await let_through(node.ask(0.1, { run: "r1" }))).toBe(false);
    await node.stop();
    await database.close();
  });

  it("of each run, model or server binds no call that has none", async () => {
    const database = await openStore();
    let per = "run";
    const node = nodeOn(database, () => policiesOf(budget({ limits: { daily_usd: 1 }, per })));
    node.pay(await node.ask(5), 5);
    await node.ledger.flush();
    expect(await let_through(node.ask(1))).toBe(true);
    per = "model";
    expect(await let_through(node.ask(1))).toBe(true);
    per = "server";
    expect(await let_through(node.ask(1))).toBe(false);
    // A provider of models is a server.
    const model = { server: null, provider: "openai", model: "gpt-5.2" };
    node.pay(await node.ask(5, model), 5, model);
    await node.ledger.flush();
    expect(await let_through(node.ask(1, model))).toBe(false);
    expect(await let_through(node.ask(1, { ...model, provider: "anthropic" }))).toBe(true);
    await node.stop();
    await database.close();
  });

  it("binds whoever writes a name otherwise", async () => {
    const database = await openStore();
    const node = nodeOn(database, () =>
      policiesOf(budget({ limits: { daily_usd: 1 }, scope: { agents: ["hub"], models: ["gpt-*"] } })),
    );
    const of = (agent: string, model: string) => ({ agent, model });
    node.pay(await node.ask(1, of("hub", "gpt-5.2")), 1, of("hub", "gpt-5.2"));
    await node.ledger.flush();
    for (const [agent, model] of [
      ["HUB", "gpt-5.2"],
      ["\uFF48\uFF55\uFF42", "GPT-5.2"],
    ] as const)
      expect(await let_through(node.ask(0.1, of(agent, model)))).toBe(false);
    expect(await let_through(node.ask(0.1, of("hub2", "gpt-5.2")))).toBe(true);
    await node.stop();
    await database.close();
  });

  it("of the last hours forgets what is older", async () => {
    const database = await openStore();
    const node = nodeOn(database, () => policiesOf(budget({ limits: { rolling: [{ hours: 5, usd: 1 }] } })));
    node.pay(await node.ask(0.6), 0.6);
    await node.ledger.flush();
    node.clock.advance(3 * 3_600_000);
    node.pay(await node.ask(0.4), 0.4);
    await node.ledger.flush();
    expect(await let_through(node.ask(0.1))).toBe(false);
    node.clock.advance(2 * 3_600_000 + 300_000);
    const again = await node.ask(0.1);
    again.settle([]);
    node.pay(await node.ask(0.6), 0.6);
    await node.ledger.flush();
    expect(await let_through(node.ask(0.1))).toBe(false);
    await node.stop();
    await database.close();
  });

  it("counts what calls cost also while nothing can be written, and lets nothing through that it cannot set aside", async () => {
    const database = await openStore();
    let isAway = false;
    const away = databaseUnavailable({ en: "gone", "pt-BR": "fora" }, null);
    const node = nodeOn(
      { ...database, transaction: (work) => (isAway ? Promise.reject(away) : database.transaction(work)) },
      () => policiesOf(budget({ limits: { daily_usd: 8 } })),
    );
    node.pay(await node.ask(0.01), 0.01);
    isAway = true;
    const count = await passedUntil(away, async () => node.pay(await node.ask(0.01), 0.01));
    expect(count).toBeGreaterThan(50);
    await expect(node.ledger.flush()).rejects.toThrow("gone");
    isAway = false;
    await node.ledger.flush();
    expect(await spentIn(database)).toBeCloseTo((count + 1) * 0.01, 9);
    expect(await purses(database)).toMatchObject([{ spent: (count + 1) * 1e7 }]);
    await node.stop();
    await database.close();
  });

  it("of tokens counts tokens", async () => {
    const database = await openStore();
    const node = nodeOn(database, () => policiesOf(budget({ limits: { monthly_tokens: 1000 } })));
    const usage = (output: number) => tokenUsage({ input: 100, output });
    const cost = { nanoUsd: null, source: "unpriced" as const, version: null };
    const reservation = await node.reserve(toolSubject(), { nanoUsd: null, usage: usage(900) });
    await expect(node.reserve(toolSubject(), { nanoUsd: null, usage: usage(900) })).rejects.toThrow(
      /1000 tokens are set aside/,
    );
    reservation.settle([{ subject: toolSubject(), cost, usage: usage(50) }]);
    expect(await let_through(node.reserve(toolSubject(), { nanoUsd: null, usage: usage(10) }))).toBe(true);
    await node.stop();
    await database.close();
  });

  it("says in the audit log which thresholds were crossed, once; one that only warns refuses nothing", async () => {
    const database = await openStore();
    const policies = policiesOf(
      budget({ limits: { daily_usd: 1 }, alert_at: [0.5, 0.8], on_exceeded: "warn" }),
    );
    const node = nodeOn(database, () => policies);
    await node.budgets.tend();
    for (const usd of [0.4, 0.3, 0.05, 0.5, 0.5]) {
      node.pay(await node.ask(usd), usd);
      await node.ledger.flush();
    }
    await node.stop();
    expect(
      node.audited.map(({ action, metadata }) => [action, metadata["part"], metadata["spent_usd"]]),
    ).toEqual([
      ["budget.alert", 0.5, 0.7],
      ["budget.alert", 0.8, 1.25],
      ["budget.exceeded", 1, 1.25],
    ]);
    await database.close();
  });

  it("tells of what was passed before anybody looked, once a period, and anew under another limit", async () => {
    const database = await openStore();
    let limit = 10;
    let policies = policiesOf(budget({ limits: { daily_usd: limit }, alert_at: [0.5] }));
    const node = nodeOn(database, () => policies);
    const expectTold = async (expected: unknown[]): Promise<void> => {
      await node.budgets.tend();
      await expect.poll(() => told()).toEqual(expected);
    };
    const told = (): unknown[] =>
      node.audited.map(({ action, metadata }) => [action, metadata["of_usd"], metadata["holder"] ?? null]);
    node.pay(await node.ask(4, { actorName: "ana" }), 4, { actorName: "ana" });
    await node.ledger.flush();
    await expectTold([]);
    limit = 3;
    policies = policiesOf(budget({ limits: { daily_usd: limit }, alert_at: [0.5] }));
    const lowered = [
      ["budget.alert", 3, null],
      ["budget.exceeded", 3, null],
    ];
    await expectTold(lowered);
    await expectTold(lowered);
    // One that is new, and of each person.
    policies = policiesOf(budget({ limits: { daily_usd: limit }, per: "person" }));
    await expectTold(lowered);
    await node.standings("en");
    await expectTold([...lowered, ["budget.exceeded", 3, "ana"]]);
    await node.stop();
    await database.close();
  });

  it("counts what the ledger counts, whatever calls cost, however they end, and whenever a node dies", async () => {
    const database = await openStore();
    const policies = policiesOf(budget({ limits: { daily_usd: 3, rolling: [{ hours: 48, usd: 3 }] } }));
    const home = mkdtempSync(join(tmpdir(), "ciclo-node-"));
    let node: Node = nodeOn(database, () => policies, undefined, home);
    let open: Reservation[] = [];
    const step = fc.record({
      what: fc.constantFrom("ask", "pay", "pay", "drop", "flush", "tend", "die"),
      usd: fc.integer({ min: 0, max: 300 }).map((mils) => mils / 1000),
    });
    let over = 0;
    for (const { what, usd } of fc.sample(step, { numRuns: 250, seed: 5 })) {
      if (what === "ask") {
        const before = await spentIn(database);
        const asked = await node.ask(usd).catch(() => null);
        if (asked !== null) open.push(asked);
        if (asked !== null && before >= 3) over += 1;
      } else if (what === "pay") {
        const reservation = open.pop();
        if (reservation !== undefined) node.pay(reservation, usd / 2);
      } else if (what === "drop") open.pop()?.settle([]);
      else if (what === "flush") await node.ledger.flush();
      else if (what === "tend") await node.budgets.tend();
      else {
        await node.ledger.flush();
        node = nodeOn(database, () => policies, undefined, home);
        await node.begin();
        open = [];
      }
    }
    for (const reservation of open) reservation.settle([]);
    await node.ledger.flush();
    await node.budgets.tend();
    const spent = await spentIn(database);
    expect(spent).toBeGreaterThan(0.5);
    for (const purse of await purses(database)) {
      expect(purse.spent / 1e9).toBeCloseTo(spent, 9);
      expect(purse.reserved).toBe(0);
    }
    expect(over).toBe(0);
    await node.stop();
    await database.close();
  });
});

describe("several nodes on PostgreSQL", () => {
  it("spend one budget together, and what a dead one had set aside is free again", async () => {
    const url = await newPostgresUrl();
    const databases = await Promise.all([openDatabase({ url, file: "" }), openDatabase({ url, file: "" })]);
    const clock = settableClock("2026-03-30T12:00:00.000Z");
    const policies = policiesOf(budget({ limits: { daily_usd: 1 } }));
    const [one, two] = databases.map((database) => nodeOn(database, () => policies, clock));
    if (one === undefined || two === undefined) throw new Error("two nodes");
    const through = async (node: Node): Promise<number> => {
      const asked = await Promise.all(Array.from({ length: 64 }, () => node.ask(0.1).catch(() => null)));
      const reservations = asked.filter((each) => each !== null);
      for (const reservation of reservations) node.pay(reservation, 0.1);
      await node.ledger.flush();
      return reservations.length;
    };
    const counts = await Promise.all([through(one), through(two)]);
    // Money that one has set aside and does not use goes back.
    await Promise.all([one.budgets.tend(), two.budgets.tend()]);
    const more = await Promise.all([through(one), through(two)]);
    const all = [...counts, ...more].reduce((sum, count) => sum + count, 0);
    expect(all).toBeGreaterThanOrEqual(10);
    expect(all).toBeLessThanOrEqual(11);
    clock.advance(24 * 3_600_000);
    await one.ask(0.1);
    expect(await let_through(two.ask(0.1))).toBe(true);
    // Node one is heard of no more.
    clock.advance(120_000);
    await two.budgets.tend();
    const leases = await databases[1]?.queries.selectFrom("budget_leases").selectAll().execute();
    expect(new Set(leases?.map(({ node }) => node)).size).toBeLessThanOrEqual(1);
    await Promise.all([one.stop(), two.stop()]);
    await Promise.all(databases.map((database) => database.close()));
  });
});
