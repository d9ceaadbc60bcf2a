import type { Builder } from "./builders.ts";

/** Whether the models of a cycle were a replay: 1 where they were. */
export const replays = {
  async up(db: Builder): Promise<void> {
    await db.schema
      .alterTable("cycles")
      .addColumn("replay", "integer", (c) => c.notNull().defaultTo(0))
      .execute();
  },
};
