import { type Builder, textTable } from "./builders.ts";

/** What a console needs to hold through crash and time. */
export const hold = {
  async up(db: Builder): Promise<void> {
    await textTable(db, "write_probes", "filler")
      .addColumn("id", "integer", (c) => c.primaryKey())
      .execute();
    // Since when a renewal is under way whose outcome is not written down.
    // Vouches for the audit log's head; null until the next entry is written.
    await db.schema.alterTable("audit_head").addColumn("mac", "text").execute();
    for (const column of ["client_name", "client_version"]) {
      await db.schema.alterTable("usage_events").addColumn(column, "text").execute();
    }
    await db.schema.alterTable("keys").addColumn("renewing_since", "text").execute();
  },
};
