import type { Queries } from "../../db/dialect.ts";
import type { EndedChange } from "./spans.ts";

/** A change that came to its end; null where it did not yet. */
export async function endedChange(queries: Queries, planId: string): Promise<EndedChange | null> {
  const row = await queries
    .selectFrom("change_plans")
    .select(["plan_id", "intent", "outcome", "status", "created_at", "updated_at"])
    .where("plan_id", "=", planId)
    .where("status", "in", ["completed", "failed"])
    .orderBy("updated_at", "desc")
    .executeTakeFirst();
  if (row === undefined) return null;
  return {
    planId: row.plan_id,
    intent: row.intent,
    outcome: row.outcome,
    status: row.status,
    createdAt: row.created_at,
    endedAt: row.updated_at,
  };
}

/** How many changes stand where. */
export async function changesByStatus(queries: Queries): Promise<{ status: string; count: number }[]> {
  const rows = await queries
    .selectFrom("change_plans")
    .select(["status", (eb) => eb.fn.countAll<number | string>().as("count")])
    .groupBy("status")
    .execute();
  return rows.map(({ status, count }) => ({ status, count: Number(count) }));
}

/** Steps of changes that are still to be done. */
export async function waitingSteps(queries: Queries): Promise<number> {
  const { count } = await queries
    .selectFrom("operations")
    .select((eb) => eb.fn.countAll<number | string>().as("count"))
    .where("status", "=", "running")
    .executeTakeFirstOrThrow();
  return Number(count);
}
