import { type Builder, textTable } from "./builders.ts";

/** Up to which entry of the audit log each webhook has been told, and until when a node is telling it. */
export const webhooks = {
  async up(db: Builder): Promise<void> {
    await textTable(db, "webhooks", "id busy_until")
      .addColumn("seq", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("webhooks_pk", ["id"])
      .execute();
  },
};
