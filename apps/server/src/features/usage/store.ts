import { type RawBuilder, sql } from "kysely";
import type { Database, Queries } from "../../db/dialect.ts";
import type { UsageEventTable } from "../../db/schema.ts";

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

/** What calls cost since a time, by server. Unpriced calls are not in it. */
export async function spendSince(queries: Queries, at: string): Promise<Map<string, number>> {
  const rows = await queries
    .selectFrom("usage_events")
    .select(["server", (eb) => eb.fn.sum<number | string | null>("cost_usd").as("usd")])
    .where("at", ">=", at)
    .where("cost_usd", "is not", null)
    .groupBy("server")
    .execute();
  return new Map(rows.map(({ server, usd }) => [server, Number(usd ?? 0)]));
}
