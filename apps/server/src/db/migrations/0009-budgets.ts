import { type Builder, textTable } from "./builders.ts";

/** What budgets count, and what nodes have set aside of it. */
export const budgets = {
  async up(db: Builder): Promise<void> {
    await textTable(db, "budget_purses", "id meter_id slots ends_at?")
      .addColumn("spent", "bigint", (c) => c.notNull())
      .addColumn("reserved", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("budget_purses_pk", ["id"])
      .execute();
    await textTable(db, "budget_meters", "id meter")
      .addPrimaryKeyConstraint("budget_meters_pk", ["id"])
      .execute();
    await textTable(db, "budget_leases", "purse_id node expires_at")
      .addColumn("amount", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("budget_leases_pk", ["purse_id", "node"])
      .execute();
  },
};
