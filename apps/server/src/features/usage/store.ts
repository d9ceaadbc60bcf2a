import { type Insertable, type RawBuilder, sql } from "kysely";
import type { Database, Queries } from "../../db/dialect.ts";
import type { Tables, UsageEventTable } from "../../db/schema.ts";

/** Columns in the order in which a row holds them, with those that are numbers. */
const columns = [
  "id",
  "at",
  "kind",
  "server",
  "tool",
  "method",
  "actor_id",
  "actor_name",
  "status",
  "error",
  "era",
  "request_id",
  "ms",
  "request_bytes",
  "response_bytes",
  "cost_usd",
  "client_name",
  "client_version",
] as const satisfies (keyof UsageEventTable)[];
const numbers = new Set<string>(["ms", "request_bytes", "response_bytes", "cost_usd"]);

/** Values of `columns`, in their order. */
export type UsageRow = (string | number | null)[];

const rowsAtOnce = 2000;
const names = sql.join(columns.map((name) => sql.ref(name)));

/** How each database takes many rows from one JSON parameter: a tenth of the work of a parameter a value. */
const fromJson: Record<Database["kind"], (json: string) => RawBuilder<unknown>> = {
  sqlite: (json) => sql`insert into usage_events (${names})
    select ${sql.join(columns.map((_, index) => sql`value ->> ${sql.lit(index)}`))} from json_each(${json})`,
  postgres: (json) => sql`insert into usage_events (${names})
    select ${sql.join(
      columns.map((name, index) =>
        numbers.has(name)
          ? sql`(row ->> ${sql.lit(index)})::double precision`
          : sql`row ->> ${sql.lit(index)}`,
      ),
    )} from jsonb_array_elements(${json}::text::jsonb) as row`,
};

/** Inserts rows, in order. */
export async function insertEvents(
  queries: Queries,
  kind: Database["kind"],
  rows: readonly UsageRow[],
): Promise<void> {
  for (let from = 0; from < rows.length; from += rowsAtOnce) {
    const json = JSON.stringify(rows.slice(from, from + rowsAtOnce));
    await fromJson[kind](json).execute(queries);
  }
}

/** Adds events to the totals of their day and month, in the transaction that inserts them. */
export async function addToTotals(queries: Queries, rows: readonly UsageRow[]): Promise<void> {
  const totals = new Map<string, Insertable<Tables["usage_totals"]>>();
  for (const row of rows) {
    const [at, server, cost] = [String(row[columnAt]), String(row[columnServer]), row[columnCost]];
    for (const period of [at.slice(0, 10), at.slice(0, 7)]) {
      const key = `${period} ${server}`;
      const sum = totals.get(key) ?? { period, server, calls: 0, unpriced_calls: 0, cost_usd: 0 };
      sum.calls += 1;
      if (typeof cost === "number") sum.cost_usd += cost;
      else sum.unpriced_calls += 1;
      totals.set(key, sum);
    }
  }
  // In one order everywhere: two nodes that add to the same rows must not wait for each other.
  const ordered = [...totals].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, total]) => total);
  for (const total of ordered) {
    await queries
      .insertInto("usage_totals")
      .values(total)
      .onConflict((oc) =>
        oc.columns(["period", "server"]).doUpdateSet((eb) => ({
          calls: eb("usage_totals.calls", "+", eb.ref("excluded.calls")),
          unpriced_calls: eb("usage_totals.unpriced_calls", "+", eb.ref("excluded.unpriced_calls")),
          cost_usd: eb("usage_totals.cost_usd", "+", eb.ref("excluded.cost_usd")),
        })),
      )
      .execute();
  }
}

/** Those of these rows that are not in the database. */
export async function notYetThere(queries: Queries, rows: readonly UsageRow[]): Promise<UsageRow[]> {
  const known = new Set<unknown>();
  for (let from = 0; from < rows.length; from += idsAtOnce) {
    const ids = rows.slice(from, from + idsAtOnce).map((row) => String(row[columnId]));
    const found = await queries.selectFrom("usage_events").select("id").where("id", "in", ids).execute();
    for (const { id } of found) known.add(id);
  }
  return rows.filter((row) => !known.has(row[columnId]));
}

const idsAtOnce = 500;

/** What rows of a period cost, by server. */
export function spendOf(rows: readonly UsageRow[], period: string): Map<string, number> {
  const spend = new Map<string, number>();
  for (const row of rows) {
    const [at, server, cost] = [String(row[columnAt]), String(row[columnServer]), row[columnCost]];
    if (typeof cost === "number" && at.startsWith(period)) spend.set(server, (spend.get(server) ?? 0) + cost);
  }
  return spend;
}

const columnId = columns.indexOf("id");
const columnAt = columns.indexOf("at");
const columnServer = columns.indexOf("server");
const columnCost = columns.indexOf("cost_usd");

/** What calls cost in a period (`2026-11-27` or `2026-11`), by server. Unpriced calls are not in it. */
export async function spendIn(queries: Queries, period: string): Promise<Map<string, number>> {
  const rows = await queries
    .selectFrom("usage_totals")
    .select(["server", "cost_usd"])
    .where("period", "=", period)
    .execute();
  return new Map(rows.map(({ server, cost_usd }) => [server, cost_usd]));
}

/** Deletes at most so many events from before a time, the oldest first; their totals stay. Returns how many. */
export async function deleteEventsBefore(queries: Queries, at: string, limit: number): Promise<number> {
  const old = queries.selectFrom("usage_events").select("id").where("at", "<", at).orderBy("at").limit(limit);
  const { numDeletedRows } = await queries
    .deleteFrom("usage_events")
    .where("id", "in", old)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
