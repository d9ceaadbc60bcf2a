import { sql } from "kysely";
import type { UsageGroup, UsageQuery } from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";
import { rollupSums } from "../../db/usage-schema.ts";
import type { ToldBy } from "./known-gaps.ts";
import type { Sums } from "./sums.ts";
import { type Parts, partsOf, type Range } from "./windows.ts";

const columnOf: Record<UsageGroup, string> = {
  server: "server",
  tool: "tool",
  provider: "provider",
  model: "model",
  person: "actor_name",
  agent: "agent",
  run: "run",
  phase: "phase",
  pull_request: "pull_request",
  sprint: "sprint",
  kind: "kind",
  source: "source",
};

/** What subjects have to be, by group; and names that several people have, who are told apart by their e-mail. */
export type Filter = {
  values: Partial<Record<UsageGroup, string | undefined>>;
  sharedNames: readonly string[];
};

export async function filterOf(queries: Queries, query: Partial<UsageQuery>): Promise<Filter> {
  const groups = Object.keys(columnOf) as UsageGroup[];
  const { rows } = await sql<{ name: string }>`select actor_name as name from usage_subjects
    where actor_id is not null and actor_name is not null
    group by actor_name having count(distinct actor_id) > 1`.execute(queries);
  return {
    values: Object.fromEntries(groups.map((group) => [group, query[group]])),
    sharedNames: rows.map(({ name }) => name),
  };
}

/** How a subject is called in a group. */
function nameIn(group: UsageGroup, { sharedNames }: Filter) {
  const column = sql.ref(`s.${columnOf[group]}`);
  if (group !== "person" || sharedNames.length === 0) return column;
  const email = sql`coalesce((select u.email from users u where u.id = s.actor_id), s.actor_id, '?')`;
  return sql`case when s.actor_name in (${sql.join(sharedNames)}) then s.actor_name || ' <' || ${email} || '>'
    else s.actor_name end`;
}

/** What subjects have to be; an empty name stands for those that have none. */
export function where(filter: Filter) {
  const conditions = Object.entries(filter.values).flatMap(([group, value]) => {
    if (value === undefined) return [];
    const name = nameIn(group as UsageGroup, filter);
    if (value === "") return [sql`${name} is null`];
    // People are known by their e-mail, too, as in budgets.
    if (group === "person" && value.includes("@"))
      return [
        sql`(${name} = ${value} or s.actor_id in (select u.id from users u where lower(u.email) = ${value.toLowerCase()}))`,
      ];
    return [sql`${name} = ${value}`];
  });
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `);
}

export const iso = (at: number): string => new Date(at).toISOString();
export const allSums = sql.raw(rollupSums.map((name) => `sum(r.${name}) as ${name}`).join(", "));

type Row = { key: string | null } & Record<(typeof rollupSums)[number], number | string | null>;

const sumsIn = (row: Row): Sums => rollupSums.map((name) => Number(row[name] ?? 0));

/** Sums of a stretch of time by group. Whole days and hours are read as they were rolled up, the rest call by call. */
export async function sumsByGroup(
  queries: Queries,
  range: Range,
  group: UsageGroup,
  filter: Filter,
): Promise<{ key: string | null; sums: Sums }[]> {
  const { days, hours, calls } = await keptParts(queries, range);
  const key = nameIn(group, filter);
  const rolled = (table: string, length: number) => async (part: Range) => {
    const { rows } = await sql<Row>`select ${key} as key, ${allSums} from ${sql.table(table)} r
      join usage_subjects s on s.id = r.subject_id
      where r.period >= ${iso(part.from).slice(0, length)} and r.period < ${iso(part.to).slice(0, length)}
        and ${where(filter)} group by 1`.execute(queries);
    return rows;
  };
  const single = async (part: Range) => {
    const { rows } = await sql<Row>`select ${key} as key, ${sumsOfCalls} from usage_events r
      join usage_subjects s on s.id = r.subject_id
      where r.at >= ${iso(part.from)} and r.at < ${iso(part.to)} and r.replaced_by is null
        and ${where(filter)} group by 1`.execute(queries);
    return rows;
  };
  const rows: Row[] = [];
  for (const part of days) rows.push(...(await rolled("usage_days", 10)(part)));
  for (const part of hours) rows.push(...(await rolled("usage_hours", 13)(part)));
  for (const part of calls) rows.push(...(await single(part)));
  return rows.map((row) => ({ key: row.key, sums: sumsIn(row) }));
}

/**
 * The parts of a stretch as they can be read. Calls that are deleted live on in the sums of their hours: an hour that is only
 * partly asked for counts whole there, where it begins within what is asked for.
 */
export async function keptParts(queries: Queries, range: Range): Promise<Parts> {
  const parts = partsOf(range);
  if (parts.calls.length === 0) return parts;
  const kept = await keptFrom(queries);
  const [gone, there] = [
    parts.calls.filter(({ from }) => from < kept),
    parts.calls.filter(({ from }) => from >= kept),
  ];
  return { ...parts, hours: [...parts.hours, ...gone.map(hoursIn)], calls: there };
}

const hourMs = 3_600_000;

/** From when on all calls are there; 0 where none were deleted. */
async function keptFrom(queries: Queries): Promise<number> {
  const row = await queries.selectFrom("usage_purge").select("before").where("id", "=", 1).executeTakeFirst();
  return row === undefined || row.before === "" ? 0 : Date.parse(row.before);
}

/** The hours that begin in a part. */
const hoursIn = ({ from, to }: Range): Range => ({
  from: Math.ceil(from / hourMs) * hourMs,
  to: Math.ceil(to / hourMs) * hourMs,
});

const counted = (condition: string): string => `sum(case when ${condition} then 1 else 0 end)`;
const msColumns = rollupSums.filter((name) => name.startsWith("ms_"));
/** As roll-ups count a call: see `features/usage/rollups.ts`. */
export const sumsOfCalls = sql.raw(
  [
    "count(*) as calls",
    `${counted("r.status in ('error', 'tool_error', 'timeout', 'partial')")} as errors`,
    `${counted("r.status = 'refused'")} as refused`,
    ...["unpriced", "unknown", "estimated"].map(
      (source) => `${counted(`r.cost_source = '${source}'`)} as ${source}`,
    ),
    ...[
      "input",
      "cache_read",
      "cache_write_short",
      "cache_write_long",
      "output",
      "reasoning",
      "web_searches",
      "cost_nano_usd",
    ].map((name) => `coalesce(sum(r.${name}), 0) as ${name}`),
    ...msColumns.map((name, index) => {
      const bound = (one: string | undefined): string => (one ?? "").slice("ms_".length);
      const above = index === 0 ? "" : ` and r.ms > ${bound(msColumns[index - 1])}`;
      const below = name === "ms_more" ? "" : ` and r.ms <= ${bound(name)}`;
      return `${counted(`r.ms is not null and r.status <> 'refused'${above}${below}`)} as ${name}`;
    }),
  ].join(", "),
);

export type Point = { period: string; key: string | null; cost: number; calls: number };

/** PostgreSQL gives sums as text. */
type PointRow = { period: string; key: string | null; cost: number | string; calls: number | string };

/** Cost and calls by hour and group; what is at the edges of the time, call by call. */
export async function pointsByHour(
  queries: Queries,
  range: Range,
  group: UsageGroup,
  filter: Filter,
): Promise<Point[]> {
  const { calls: edges } = await keptParts(queries, range);
  // Where calls of an edge are deleted, its hour is read in their place.
  const [first, last] = [
    Math.ceil(range.from / hourMs) * hourMs,
    (edges.some(({ to }) => to === range.to) ? Math.floor : Math.ceil)(range.to / hourMs) * hourMs,
  ];
  const key = nameIn(group, filter);
  const { rows } =
    await sql<PointRow>`select r.period, ${key} as key, sum(r.cost_nano_usd) as cost, sum(r.calls) as calls
    from usage_hours r join usage_subjects s on s.id = r.subject_id
    where r.period >= ${iso(first).slice(0, 13)} and r.period < ${iso(last).slice(0, 13)} and ${where(filter)}
    group by 1, 2`.execute(queries);
  const points = rows.map((row) => ({ ...row, cost: Number(row.cost), calls: Number(row.calls) }));
  for (const part of edges) points.push(...(await pointsOfCalls(queries, part, group, filter)));
  return points;
}

/**
 * The same of single calls, each at its own time: where a zone is half an hour off, buckets begin within an hour. What is
 * deleted is told by the hour.
 */
export async function pointsOneByOne(
  queries: Queries,
  range: Range,
  group: UsageGroup,
  filter: Filter,
): Promise<Point[]> {
  const kept = Math.ceil((await keptFrom(queries)) / hourMs) * hourMs;
  const split = Math.min(Math.max(range.from, kept), range.to);
  return [
    ...(split > range.from
      ? await pointsByHour(queries, { from: range.from, to: split }, group, filter)
      : []),
    ...(await pointsOfCalls(queries, { from: split, to: range.to }, group, filter)),
  ];
}

async function pointsOfCalls(
  queries: Queries,
  range: Range,
  group: UsageGroup,
  filter: Filter,
): Promise<Point[]> {
  const key = nameIn(group, filter);
  const { rows } =
    await sql<PointRow>`select r.at as period, ${key} as key, coalesce(r.cost_nano_usd, 0) as cost, 1 as calls
    from usage_events r join usage_subjects s on s.id = r.subject_id
    where r.at >= ${iso(range.from)} and r.at < ${iso(range.to)} and r.replaced_by is null and ${where(filter)}`.execute(
      queries,
    );
  return rows.map((row) => ({ ...row, cost: Number(row.cost), calls: Number(row.calls) }));
}

/** Agents whose own word a stretch of time is from, and from nobody else. */
export async function agentsLogged(
  queries: Queries,
  range: Range,
  filter: Filter,
): Promise<Map<string, ToldBy[]>> {
  const { rows } = await sql<{
    agent: string;
    source: ToldBy;
  }>`select distinct s.agent, s.source from usage_days r
    join usage_subjects s on s.id = r.subject_id
    where r.period >= ${iso(range.from).slice(0, 10)} and r.period <= ${iso(range.to - 1).slice(0, 10)}
      and s.source in ('log', 'otlp') and s.agent is not null and r.calls > 0 and ${where(filter)}
    order by s.agent, s.source`.execute(queries);
  const agents = new Map<string, ToldBy[]>();
  for (const { agent, source } of rows) agents.set(agent, [...(agents.get(agent) ?? []), source]);
  return agents;
}
