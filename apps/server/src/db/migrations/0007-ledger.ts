import { type CreateTableBuilder, sql } from "kysely";
import type { Migration } from "kysely/migration";
import { rollupSums } from "../usage-schema.ts";
import { type Builder, index, textTable } from "./builders.ts";
import type { DatabaseKind } from "./index.ts";

/** Calls of tools and models in one ledger, with roll-ups by hour and day in place of totals by day and month. */
export const ledger = (kind: DatabaseKind): Migration => ({
  async up(db: Builder) {
    await db.schema.alterTable("usage_events").renameTo("old_usage_events").execute();
    for (const name of ["usage_events_by_at", "usage_events_by_server_at"])
      await db.schema.dropIndex(name).execute();
    await subjects(db, kind);
    await events(db, kind);
    for (const name of ["usage_hours", "usage_days"]) await rollups(db, name);
    await carryOver(db);
    await db.schema.dropTable("old_usage_events").execute();
    await db.schema.dropTable("usage_totals").execute();
  },
});

/** A number that the database counts up. */
const counted = <T extends string, C extends string>(
  table: CreateTableBuilder<T, C>,
  kind: DatabaseKind,
): CreateTableBuilder<T, C> =>
  kind === "sqlite"
    ? table.addColumn("id" as C, "integer", (c) => c.primaryKey().autoIncrement())
    : table.addColumn("id" as C, "bigint", (c) => c.primaryKey().generatedByDefaultAsIdentity());

async function subjects(db: Builder, kind: DatabaseKind): Promise<void> {
  const table = textTable(
    db,
    "usage_subjects",
    "hash kind source server? tool? method? era? provider? model? actor_id? actor_name? agent? agent_version? " +
      "run? phase? pull_request? sprint?",
  ).addUniqueConstraint("usage_subjects_once", ["hash"]);
  await counted(table, kind).execute();
}

async function events(db: Builder, kind: DatabaseKind): Promise<void> {
  let table = textTable(
    db,
    "usage_events",
    "key at session? operation? status error? tier? cost_source price_version?",
  )
    .addColumn("subject_id", "bigint", (c) => c.notNull())
    .addColumn("attempt", "integer", (c) => c.notNull().defaultTo(1))
    .addColumn("ms", "double precision")
    .addColumn("cost_nano_usd", "bigint")
    .addColumn("replaced_by", "bigint")
    .addUniqueConstraint("usage_events_once", ["key"]);
  for (const name of ["input", "output"]) table = table.addColumn(name as never, "bigint");
  for (const name of [
    "request_bytes",
    "response_bytes",
    "cache_read",
    "cache_write_short",
    "cache_write_long",
    "reasoning",
    "web_searches",
  ])
    table = table.addColumn(name as never, "bigint", (c) => c.notNull().defaultTo(0));
  await counted(table, kind).execute();
  await index(db, "usage_events", ["at"]);
  await textTable(db, "usage_aliases", "alias key at")
    .addPrimaryKeyConstraint("usage_aliases_pk", ["alias"])
    .execute();
  await index(db, "usage_aliases", ["at"]);
  await textTable(db, "usage_purge", "before")
    .addColumn("id", "integer", (c) => c.primaryKey())
    .execute();
  await sql`insert into usage_purge (id, before) values (1, '')`.execute(db);
}

async function rollups(db: Builder, name: string): Promise<void> {
  let table = textTable(db, name, "period")
    .addColumn("subject_id", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint(`${name}_pk`, ["period", "subject_id"]);
  for (const sum of rollupSums)
    table = table.addColumn(sum as never, "bigint", (c) => c.notNull().defaultTo(0));
  await table.execute();
}

const nano = (usd: string) => sql.raw(`cast(round(${usd} * 1000000000) as bigint)`);
const one = (condition: string) => sql.raw(`sum(case when ${condition} then 1 else 0 end)`);

/** What was recorded before: single calls as they are, and totals that outlived theirs as of their day's first hour. */
async function carryOver(db: Builder): Promise<void> {
  const same = sql.raw(
    ["server", "tool", "method", "era", "actor_id", "actor_name", "client_name", "client_version"].join(", "),
  );
  await sql`insert into usage_subjects
    (hash, kind, source, server, tool, method, era, actor_id, actor_name, agent, agent_version)
    select 'before ' || row_number() over (order by server), 'tool', 'gateway', ${same}
    from (select distinct ${same} from old_usage_events) as before`.execute(db);
  await sql`insert into usage_events (key, at, subject_id, attempt, status, error, ms, request_bytes, response_bytes,
      web_searches, cost_nano_usd, cost_source)
    select 'gateway:' || e.id, e.at, s.id, 1, e.status, e.error, e.ms, e.request_bytes, e.response_bytes, 0,
      ${nano("e.cost_usd")},
      case when e.cost_usd is not null then 'override' when e.status = 'refused' then 'none' else 'unpriced' end
    from old_usage_events e join usage_subjects s on s.hash like 'before %' and s.server = e.server and s.method = e.method
      and s.era = e.era and s.actor_name = e.actor_name and coalesce(s.tool, '') = coalesce(e.tool, '')
      and coalesce(s.actor_id, '') = coalesce(e.actor_id, '') and coalesce(s.agent, '') = coalesce(e.client_name, '')
      and coalesce(s.agent_version, '') = coalesce(e.client_version, '')
    order by e.id`.execute(db);
  for (const [name, length] of [
    ["usage_hours", 13],
    ["usage_days", 10],
  ] as const) {
    await sql`insert into ${sql.table(name)} (period, subject_id, calls, errors, refused, unpriced, cost_nano_usd)
      select substr(at, 1, ${sql.lit(length)}), subject_id, count(*),
        ${one("status in ('error', 'tool_error', 'timeout')")}, ${one("status = 'refused'")},
        ${one("cost_source = 'unpriced'")}, coalesce(sum(cost_nano_usd), 0)
      from usage_events group by substr(at, 1, ${sql.lit(length)}), subject_id`.execute(db);
  }
  await totalsAlone(db);
}

/** Of days whose single calls are not kept any more, only server, number and cost are known. */
async function totalsAlone(db: Builder): Promise<void> {
  await sql`insert into usage_subjects (hash, kind, source, server)
    select 'total ' || server, 'tool', 'gateway', server from usage_totals group by server`.execute(db);
  const there = sql`(select coalesce(sum(d.calls), 0) from usage_days d join usage_subjects x on x.id = d.subject_id
    where d.period = t.period and x.server = t.server and x.hash like 'before %')`;
  const paid = sql`(select coalesce(sum(d.cost_nano_usd), 0) from usage_days d join usage_subjects x on x.id = d.subject_id
    where d.period = t.period and x.server = t.server and x.hash like 'before %')`;
  for (const [name, hour] of [
    ["usage_hours", "T00"],
    ["usage_days", ""],
  ] as const) {
    await sql`insert into ${sql.table(name)} (period, subject_id, calls, unpriced, cost_nano_usd)
      select t.period || ${sql.lit(hour)}, s.id, t.calls - ${there},
        case when ${there} = 0 then t.unpriced_calls else 0 end, ${nano("t.cost_usd")} - ${paid}
      from usage_totals t join usage_subjects s on s.hash = 'total ' || t.server
      where length(t.period) = 10 and t.calls > ${there}`.execute(db);
  }
}
