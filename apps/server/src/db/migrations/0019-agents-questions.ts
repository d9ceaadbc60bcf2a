import { type Builder, index, textTable } from "./builders.ts";

/** What the agent of a cycle asked leave for, and who gave it. */
export const agentsQuestions = {
  async up(db: Builder): Promise<void> {
    await textTable(
      db,
      "cycle_permissions",
      "id cycle_id title details? asked_at answer? answered_by? answered_at?",
    )
      .addPrimaryKeyConstraint("cycle_permissions_pk", ["id"])
      .addForeignKeyConstraint("cycle_permissions_of", ["cycle_id"], "cycles", ["id"])
      .execute();
    await index(db, "cycle_permissions", ["cycle_id"]);
    await index(db, "cycle_permissions", ["answer"]);
  },
};
