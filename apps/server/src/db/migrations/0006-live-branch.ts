import { type Builder, textTable } from "./builders.ts";

/** Where the live branch was last seen, and which changes it lost when it was rewritten. */
export const liveBranch = {
  async up(db: Builder): Promise<void> {
    await textTable(db, "live_heads", "branch commit_sha seen_at landed_since?")
      .addPrimaryKeyConstraint("live_heads_pk", ["branch"])
      .execute();
    await db.schema.alterTable("change_plans").addColumn("left_at", "text").execute();
  },
};
