import { type Builder, index, textTable } from "./builders.ts";

/** Runs that used up a budget and wait for a person. `current` holds one row of each run and limit. */
export const runPauses = {
  async up(db: Builder): Promise<void> {
    const table = textTable(
      db,
      "run_pauses",
      "id current? run actor_id? actor_name meter policy unit provider? model? paused_at state to_model? extra_meter? " +
        "decided_by? decided_at? note?",
    )
      .addPrimaryKeyConstraint("run_pauses_pk", ["id"])
      .addUniqueConstraint("run_pauses_current", ["current"]);
    await table
      .addColumn("spent", "bigint", (c) => c.notNull())
      .addColumn("of_amount", "bigint", (c) => c.notNull())
      .addColumn("extra", "bigint")
      .execute();
    await index(db, "run_pauses", ["paused_at"]);
  },
};
