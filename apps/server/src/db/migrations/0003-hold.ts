import { sql } from "kysely";
import { type Builder, textTable } from "./builders.ts";

/** What a console needs to hold through crash and time. */
export const hold = {
  async up(db: Builder): Promise<void> {
    await textTable(db, "write_probes", "filler")
      .addColumn("id", "integer", (c) => c.primaryKey())
      .execute();
    // Since when a renewal is under way whose outcome is not written down.
    await usageTotals(db);
    // Vouches for the audit log's head; null until the next entry is written.
    await db.schema.alterTable("audit_head").addColumn("mac", "text").execute();
    for (const column of ["client_name", "client_version"]) {
      await db.schema.alterTable("usage_events").addColumn(column, "text").execute();
    }
    await db.schema.alterTable("keys").addColumn("renewing_since", "text").execute();
  },
};

/** What calls came to, by period (`2026-11-27`, `2026-11`) and server; filled from the events that are there. */
async function usageTotals(db: Builder): Promise<void> {
  await textTable(db, "usage_totals", "period server")
    .addColumn("calls", "bigint", (c) => c.notNull())
    .addColumn("unpriced_calls", "bigint", (c) => c.notNull())
    .addColumn("cost_usd", "double precision", (c) => c.notNull())
    .addPrimaryKeyConstraint("usage_totals_pk", ["period", "server"])
    .execute();
  for (const length of [10, 7]) {
    await sql`insert into usage_totals (period, server, calls, unpriced_calls, cost_usd)
      select substr(at, 1, ${sql.lit(length)}), server, count(*), count(*) - count(cost_usd), coalesce(sum(cost_usd), 0)
      from usage_events group by substr(at, 1, ${sql.lit(length)}), server`.execute(db);
  }
}
