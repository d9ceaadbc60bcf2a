import type { Queries } from "../../db/dialect.ts";

/** The time before which calls have been deleted: one from before it may have been counted already. */
export async function purgedBefore(queries: Queries): Promise<string> {
  const row = await queries.selectFrom("usage_purge").select("before").where("id", "=", 1).executeTakeFirst();
  return row?.before ?? "";
}

/** Deletes at most so many calls from before a time, the oldest first; their sums stay. Returns how many. */
export async function deleteEventsBefore(queries: Queries, at: string, limit: number): Promise<number> {
  // First: what is deleted must never be taken in again.
  await queries
    .updateTable("usage_purge")
    .set({ before: at })
    .where("id", "=", 1)
    .where("before", "<", at)
    .execute();
  const old = queries.selectFrom("usage_events").select("id").where("at", "<", at).orderBy("at").limit(limit);
  const { numDeletedRows } = await queries
    .deleteFrom("usage_events")
    .where("id", "in", old)
    .executeTakeFirst();
  const names = queries
    .selectFrom("usage_aliases")
    .select("alias")
    .where("at", "<", at)
    .orderBy("at")
    .limit(limit);
  await queries.deleteFrom("usage_aliases").where("alias", "in", names).execute();
  return Number(numDeletedRows);
}
