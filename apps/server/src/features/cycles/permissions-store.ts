import type { Selectable } from "kysely";
import type { Queries } from "../../db/dialect.ts";
import type { CyclePermissionTable } from "../../db/schema.ts";

export type StoredPermission = Selectable<CyclePermissionTable>;

export async function insertPermission(
  queries: Queries,
  asked: Omit<StoredPermission, "answer" | "answered_by" | "answered_at">,
): Promise<void> {
  await queries.insertInto("cycle_permissions").values(asked).execute();
}

/** What the agent of a cycle waits for, the oldest first. */
export const openPermissions = (queries: Queries, cycleId: string): Promise<StoredPermission[]> =>
  queries
    .selectFrom("cycle_permissions")
    .selectAll()
    .where("cycle_id", "=", cycleId)
    .where("answer", "is", null)
    .orderBy("asked_at")
    .orderBy("id")
    .execute();

export const findPermission = (
  queries: Queries,
  cycleId: string,
  id: string,
): Promise<StoredPermission | undefined> =>
  queries
    .selectFrom("cycle_permissions")
    .selectAll()
    .where("cycle_id", "=", cycleId)
    .where("id", "=", id)
    .executeTakeFirst();

/** Answers what is open still. False where it is not. */
export async function answerPermission(
  queries: Queries,
  { id, answer, by, at }: { id: string; answer: "allow" | "deny" | "void"; by: string | null; at: string },
): Promise<boolean> {
  const { numUpdatedRows } = await queries
    .updateTable("cycle_permissions")
    .set({ answer, answered_by: by, answered_at: at })
    .where("id", "=", id)
    .where("answer", "is", null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

export async function voidPermissions(queries: Queries, cycleId: string, at: string): Promise<void> {
  await queries
    .updateTable("cycle_permissions")
    .set({ answer: "void", answered_at: at })
    .where("cycle_id", "=", cycleId)
    .where("answer", "is", null)
    .execute();
}

/** How many questions of agents are open, by cycle; cycles with none are left out. */
export async function openCounts(queries: Queries, cycles: readonly string[]): Promise<Map<string, number>> {
  if (cycles.length === 0) return new Map();
  const rows = await queries
    .selectFrom("cycle_permissions")
    .select("cycle_id")
    .select((eb) => eb.fn.countAll<number | string>().as("open"))
    .where("cycle_id", "in", [...cycles])
    .where("answer", "is", null)
    .groupBy("cycle_id")
    .execute();
  return new Map(rows.map(({ cycle_id: id, open }) => [id, Number(open)]));
}

/** Closes the open questions of the cycles that a node held: when it starts, the agents that asked them have ended. */
export async function voidPermissionsOf(queries: Queries, node: string, at: string): Promise<void> {
  await queries
    .updateTable("cycle_permissions")
    .set({ answer: "void", answered_at: at })
    .where("answer", "is", null)
    .where("cycle_id", "in", queries.selectFrom("cycles").select("id").where("held_by", "=", node))
    .execute();
}
