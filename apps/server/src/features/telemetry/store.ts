import type { Queries } from "../../db/dialect.ts";
import type { EndedChange, EndedStep } from "./spans.ts";

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
  const operation = await queries
    .selectFrom("operations")
    .select(["id", "attempts", "created_at"])
    .where("plan_id", "=", planId)
    .orderBy("created_at", "desc")
    .executeTakeFirst();
  return {
    planId: row.plan_id,
    intent: row.intent,
    outcome: row.outcome,
    status: row.status,
    createdAt: row.created_at,
    endedAt: row.updated_at,
    queuedAt: operation?.created_at ?? null,
    retries: operation?.attempts ?? 0,
    steps: operation === undefined ? [] : await endedSteps(queries, operation.id),
  };
}

async function endedSteps(queries: Queries, operationId: string): Promise<EndedStep[]> {
  const rows = await queries
    .selectFrom("operation_steps")
    .select(["step", "started_at", "ended_at"])
    .where("operation_id", "=", operationId)
    .where("ended_at", "is not", null)
    .orderBy("started_at")
    .execute();
  return rows.map(({ step, started_at: startedAt, ended_at: endedAt }) => ({
    step,
    startedAt,
    endedAt: endedAt ?? startedAt,
  }));
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
