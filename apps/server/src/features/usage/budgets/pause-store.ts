import type { Selectable } from "kysely";
import type { Database, Queries } from "../../../db/dialect.ts";
import type { RunPauseTable } from "../../../db/usage-schema.ts";

export type StoredPause = Selectable<RunPauseTable>;

/** The pause of a run and limit that counts; held until the transaction ends, where `held` says which kind of database it is. */
export async function currentPause(
  queries: Queries,
  current: string,
  held?: Database["kind"],
): Promise<StoredPause | undefined> {
  const query = queries.selectFrom("run_pauses").selectAll().where("current", "=", current);
  return await (held === "postgres" ? query.forUpdate() : query).executeTakeFirst();
}

/** A pause by its id, held until the transaction ends. */
export async function findPause(
  queries: Queries,
  kind: Database["kind"],
  id: string,
): Promise<StoredPause | undefined> {
  const query = queries.selectFrom("run_pauses").selectAll().where("id", "=", id);
  return await (kind === "postgres" ? query.forUpdate() : query).executeTakeFirst();
}

/** Inserts a pause, in the place of the one that counted so far. False where another node was faster. */
export async function insertPause(
  queries: Queries,
  pause: StoredPause,
  before: string | undefined,
): Promise<boolean> {
  if (before !== undefined)
    await queries.updateTable("run_pauses").set({ current: null }).where("id", "=", before).execute();
  const { numInsertedOrUpdatedRows } = await queries
    .insertInto("run_pauses")
    .values(pause)
    .onConflict((conflict) => conflict.column("current").doNothing())
    .executeTakeFirst();
  return Number(numInsertedOrUpdatedRows) > 0;
}

export async function updatePause(
  queries: Queries,
  id: string,
  decided: Partial<Omit<StoredPause, "id">>,
): Promise<void> {
  await queries.updateTable("run_pauses").set(decided).where("id", "=", id).execute();
}

/** How often runs of a user have paused since a time, and nobody else has decided on it. */
export async function countUndecided(
  queries: Queries,
  { actor_id: id, actor_name: name }: Pick<StoredPause, "actor_id" | "actor_name">,
  at: string,
): Promise<number> {
  const { count } = await queries
    .selectFrom("run_pauses")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("actor_id", "is not distinct from", id)
    .where("paused_at", ">=", at)
    .where((eb) => eb.or([eb("decided_by", "is", null), eb("decided_by", "=", name)]))
    .executeTakeFirstOrThrow();
  return count;
}

/** Pauses of a user's runs that count. */
export const currentPausesOf = (
  queries: Queries,
  actorId: string | null,
  actorName: string,
): Promise<StoredPause[]> =>
  queries
    .selectFrom("run_pauses")
    .selectAll()
    .where("current", "is not", null)
    .where("actor_id", "is not distinct from", actorId)
    .where("actor_name", "=", actorName)
    .orderBy("id")
    .execute();

/** Pauses that wait, the newest first; at most so many. */
export const waitingPauses = (queries: Queries, most: number): Promise<StoredPause[]> =>
  queries
    .selectFrom("run_pauses")
    .selectAll()
    .where("current", "is not", null)
    .where("state", "=", "waiting")
    .orderBy("paused_at", "desc")
    .orderBy("id")
    .limit(most)
    .execute();

/** Pauses that were decided since a time, and still count; those decided last come first; at most so many. */
export const decidedPauses = (queries: Queries, at: string, most: number): Promise<StoredPause[]> =>
  queries
    .selectFrom("run_pauses")
    .selectAll()
    .where("current", "is not", null)
    .where("decided_at", ">=", at)
    .orderBy("decided_at", "desc")
    .orderBy("id")
    .limit(most)
    .execute();

export async function deletePausesBefore(queries: Queries, at: string): Promise<void> {
  await queries
    .deleteFrom("run_pauses")
    .where("paused_at", "<", at)
    .where((eb) => eb.or([eb("decided_at", "is", null), eb("decided_at", "<", at)]))
    .execute();
}
