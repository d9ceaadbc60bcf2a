import {
  type BudgetStanding,
  type Invoice,
  type Locale,
  type PauseDecision,
  type Reconciliation,
  type Repriced,
  type Repricing,
  type RunPause,
  text,
  type UsageBucket,
  type UsageQuery,
  type UsageReport,
} from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";
import type { Actor } from "../../domain/actor.ts";
import { Refusal } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { gapsOf } from "./known-gaps.ts";
import { type Charge, chargesIn } from "./charges-store.ts";
import { invoiceLines } from "./invoice-csv.ts";
import { reconciled } from "./reconcile.ts";
import * as store from "./store.ts";
import { addInto, costOf, nothing, presented, type Sums, sumOf } from "./sums.ts";
import { before, bucketsOf, mostBuckets, type Range, rangeOf } from "./windows.ts";

export type CostsDeps = {
  queries: Queries;
  clock: Clock;
  /** Writes what is still to be written: a report has what happened before it was asked for. */
  flush(): Promise<void>;
  /** Where budgets stand now. */
  standings(locale: Locale): Promise<BudgetStanding[]>;
  pauses(actor: Actor): Promise<RunPause[]>;
  decide(actor: Actor, id: string, decision: PauseDecision): Promise<RunPause>;
  reprice(
    of: { from: string; to: string; only: "unpriced" | "all"; isDryRun: boolean },
    actor: Actor,
  ): Promise<{ calls: number; nanoBefore: number; nanoAfter: number }>;
};

export type CostsService = {
  report(query: UsageQuery, locale: Locale): Promise<UsageReport>;
  /** What is charged in a stretch of time, by day and subject. */
  charges(query: UsageQuery): Promise<Charge[]>;
  standings(locale: Locale): Promise<BudgetStanding[]>;
  /** Runs that used up a budget and wait for a person, and what was decided lately. */
  pauses(actor: Actor): Promise<RunPause[]>;
  decide(actor: Actor, id: string, decision: PauseDecision): Promise<RunPause>;
  /** Gives calls the prices that hold now, on record. */
  reprice(actor: Actor, repricing: Repricing): Promise<Repriced>;
  /** An invoice beside the ledger. Throws a `Refusal` for a CSV that cannot be read. */
  reconcile(invoice: Invoice, locale: Locale): Promise<Reconciliation>;
};

/** In a series each group that costs most has a line of its own. */
const linesOfSeries = 8;

export function createCostsService(deps: CostsDeps): CostsService {
  const { queries, flush } = deps;
  const rangeNow = (query: Pick<UsageQuery, "from" | "to" | "tz">): Range => {
    const range = rangeOf(query, deps.clock().getTime());
    if (range.to - range.from > mostMs) throw tooLong();
    return range;
  };
  return {
    async standings(locale) {
      await flush();
      return await deps.standings(locale);
    },
    pauses: (actor) => deps.pauses(actor),
    decide: (actor, id, decision) => deps.decide(actor, id, decision),
    async charges(query) {
      await flush();
      return await chargesIn(queries, rangeNow(query), await store.filterOf(queries, query));
    },
    async reprice(actor, { from, to, tz, only, dry_run: isDryRun }) {
      const stretch = shown(rangeNow({ from, to, tz }));
      const { calls, nanoBefore, nanoAfter } = await deps.reprice({ ...stretch, only, isDryRun }, actor);
      return {
        ...stretch,
        dry_run: isDryRun,
        calls,
        usd_before: nanoBefore / 1e9,
        usd_after: nanoAfter / 1e9,
      };
    },
    async reconcile({ provider, from, to, tz, lines, csv }, locale) {
      await flush();
      const range = rangeNow({ from, to, tz });
      const charges = await chargesIn(queries, range, await store.filterOf(queries, { provider }));
      return { provider, ...shown(range), ...reconciled(charges, lines ?? invoiceLines(csv ?? ""), locale) };
    },
    async report(query, locale) {
      await flush();
      return await reportOf(queries, rangeNow(query), query, locale);
    },
  };
}

const shown = ({ from, to }: Range): { from: string; to: string } => ({
  from: new Date(from).toISOString(),
  to: new Date(to).toISOString(),
});

async function reportOf(
  queries: Queries,
  range: Range,
  query: UsageQuery,
  locale: Locale,
): Promise<UsageReport> {
  const filter = await store.filterOf(queries, query);
  const [now, earlier] = [
    await merged(queries, range, query, filter),
    await merged(queries, before(range), query, filter),
  ];
  const groups = [...now]
    .map(([key, sums]) => ({ key, sums }))
    .toSorted((a, b) => costOf(b.sums) - costOf(a.sums) || sumOf(b.sums, "calls") - sumOf(a.sums, "calls"));
  const logged = await store.agentsLogged(queries, range, filter);
  return {
    ...shown(range),
    tz: query.tz,
    group_by: query.group_by,
    total: presented(all(now)),
    before: presented(all(earlier)),
    groups: groups.map(({ key, sums }) => ({
      key,
      ...presented(sums),
      cost_usd_before: costOf(earlier.get(key) ?? nothing()),
    })),
    movers: moversIn(now, earlier),
    series:
      query.bucket === undefined
        ? []
        : await seriesOf(queries, {
            range,
            query,
            filter,
            bucket: query.bucket,
            groups: groups.map(({ key }) => key),
          }),
    known_gaps: [...logged].flatMap(([agent, toldBy]) => {
      const gaps = gapsOf(agent, toldBy);
      return gaps.length === 0 ? [] : [{ agent, text: gaps.map((gap) => gap[locale]).join(" ") }];
    }),
  };
}

type BySums = Awaited<ReturnType<typeof merged>>;

const mostMovers = 5;

function moversIn(now: BySums, earlier: BySums): UsageReport["movers"] {
  const keys = new Set([...now.keys(), ...earlier.keys()]);
  return [...keys]
    .map((key) => ({
      key,
      cost_usd: costOf(now.get(key) ?? nothing()),
      cost_usd_before: costOf(earlier.get(key) ?? nothing()),
    }))
    .filter((one) => one.cost_usd !== one.cost_usd_before)
    .toSorted((a, b) => changeOf(b) - changeOf(a))
    .slice(0, mostMovers);
}

const changeOf = ({ cost_usd: now, cost_usd_before: was }: UsageReport["movers"][number]): number =>
  Math.abs(now - was);

const mostMs = 5 * 366 * 24 * 3_600_000;

async function merged(
  queries: Queries,
  range: Range,
  { group_by }: UsageQuery,
  filter: store.Filter,
): Promise<Map<string | null, Sums>> {
  const groups = new Map<string | null, Sums>();
  for (const { key, sums } of await store.sumsByGroup(queries, range, group_by, filter)) {
    const known = groups.get(key) ?? nothing();
    addInto(known, sums);
    groups.set(key, known);
  }
  return groups;
}

function all(groups: ReadonlyMap<string | null, Sums>): Sums {
  const total = nothing();
  for (const sums of groups.values()) addInto(total, sums);
  return total;
}

type Asked = {
  range: Range;
  query: UsageQuery;
  filter: store.Filter;
  bucket: UsageBucket;
  groups: readonly (string | null)[];
};

async function seriesOf(queries: Queries, asked: Asked): Promise<UsageReport["series"]> {
  const { range, query, filter, bucket, groups } = asked;
  const starts = bucketsOf(range, bucket, query.tz);
  if (starts.length >= mostBuckets) throw tooManyBuckets(bucket);
  // Where a zone is half an hour off, an hour may be part of two buckets: its calls are looked at one by one.
  const isOdd = starts.some((start) => start % 3_600_000 !== 0);
  const points = await (isOdd ? store.pointsOneByOne : store.pointsByHour)(
    queries,
    range,
    query.group_by,
    filter,
  );
  const series = starts.map((start) => ({
    start: new Date(start).toISOString(),
    nano: 0,
    calls: 0,
    costs: new Map<string, number>(),
  }));
  const lines = new Set(groups.slice(0, linesOfSeries));
  for (const { period, key, cost, calls } of points) {
    const point = series[placeOf(starts, momentOf(period))];
    if (point === undefined) continue;
    point.nano += cost;
    point.calls += calls;
    if (key !== null && lines.has(key)) point.costs.set(key, (point.costs.get(key) ?? 0) + cost);
  }
  return series.map(({ start, nano, calls, costs }) => ({
    start,
    cost_usd: nano / 1e9,
    calls,
    costs: Object.fromEntries([...costs].map(([key, cost]) => [key, cost / 1e9])),
  }));
}

/** `2026-11-27T15` or a whole time. */
const momentOf = (period: string): number =>
  Date.parse(period.length === 13 ? `${period}:00:00.000Z` : period);

/** The last bucket that begins no later; -1 before the first. */
function placeOf(starts: readonly number[], at: number): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const tooLong = (): Refusal =>
  new Refusal(
    "invalid_payload",
    text("A report is of five years at most", "Um relatório é de no máximo cinco anos"),
  );

const tooManyBuckets = (bucket: UsageBucket): Refusal =>
  new Refusal(
    "invalid_payload",
    text(
      `A series has fewer than ${mostBuckets} points: ask for less time than this by ${bucket}, or for a longer bucket`,
      `Uma série tem menos de ${mostBuckets} pontos: peça menos tempo por ${bucket}, ou um intervalo maior`,
    ),
  );
