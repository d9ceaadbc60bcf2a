import { type Selectable, sql } from "kysely";
import { type Column, insertRows } from "../../db/bulk.ts";
import type { Database, Queries } from "../../db/dialect.ts";
import { rollupSums, type UsageEventTable, type UsageSubjectTable } from "../../db/usage-schema.ts";
import {
  type CallStatus,
  type CallSubject,
  type Cost,
  type MeteredCall,
  statedCost,
} from "../../domain/usage.ts";
import { type ModelUsage, totalOf } from "../../domain/tokens.ts";
import { sha256 } from "../../lib/crypto.ts";
import { type Entry, toMicroseconds } from "./entry.ts";
import type { Rollup, Rollups } from "./rollups.ts";

/** A call, and the id of its subject. */
export type Placed = { entry: Entry; subjectId: number };

const eventColumns: readonly (Column<Placed> & { name: keyof UsageEventTable })[] = [
  { name: "key", of: ({ entry }) => entry.call.key },
  { name: "at", of: ({ entry }) => entry.call.at },
  { name: "subject_id", of: ({ subjectId }) => subjectId },
  { name: "session", default: null, of: ({ entry }) => entry.call.session },
  { name: "operation", default: null, of: ({ entry }) => entry.call.operation },
  { name: "attempt", default: 1, of: ({ entry }) => entry.call.attempt },
  { name: "status", of: ({ entry }) => entry.call.status },
  { name: "error", default: null, of: ({ entry }) => entry.call.error },
  {
    name: "ms",
    default: null,
    of: ({ entry: { call } }) => (call.ms === null ? null : toMicroseconds(call.ms)),
  },
  { name: "request_bytes", default: 0, of: ({ entry }) => entry.call.requestBytes },
  { name: "response_bytes", default: 0, of: ({ entry }) => entry.call.responseBytes },
  { name: "input", default: null, of: ({ entry }) => entry.call.usage?.tokens.input ?? null },
  { name: "cache_read", default: 0, of: ({ entry }) => entry.call.usage?.tokens.cacheRead ?? 0 },
  { name: "cache_write_short", default: 0, of: ({ entry }) => entry.call.usage?.tokens.cacheWriteShort ?? 0 },
  { name: "cache_write_long", default: 0, of: ({ entry }) => entry.call.usage?.tokens.cacheWriteLong ?? 0 },
  { name: "output", default: null, of: ({ entry }) => entry.call.usage?.tokens.output ?? null },
  { name: "reasoning", default: 0, of: ({ entry }) => entry.call.usage?.tokens.reasoning ?? 0 },
  { name: "web_searches", default: 0, of: ({ entry }) => entry.call.usage?.webSearches ?? 0 },
  { name: "other_modality", default: 0, of: ({ entry }) => entry.call.usage?.otherModality ?? 0 },
  { name: "answered_by", default: null, of: ({ entry }) => entry.call.usage?.model ?? null },
  { name: "tier", default: null, of: ({ entry }) => entry.call.usage?.tier ?? null },
  { name: "cost_nano_usd", default: null, of: ({ entry }) => entry.cost.nanoUsd },
  { name: "cost_source", of: ({ entry }) => entry.cost.source },
  { name: "price_version", default: null, of: ({ entry }) => entry.cost.version },
];

type SubjectRow = Omit<UsageSubjectTable, "id" | "hash">;

const subjectRow = (subject: CallSubject): SubjectRow => ({
  kind: subject.kind,
  source: subject.source,
  server: subject.server,
  tool: subject.tool,
  method: subject.method,
  era: subject.era,
  provider: subject.provider,
  model: subject.model,
  actor_id: subject.actorId,
  actor_name: subject.actorName,
  agent: subject.agent,
  agent_version: subject.agentVersion,
  run: subject.run,
  phase: subject.phase,
  pull_request: subject.pullRequest,
  sprint: subject.sprint,
});

/** Ids of subjects, by their text. Those that are new are written. */
export async function subjectIds(
  queries: Queries,
  subjects: ReadonlyMap<string, CallSubject>,
): Promise<Map<string, number>> {
  // In one order everywhere: two nodes that add the same must not wait for each other.
  const rows = [...subjects]
    .map(([said, subject]) => ({ said, row: { hash: sha256(said), ...subjectRow(subject) } }))
    .toSorted((a, b) => (a.row.hash < b.row.hash ? -1 : 1));
  const ids = new Map<string, number>();
  for (let from = 0; from < rows.length; from += namesAtOnce) {
    const some = rows.slice(from, from + namesAtOnce);
    await queries
      .insertInto("usage_subjects")
      .values(some.map(({ row }) => row))
      .onConflict((conflict) => conflict.column("hash").doNothing())
      .execute();
    const found = await queries
      .selectFrom("usage_subjects")
      .select(["id", "hash"])
      .where(
        "hash",
        "in",
        some.map(({ row }) => row.hash),
      )
      .execute();
    const byHash = new Map(found.map(({ id, hash }) => [hash, id]));
    for (const { said, row } of some) ids.set(said, byHash.get(row.hash) ?? -1);
  }
  return ids;
}

const namesAtOnce = 500;

/** Keys under which calls are in the ledger, by the names that are asked for. */
export async function keysOf(
  queries: Queries,
  kind: Database["kind"],
  names: readonly string[],
): Promise<Map<string, string>> {
  const keys = new Map<string, string>();
  if (names.length === 0) return keys;
  const listed = JSON.stringify(names);
  const asked =
    kind === "sqlite"
      ? sql`select value as name from json_each(${listed})`
      : sql`select jsonb_array_elements_text(${listed}::text::jsonb) as name`;
  const { rows } = await sql<{ name: string; key: string }>`with asked as materialized (${asked})
    select name, key from asked join usage_events on key = name
    union all select name, key from asked join usage_aliases on alias = name`.execute(queries);
  for (const { name, key } of rows) keys.set(name, key);
  return keys;
}

/** Who made the call of the model endpoint that has a name, and how many tokens it used; undefined where there is no such call. */
export async function callerOf(
  { kind, queries }: Pick<Database, "kind" | "queries">,
  name: string,
): Promise<{ actorId: string | null; tokens: number } | undefined> {
  const keys = await keysOf(queries, kind, [name]);
  const entries = await entriesOf(queries, [...keys.values()]);
  const found = [...entries.values()].find(({ call }) => call.subject.source === "endpoint")?.call;
  if (found === undefined) return undefined;
  return {
    actorId: found.subject.actorId,
    tokens: found.usage === null ? 0 : totalOf(found.usage.tokens),
  };
}

type PricedBetween = { from: string; to: string; only: "unpriced" | "all"; after: number; upTo: number };

/** Calls of models with known tokens, of a time, whose ids are after one and up to another, in their order. */
export async function pricedBetween(
  queries: Queries,
  { from, to, only, after, upTo }: PricedBetween,
  limit: number,
): Promise<StoredEntry[]> {
  const sources = only === "unpriced" ? ["unpriced"] : ["unpriced", "table", "override", "estimated"];
  const rows = await queries
    .selectFrom("usage_events as event")
    .innerJoin("usage_subjects as subject", "subject.id", "event.subject_id")
    .selectAll("subject")
    .selectAll("event")
    .where("event.at", ">=", from)
    .where("event.at", "<", to)
    .where("event.id", ">", after)
    .where("event.id", "<=", upTo)
    .where("event.replaced_by", "is", null)
    .where("event.input", "is not", null)
    .where("subject.kind", "=", "model")
    .where("event.cost_source", "in", sources)
    // What a server said of its own call is no price of the console's.
    .where((eb) =>
      eb.not(eb.and([eb("event.cost_source", "=", "estimated"), eb("event.price_version", "=", statedCost)])),
    )
    .orderBy("event.id")
    .limit(limit)
    .execute();
  return rows.map(storedEntry);
}

export type StoredEntry = Entry & { id: number; subjectId: number };

/** Calls by key, as they stand now. */
export async function entriesOf(
  queries: Queries,
  keys: readonly string[],
): Promise<Map<string, StoredEntry>> {
  const entries = new Map<string, StoredEntry>();
  for (let from = 0; from < keys.length; from += namesAtOnce) {
    const rows = await queries
      .selectFrom("usage_events as event")
      .innerJoin("usage_subjects as subject", "subject.id", "event.subject_id")
      .selectAll("subject")
      .selectAll("event")
      .where("event.key", "in", keys.slice(from, from + namesAtOnce))
      .execute();
    for (const row of rows) entries.set(row.key, storedEntry(row));
  }
  return entries;
}

type EventRow = Selectable<UsageEventTable> & SubjectRow;

function storedEntry(row: EventRow): StoredEntry {
  const usage: ModelUsage | null =
    row.input === null
      ? null
      : {
          tokens: {
            input: row.input,
            cacheRead: row.cache_read,
            cacheWriteShort: row.cache_write_short,
            cacheWriteLong: row.cache_write_long,
            output: row.output ?? 0,
            reasoning: row.reasoning,
          },
          webSearches: row.web_searches,
          otherModality: row.other_modality,
          model: row.answered_by,
          tier: row.tier,
        };
  const call: MeteredCall = {
    subject: storedSubject(row),
    key: row.key,
    aliases: [],
    at: row.at,
    session: row.session,
    operation: row.operation,
    attempt: row.attempt,
    status: row.status as CallStatus,
    error: row.error,
    ms: row.ms,
    requestBytes: row.request_bytes,
    responseBytes: row.response_bytes,
    usage,
    cost: null,
  };
  const cost = { nanoUsd: row.cost_nano_usd, source: row.cost_source, version: row.price_version } as Cost;
  return { id: row.id, subjectId: row.subject_id, call, cost };
}

const storedSubject = (row: SubjectRow): CallSubject =>
  ({
    kind: row.kind,
    source: row.source,
    server: row.server,
    tool: row.tool,
    method: row.method,
    era: row.era,
    provider: row.provider,
    model: row.model,
    actorId: row.actor_id,
    actorName: row.actor_name,
    agent: row.agent,
    agentVersion: row.agent_version,
    run: row.run,
    phase: row.phase,
    pullRequest: row.pull_request,
    sprint: row.sprint,
  }) as CallSubject;

/** Inserts calls that are not there yet, in order. */
export async function insertEntries(
  queries: Queries,
  kind: Database["kind"],
  rows: readonly Placed[],
): Promise<void> {
  await insertRows(queries, kind, { table: "usage_events", columns: eventColumns, rows });
}

/** Makes room under the key of calls that another is to take the place of: they stay, under another key. */
export async function stepAside(queries: Queries, entries: readonly StoredEntry[]): Promise<void> {
  for (const { id, call } of entries)
    await queries
      .updateTable("usage_events")
      .set({ key: `${call.key} ~${id}` })
      .where("id", "=", id)
      .execute();
}

/** Says of calls that stepped aside which one took their place, by its key; their names lead there from now on. */
export async function markReplaced(
  queries: Queries,
  entries: readonly StoredEntry[],
  key: string,
): Promise<void> {
  for (const { id, call } of entries) {
    await queries
      .updateTable("usage_events")
      .set((eb) => ({ replaced_by: eb.selectFrom("usage_events").select("id").where("key", "=", key) }))
      .where("id", "=", id)
      .execute();
    if (call.key === key) continue;
    await queries.updateTable("usage_aliases").set({ key }).where("key", "=", call.key).execute();
    await insertAliases(queries, [{ alias: call.key, key, at: call.at }]);
  }
}

export type Alias = { alias: string; key: string; at: string };

/** Takes note of further names of calls. A name that is known keeps its call. */
export async function insertAliases(queries: Queries, aliases: readonly Alias[]): Promise<void> {
  for (let from = 0; from < aliases.length; from += namesAtOnce) {
    await queries
      .insertInto("usage_aliases")
      .values(aliases.slice(from, from + namesAtOnce))
      .onConflict((conflict) => conflict.column("alias").doNothing())
      .execute();
  }
}

/** Adds to the sums of hours and days, in the transaction that writes the calls. */
export async function addRollups(queries: Queries, rollups: Rollups): Promise<void> {
  await addSums(queries, "usage_hours", rollups.hours());
  await addSums(queries, "usage_days", rollups.days());
}

async function addSums(
  queries: Queries,
  table: "usage_hours" | "usage_days",
  rollups: readonly Rollup[],
): Promise<void> {
  for (const { period, subject, sums } of rollups) {
    await sql`insert into ${sql.table(table)} (period, subject_id, ${sql.raw(rollupSums.join(", "))})
      values (${period}, ${subject}, ${sql.join(sums)})
      on conflict (period, subject_id) do update set ${sql.raw(
        rollupSums.map((name) => `${name} = ${table}.${name} + excluded.${name}`).join(", "),
      )}`.execute(queries);
  }
}

/** The id of the latest call; 0 where there is none. */
export async function lastId(queries: Queries): Promise<number> {
  const row = await queries
    .selectFrom("usage_events")
    .select("id")
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return row?.id ?? 0;
}
