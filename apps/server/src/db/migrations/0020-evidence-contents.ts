import { sql } from "kysely";
import { type Builder, index, textTable } from "./builders.ts";

/** What evidence holds, in a table of its own: pictures and videos are large, and lists of them are read often. */
export const evidenceContents = {
  async up(db: Builder): Promise<void> {
    await textTable(db, "cycle_evidence_contents", "cycle_id sha256 content")
      .addPrimaryKeyConstraint("cycle_evidence_contents_pk", ["cycle_id", "sha256"])
      .execute();
    await sql`insert into cycle_evidence_contents (cycle_id, sha256, content)
      select cycle_id, sha256, min(content) from cycle_evidence group by cycle_id, sha256`.execute(db);
    await db.schema
      .alterTable("cycle_evidence")
      .addColumn("bytes", "integer", (column) => column.notNull().defaultTo(0))
      .execute();
    // Base64 has four letters for three bytes, the last of which may be padding.
    await sql`update cycle_evidence set bytes = length(content) / 4 * 3 - case
      when content like '%==' then 2 when content like '%=' then 1 else 0 end`.execute(db);
    await db.schema.alterTable("cycle_evidence").dropColumn("content").execute();
    await db.schema.alterTable("cycle_evidence").addColumn("removed_at", "text").execute();
    // Retention asks each hour which of all cycles are old and still have theirs.
    await db.schema.alterTable("cycles").addColumn("evidence_removed_at", "text").execute();
    await index(db, "cycles", ["evidence_removed_at", "ended_at"]);
  },
};
