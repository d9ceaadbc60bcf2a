import { fromJson } from "../../db/json.ts";
import { type Plan, planSchema } from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";

export type StoredPlan = {
  id: string;
  thread_id: string | null;
  user_id: string;
  intent: string;
  payload: string;
  plan: Plan;
  patch: string;
  created_at: string;
};

/** Keeps a plan. The same plan made again stays as it was first kept, but for the time from which it is kept; false then. */
export async function insertPlan(queries: Queries, plan: StoredPlan): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await queries
    .insertInto("plans")
    .values({ ...plan, plan: JSON.stringify(plan.plan) })
    .onConflict((oc) => oc.column("id").doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 1n) return true;
  await queries.updateTable("plans").set({ created_at: plan.created_at }).where("id", "=", plan.id).execute();
  return false;
}

/** Deletes plans that nobody submitted, from before a time; see domain/retention.ts. */
export async function deleteUnsubmittedBefore(
  queries: Queries,
  before: string,
  limit: number,
): Promise<number> {
  const old = queries
    .selectFrom("plans")
    .select("plans.id")
    .where("plans.created_at", "<", before)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom("change_plans")
            .select("change_plans.id")
            .whereRef("change_plans.plan_id", "=", "plans.id"),
        ),
      ),
    )
    .limit(limit);
  const { numDeletedRows } = await queries.deleteFrom("plans").where("id", "in", old).executeTakeFirst();
  return Number(numDeletedRows);
}

export async function findPlan(queries: Queries, id: string): Promise<StoredPlan | undefined> {
  const row = await queries.selectFrom("plans").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : { ...row, plan: fromJson(planSchema, row.plan) };
}
