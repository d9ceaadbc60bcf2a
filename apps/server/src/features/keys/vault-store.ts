import type { Queries } from "../../db/dialect.ts";

export type DataKeyRow = { id: string; master_id: string; wrapped: string; created_at: string };

export const findDataKey = (queries: Queries, id: string): Promise<DataKeyRow | undefined> =>
  queries.selectFrom("data_keys").selectAll().where("id", "=", id).executeTakeFirst();

export const allDataKeys = (queries: Queries): Promise<DataKeyRow[]> =>
  queries.selectFrom("data_keys").selectAll().execute();

/** Any one: all are wrapped with the same master key. */
export const anyDataKey = (queries: Queries): Promise<DataKeyRow | undefined> =>
  queries.selectFrom("data_keys").selectAll().limit(1).executeTakeFirst();

/** Inserts a data key; one that is there stays. */
export async function insertDataKey(queries: Queries, row: DataKeyRow): Promise<void> {
  await queries
    .insertInto("data_keys")
    .values(row)
    .onConflict((oc) => oc.column("id").doNothing())
    .execute();
}

export async function rewrapDataKey(
  queries: Queries,
  row: Pick<DataKeyRow, "id" | "master_id" | "wrapped">,
): Promise<void> {
  await queries
    .updateTable("data_keys")
    .set({ master_id: row.master_id, wrapped: row.wrapped })
    .where("id", "=", row.id)
    .execute();
}

export async function deleteDataKeys(queries: Queries, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await queries.deleteFrom("data_keys").where("id", "in", ids).execute();
}

/** Makes those who change values wait for each other, and tells every node that there is a change. */
export async function moveRevision(queries: Queries): Promise<void> {
  await queries
    .updateTable("key_revision")
    .set((eb) => ({ revision: eb("revision", "+", 1) }))
    .where("id", "=", 1)
    .execute();
}

export async function readRevision(queries: Queries): Promise<number> {
  const row = await queries.selectFrom("key_revision").select("revision").executeTakeFirstOrThrow();
  return row.revision;
}
