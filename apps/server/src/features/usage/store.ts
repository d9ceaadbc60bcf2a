import type { Insertable } from "kysely";
import type { Queries } from "../../db/dialect.ts";
import type { UsageEventTable } from "../../db/schema.ts";

export type UsageRow = Insertable<UsageEventTable>;

/** Rows of one statement: PostgreSQL takes 65,534 parameters, SQLite 32,766. */
const rowsAtOnce = 1000;

export async function insertEvents(queries: Queries, rows: readonly UsageRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += rowsAtOnce) {
    await queries
      .insertInto("usage_events")
      .values(rows.slice(from, from + rowsAtOnce))
      .execute();
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
