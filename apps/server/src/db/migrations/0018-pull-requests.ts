import { type Builder, index } from "./builders.ts";

/** Of cycles: the pull request on a forge, what takes a merged one back, and when a branch was taken away again. */
export const pullRequests = {
  async up(db: Builder): Promise<void> {
    for (const column of ["pull_request", "rollback", "withdrawn_at"])
      await db.schema.alterTable("cycles").addColumn(column, "text").execute();
    // What ended lately is looked for every other second, among all that ever ended.
    await index(db, "cycles", ["state", "ended_at"]);
  },
};
