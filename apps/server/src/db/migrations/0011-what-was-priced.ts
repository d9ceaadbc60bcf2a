import type { Builder } from "./builders.ts";

/** What a price depends on and the ledger did not keep: the model that answered, and tokens that are no text. */
export const whatWasPriced = {
  async up(db: Builder): Promise<void> {
    await db.schema.alterTable("usage_events").addColumn("answered_by", "text").execute();
    await db.schema
      .alterTable("usage_events")
      .addColumn("other_modality", "bigint", (c) => c.notNull().defaultTo(0))
      .execute();
  },
};
