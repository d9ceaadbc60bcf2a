import { type Builder, index, textTable } from "./builders.ts";

/** Delivery cycles, what their phases handed on, and what people decided about it. */
export const cycles = {
  async up(db: Builder): Promise<void> {
    await textTable(
      db,
      "cycles",
      "id title issue repository base_branch? base_commit? head_commit? branch? recipe? state stage waits_for? reason? " +
        "note? requested_by requested_by_name locale held_by? held_until? created_at updated_at ended_at?",
    )
      .addPrimaryKeyConstraint("cycles_pk", ["id"])
      .addColumn("tries", "integer", (c) => c.notNull())
      .addColumn("version", "integer", (c) => c.notNull())
      .execute();
    await index(db, "cycles", ["created_at"]);
    await index(db, "cycles", ["state"]);
    await textTable(db, "cycle_artifacts", "cycle_id kind sha256 content findings model? created_at")
      .addColumn("version", "integer", (c) => c.notNull())
      .addPrimaryKeyConstraint("cycle_artifacts_pk", ["cycle_id", "kind", "version"])
      .execute();
    await textTable(
      db,
      "cycle_decisions",
      "id cycle_id checkpoint subject decision comment? user_id user_name roles at voided_at?",
    )
      .addPrimaryKeyConstraint("cycle_decisions_pk", ["id"])
      .addForeignKeyConstraint("cycle_decisions_of", ["cycle_id"], "cycles", ["id"])
      .execute();
    await index(db, "cycle_decisions", ["cycle_id"]);
    await textTable(db, "cycle_evidence", "cycle_id sha256 name media_type content created_at")
      .addPrimaryKeyConstraint("cycle_evidence_pk", ["cycle_id", "name", "sha256"])
      .execute();
  },
};
