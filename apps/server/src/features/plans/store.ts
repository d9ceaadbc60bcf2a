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

/** Keeps a plan. The same plan made again stays as it was first kept; false then. */
export async function insertPlan(queries: Queries, plan: StoredPlan): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await queries
    .insertInto("plans")
    .values({ ...plan, plan: JSON.stringify(plan.plan) })
    .onConflict((oc) => oc.column("id").doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

export async function findPlan(queries: Queries, id: string): Promise<StoredPlan | undefined> {
  const row = await queries.selectFrom("plans").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : { ...row, plan: fromJson(planSchema, row.plan) };
}
