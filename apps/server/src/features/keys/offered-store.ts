import type { Selectable } from "kysely";
import type { Queries } from "../../db/dialect.ts";
import type { OfferedKeyTable } from "../../db/schema.ts";

export type OfferedRow = Selectable<OfferedKeyTable>;
type OfferedId = Pick<OfferedRow, "plan_id" | "provider" | "name" | "user_id">;

export async function insert(queries: Queries, row: OfferedRow): Promise<void> {
  await queries.insertInto("offered_keys").values(row).execute();
}

/** Deletes one that is not stored yet. Returns the data keys that it was sealed with. */
export async function take(
  queries: Queries,
  { plan_id, provider, name, user_id }: OfferedId,
): Promise<string[]> {
  const rows = await queries
    .deleteFrom("offered_keys")
    .where("plan_id", "=", plan_id)
    .where("provider", "=", provider)
    .where("name", "=", name)
    .where("user_id", "=", user_id)
    .where("stored_at", "is", null)
    .returning("data_key_id")
    .execute();
  return rows.map(({ data_key_id }) => data_key_id);
}

export const ofPlan = (queries: Queries, planId: string): Promise<OfferedRow[]> =>
  queries.selectFrom("offered_keys").selectAll().where("plan_id", "=", planId).execute();

/** From then on the value stands with the key itself. */
export async function markStored(
  queries: Queries,
  row: OfferedId,
  version: number,
  at: string,
): Promise<void> {
  await queries
    .updateTable("offered_keys")
    .set({ stored_at: at, version, sealed: "" })
    .where("plan_id", "=", row.plan_id)
    .where("provider", "=", row.provider)
    .where("name", "=", row.name)
    .where("user_id", "=", row.user_id)
    .execute();
}

/** Plans with keys that were stored for them. */
export async function storedPlans(queries: Queries): Promise<string[]> {
  const rows = await queries
    .selectFrom("offered_keys")
    .select("plan_id")
    .distinct()
    .where("stored_at", "is not", null)
    .execute();
  return rows.map(({ plan_id }) => plan_id);
}

/** Whether a version of a key is the one in use. */
export async function isInUse(
  queries: Queries,
  { provider, name }: OfferedId,
  version: number,
): Promise<boolean> {
  const row = await queries
    .selectFrom("key_versions")
    .select("version")
    .where("provider", "=", provider)
    .where("name", "=", name)
    .where("version", "=", version)
    .where("state", "=", "active")
    .executeTakeFirst();
  return row !== undefined;
}

export async function remove(queries: Queries, planId: string): Promise<void> {
  await queries.deleteFrom("offered_keys").where("plan_id", "=", planId).execute();
}

export const unstoredBefore = (queries: Queries, before: string, limit: number): Promise<OfferedId[]> =>
  queries
    .selectFrom("offered_keys")
    .select(["plan_id", "provider", "name", "user_id"])
    .where("stored_at", "is", null)
    .where("created_at", "<", before)
    .limit(limit)
    .execute();
