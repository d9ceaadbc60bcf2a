import type { Builder } from "./builders.ts";

/** Definitions of tools are kept from the last time that something referred to them, not from the first. */
export const definitions = {
  async up(db: Builder): Promise<void> {
    await db.schema.alterTable("tool_definitions").renameColumn("first_seen_at", "last_seen_at").execute();
  },
};
