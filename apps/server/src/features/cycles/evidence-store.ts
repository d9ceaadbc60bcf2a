import type { Insertable, Selectable } from "kysely";
import type { Queries } from "../../db/dialect.ts";
import type { CycleEvidenceTable } from "../../db/schema.ts";

/** Evidence as it is listed, without what it holds. */
export type StoredEvidence = Omit<Selectable<CycleEvidenceTable>, "cycle_id">;

/** Keeps a log, recording or file; one with the same bytes is there already. */
export async function insertEvidence(
  queries: Queries,
  { content, ...evidence }: Omit<Insertable<CycleEvidenceTable>, "removed_at"> & { content: string },
): Promise<void> {
  const { cycle_id, sha256 } = evidence;
  await queries
    .insertInto("cycle_evidence_contents")
    .values({ cycle_id, sha256, content })
    .onConflict((oc) => oc.columns(["cycle_id", "sha256"]).doNothing())
    .execute();
  await queries
    .insertInto("cycle_evidence")
    .values({ ...evidence, removed_at: null })
    // It may have been deleted, and come again in a cycle that was resumed.
    .onConflict((oc) => oc.columns(["cycle_id", "name", "sha256"]).doUpdateSet({ removed_at: null }))
    .execute();
}

/** All evidence of a cycle, the oldest first. */
export const evidenceOf = (queries: Queries, cycleId: string): Promise<StoredEvidence[]> =>
  queries
    .selectFrom("cycle_evidence")
    .select(["sha256", "name", "media_type", "bytes", "created_at", "removed_at"])
    .where("cycle_id", "=", cycleId)
    .orderBy("created_at")
    .orderBy("name")
    .execute();

/** One of them with what it holds, as Base64: null where that was deleted. */
export function findEvidence(
  queries: Queries,
  cycleId: string,
  sha256: string,
): Promise<(StoredEvidence & { content: string | null }) | undefined> {
  return queries
    .selectFrom("cycle_evidence as e")
    .leftJoin("cycle_evidence_contents as c", (join) =>
      join.onRef("c.cycle_id", "=", "e.cycle_id").onRef("c.sha256", "=", "e.sha256"),
    )
    .select(["e.sha256", "name", "media_type", "bytes", "created_at", "removed_at", "content"])
    .where("e.cycle_id", "=", cycleId)
    .where("e.sha256", "=", sha256)
    .executeTakeFirst();
}

/**
 * Deletes what the evidence of cycles holds that ended before a time, but for files of one name; see domain/retention.ts. Names and
 * hashes stay. Counts cycles.
 */
export async function deleteEvidenceBefore(
  queries: Queries,
  { before, now, but }: { before: string; now: string; but: string },
  limit: number,
): Promise<number> {
  const old = await queries
    .selectFrom("cycles")
    .select("id")
    .where("evidence_removed_at", "is", null)
    .where("ended_at", "<", before)
    .limit(limit)
    .execute();
  for (const { id } of old) {
    const kept = queries
      .selectFrom("cycle_evidence")
      .select("sha256")
      .where("cycle_id", "=", id)
      .where("name", "=", but);
    await queries
      .deleteFrom("cycle_evidence_contents")
      .where("cycle_id", "=", id)
      .where("sha256", "not in", kept)
      .execute();
    await queries
      .updateTable("cycle_evidence")
      .set({ removed_at: now })
      .where("cycle_id", "=", id)
      .where("removed_at", "is", null)
      .where("name", "!=", but)
      .execute();
    // Last: what a crash left is found again.
    await queries.updateTable("cycles").set({ evidence_removed_at: now }).where("id", "=", id).execute();
  }
  return old.length;
}
