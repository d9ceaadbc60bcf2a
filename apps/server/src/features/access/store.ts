import type { Role, User } from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";

export type StoredUser = Omit<User, "has_token"> & { api_token_hash: string | null };

type UserKey = "id" | "email" | "api_token_hash";

/** One user with roles, or undefined. */
export async function findUser(
  queries: Queries,
  key: UserKey,
  value: string,
): Promise<StoredUser | undefined> {
  return (await selectUsers(queries, key, value))[0];
}

export const listUsers = (queries: Queries): Promise<StoredUser[]> => selectUsers(queries);

async function selectUsers(queries: Queries, key?: UserKey, value?: string): Promise<StoredUser[]> {
  let select = queries
    .selectFrom("users")
    .leftJoin("user_roles", "user_roles.user_id", "users.id")
    .select([
      "users.id",
      "users.name",
      "users.email",
      "users.api_token_hash",
      "users.token_expires_at",
      "users.token_last_used_at",
      "users.disabled_at",
      "users.created_at",
      "user_roles.role_id",
    ]);
  if (key !== undefined && value !== undefined) select = select.where(`users.${key}`, "=", value);
  const rows = await select.orderBy("users.email").orderBy("user_roles.role_id").execute();
  return [...Map.groupBy(rows, (row) => row.id).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { role_id: _, token_last_used_at, ...user } = first;
    const roles = group.flatMap((row) => (row.role_id === null ? [] : [row.role_id as Role]));
    return [{ ...user, roles, last_used_at: token_last_used_at }];
  });
}

export type NewUserRow = {
  id: string;
  name: string;
  email: string;
  api_token_hash: string;
  token_expires_at: string | null;
  created_at: string;
  updated_at: string;
};

/** Inserts a user; false when the mailbox or token is taken. */
export async function insertUser(queries: Queries, user: NewUserRow): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await queries
    .insertInto("users")
    .values(user)
    .onConflict((oc) => oc.doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

export async function setToken(
  queries: Queries,
  userId: string,
  token: { hash: string | null; expiresAt: string | null; at: string },
): Promise<void> {
  await queries
    .updateTable("users")
    .set({
      api_token_hash: token.hash,
      token_expires_at: token.expiresAt,
      token_last_used_at: null,
      updated_at: token.at,
    })
    .where("id", "=", userId)
    .execute();
}

export async function touchToken(queries: Queries, userId: string, at: string): Promise<void> {
  await queries.updateTable("users").set({ token_last_used_at: at }).where("id", "=", userId).execute();
}

export async function disable(queries: Queries, userId: string, at: string): Promise<void> {
  await queries
    .updateTable("users")
    .set({ disabled_at: at, api_token_hash: null, updated_at: at })
    .where("id", "=", userId)
    .execute();
  await endSessions(queries, userId);
}

export async function enable(queries: Queries, userId: string, at: string): Promise<void> {
  await queries
    .updateTable("users")
    .set({ disabled_at: null, updated_at: at })
    .where("id", "=", userId)
    .execute();
}

/** Ends a user's sessions, but for one, and unused sign-in links. */
export async function endSessions(queries: Queries, userId: string, exceptHash = ""): Promise<void> {
  await queries
    .deleteFrom("sessions")
    .where("user_id", "=", userId)
    .where("id_hash", "!=", exceptHash)
    .execute();
  await queries.deleteFrom("sign_in_links").where("user_id", "=", userId).execute();
}

export async function setRoles(
  queries: Queries,
  userId: string,
  roles: readonly Role[],
  assigned: { at: string; by: string | null },
): Promise<void> {
  await queries
    .deleteFrom("user_roles")
    .where("user_id", "=", userId)
    .$if(roles.length > 0, (query) => query.where("role_id", "not in", roles))
    .execute();
  if (roles.length === 0) return;
  const rows = roles.map((role) => ({
    user_id: userId,
    role_id: role,
    assigned_at: assigned.at,
    assigned_by: assigned.by,
  }));
  await queries
    .insertInto("user_roles")
    .values(rows)
    .onConflict((oc) => oc.doNothing())
    .execute();
}

/** How many users can act in any of the roles now, apart from one. */
export async function countActive(
  queries: Queries,
  exceptUserId: string,
  roles: readonly string[],
): Promise<number> {
  const { count } = await queries
    .selectFrom("users")
    .innerJoin("user_roles", "user_roles.user_id", "users.id")
    .select((eb) => eb.fn.count<number>("users.id").distinct().as("count"))
    .where("user_roles.role_id", "in", roles)
    .where("users.disabled_at", "is", null)
    .where("users.id", "!=", exceptUserId)
    .executeTakeFirstOrThrow();
  return count;
}

/** Roles of those of the users who are active; of everybody, when none are named. */
export async function activeRoles(
  queries: Queries,
  userIds?: readonly string[],
): Promise<Map<string, readonly string[]>> {
  let active = queries
    .selectFrom("users")
    .innerJoin("user_roles", "user_roles.user_id", "users.id")
    .select(["users.id", "user_roles.role_id"])
    .where("users.disabled_at", "is", null);
  if (userIds !== undefined) active = active.where("users.id", "in", userIds);
  const rows = await active.execute();
  return new Map(
    [...Map.groupBy(rows, (row) => row.id)].map(([id, group]) => [id, group.map((row) => row.role_id)]),
  );
}

/** Makes changes of who is admin wait for each other. Call it first in the transaction. */
export async function lockAdmins(queries: Queries): Promise<void> {
  await queries.updateTable("roles").set({ name: "admin" }).where("id", "=", "admin").execute();
}

export async function hasUsers(queries: Queries): Promise<boolean> {
  return (await queries.selectFrom("users").select("id").limit(1).executeTakeFirst()) !== undefined;
}

export async function insertSession(
  queries: Queries,
  session: { id_hash: string; user_id: string; expires_at: string; created_at: string },
): Promise<void> {
  await queries.deleteFrom("sessions").where("expires_at", "<", session.created_at).execute();
  await queries.insertInto("sessions").values(session).execute();
}

export const findSession = (
  queries: Queries,
  idHash: string,
): Promise<{ user_id: string; expires_at: string } | undefined> =>
  queries
    .selectFrom("sessions")
    .select(["user_id", "expires_at"])
    .where("id_hash", "=", idHash)
    .executeTakeFirst();

export async function deleteSession(queries: Queries, idHash: string): Promise<void> {
  await queries.deleteFrom("sessions").where("id_hash", "=", idHash).execute();
}

export async function insertLink(
  queries: Queries,
  link: { link_hash: string; user_id: string; expires_at: string },
): Promise<void> {
  await queries
    .insertInto("sign_in_links")
    .values({ ...link, used_at: null })
    .execute();
}

/** Uses a link up: the user it signs in, or undefined when it is unknown, used or too old. */
export async function consumeLink(
  queries: Queries,
  linkHash: string,
  now: string,
): Promise<string | undefined> {
  const used = await queries
    .updateTable("sign_in_links")
    .set({ used_at: now })
    .where("link_hash", "=", linkHash)
    .where("used_at", "is", null)
    .where("expires_at", ">", now)
    .returning("user_id")
    .executeTakeFirst();
  return used?.user_id;
}
