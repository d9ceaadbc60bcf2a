import type { Builder } from "./builders.ts";

/** Which thresholds of a purse have been reported, and for which limit. */
export const toldThresholds = {
  async up(db: Builder): Promise<void> {
    await db.schema
      .alterTable("budget_purses")
      .addColumn("told", "text", (c) => c.notNull().defaultTo(""))
      .execute();
  },
};
