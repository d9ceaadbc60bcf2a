import type { Selectable } from "kysely";
import type { Queries } from "../../db/dialect.ts";
import type { Tables } from "../../db/schema.ts";
import { foldedName } from "../../lib/fold.ts";

export type StoredRunToken = Selectable<Tables["run_tokens"]>;

/** Inserts a token; those that have ended are cleared away with it. */
export async function insertRunToken(queries: Queries, token: StoredRunToken): Promise<void> {
  await queries.deleteFrom("run_tokens").where("expires_at", "<=", token.created_at).execute();
  await queries.insertInto("run_tokens").values(token).execute();
}

/** A token by its hash or id, or undefined. */
export const findRunToken = (
  queries: Queries,
  key: "token_hash" | "id",
  value: string,
): Promise<StoredRunToken | undefined> =>
  queries.selectFrom("run_tokens").selectAll().where(key, "=", value).executeTakeFirst();

/** Up to 1000 tokens that are live, the newest first, with whose they are; of one user, or of all where none is named. */
export async function liveRunTokens(
  queries: Queries,
  now: string,
  userId?: string,
): Promise<(StoredRunToken & { user_name: string })[]> {
  let select = queries
    .selectFrom("run_tokens")
    .innerJoin("users", "users.id", "run_tokens.user_id")
    .selectAll("run_tokens")
    .select("users.name as user_name")
    .where("run_tokens.expires_at", ">", now);
  if (userId !== undefined) select = select.where("run_tokens.user_id", "=", userId);
  return select.orderBy("run_tokens.created_at", "desc").orderBy("run_tokens.id").limit(1000).execute();
}

/** How many live tokens a user has. */
export async function countRunTokens(queries: Queries, userId: string, now: string): Promise<number> {
  const { count } = await queries
    .selectFrom("run_tokens")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("user_id", "=", userId)
    .where("expires_at", ">", now)
    .executeTakeFirstOrThrow();
  return count;
}

export async function deleteRunToken(
  queries: Queries,
  key: "token_hash" | "id",
  value: string,
): Promise<void> {
  await queries.deleteFrom("run_tokens").where(key, "=", value).execute();
}

/** Ends all tokens of a user, or those of one of their runs. */
export async function endRunTokens(queries: Queries, userId: string, run?: string): Promise<void> {
  const ending = queries.deleteFrom("run_tokens").where("user_id", "=", userId);
  if (run === undefined) return void (await ending.execute());
  const tokens = await queries
    .selectFrom("run_tokens")
    .select(["id", "run"])
    .where("user_id", "=", userId)
    .execute();
  const ids = tokens.filter((token) => foldedName(token.run) === foldedName(run)).map(({ id }) => id);
  if (ids.length > 0) await ending.where("id", "in", ids).execute();
}

/** Who stopped a run of a user since a time; undefined where nobody did. */
export async function stoppedBy(
  queries: Queries,
  { userId, run, since }: { userId: string; run: string; since: string },
): Promise<string | undefined> {
  const rows = await queries
    .selectFrom("run_pauses")
    .select(["run", "decided_by"])
    .where("actor_id", "=", userId)
    .where("state", "=", "stopped")
    .where("decided_at", ">=", since)
    .execute();
  const row = rows.find((stopped) => foldedName(stopped.run) === foldedName(run));
  return row === undefined ? undefined : (row.decided_by ?? "—");
}
