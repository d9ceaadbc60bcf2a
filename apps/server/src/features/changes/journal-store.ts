import type { OperationKind } from "../../domain/operations.ts";
import { z } from "zod";
import { fromJson } from "../../db/json.ts";
import type { Selectable } from "kysely";
import type { Queries } from "../../db/dialect.ts";
import type { OperationTable } from "../../db/schema.ts";
import { stamp } from "../../lib/clock.ts";
import { newId } from "../../lib/ids.ts";

/** Effects outside the database, written down before they start and after they end. */
export type Operation = Omit<Selectable<OperationTable>, "kind"> & { kind: OperationKind };
const stepResultSchema = z.record(z.string(), z.string().nullish());
export type StepResult = z.infer<typeof stepResultSchema>;

/** Who queues an operation runs it at once; when it does not come to that, others take it up after this. */
const graceMs = 10_000;

/** Queues an operation of a record. The same one queued again is the same one. */
export async function queueOperation(
  queries: Queries,
  change: { id: string; plan_id: string },
  kind: OperationKind,
  at: string,
): Promise<void> {
  await queries
    .insertInto("operations")
    .values({
      id: newId(),
      record_id: change.id,
      plan_id: change.plan_id,
      kind,
      status: "running",
      attempts: 0,
      next_attempt_at: stamp(new Date(Date.parse(at) + graceMs)),
      last_error: null,
      created_at: at,
      updated_at: at,
    })
    .onConflict((oc) => oc.columns(["record_id", "kind"]).doNothing())
    .execute();
}

export async function unfinished(queries: Queries, changeId: string): Promise<Operation | undefined> {
  const row = await queries
    .selectFrom("operations")
    .selectAll()
    .where("record_id", "=", changeId)
    .where("status", "=", "running")
    .orderBy("created_at")
    .executeTakeFirst();
  return row as Operation | undefined;
}

/** Operations to take up: those due, or at start-up all that a crash may have left. */
export async function due(queries: Queries, now: string | null): Promise<Operation[]> {
  let rows = queries.selectFrom("operations").selectAll().where("status", "=", "running");
  if (now !== null) rows = rows.where("next_attempt_at", "<=", now);
  return (await rows.orderBy("created_at").limit(500).execute()) as Operation[];
}

/** Unfinished operations that failed at least once. */
export async function failing(queries: Queries): Promise<Operation[]> {
  const rows = await queries
    .selectFrom("operations")
    .selectAll()
    .where("status", "=", "running")
    .where("last_error", "is not", null)
    .orderBy("created_at")
    .limit(50)
    .execute();
  return rows as Operation[];
}

/** Ends an operation; false when it has been ended by somebody else. */
export async function endOperation(queries: Queries, id: string, at: string): Promise<boolean> {
  const { numUpdatedRows } = await queries
    .updateTable("operations")
    .set({ status: "done", last_error: null, updated_at: at })
    .where("id", "=", id)
    .where("status", "=", "running")
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

export async function cancelOperations(queries: Queries, changeId: string, at: string): Promise<void> {
  await queries
    .updateTable("operations")
    .set({ status: "cancelled", updated_at: at })
    .where("record_id", "=", changeId)
    .where("status", "=", "running")
    .execute();
}

export async function deleteOperations(queries: Queries, changeId: string): Promise<void> {
  const ids = queries.selectFrom("operations").select("id").where("record_id", "=", changeId);
  await queries.deleteFrom("operation_steps").where("operation_id", "in", ids).execute();
  await queries.deleteFrom("operations").where("record_id", "=", changeId).execute();
}

/** Deletes operations that ended before a time, with their steps; see domain/retention.ts. */
export async function deleteEndedBefore(queries: Queries, before: string, limit: number): Promise<number> {
  const old = await queries
    .selectFrom("operations")
    .select("id")
    .where("status", "!=", "running")
    .where("updated_at", "<", before)
    .limit(limit)
    .execute();
  if (old.length === 0) return 0;
  const ids = old.map(({ id }) => id);
  await queries.deleteFrom("operation_steps").where("operation_id", "in", ids).execute();
  await queries.deleteFrom("operations").where("id", "in", ids).execute();
  return old.length;
}

export async function postpone(
  queries: Queries,
  id: string,
  values: { attempts: number; next_attempt_at: string; last_error: string; updated_at: string },
): Promise<void> {
  await queries.updateTable("operations").set(values).where("id", "=", id).execute();
}

/** Results of the steps that have ended. */
export async function endedSteps(queries: Queries, operationId: string): Promise<Map<string, StepResult>> {
  const rows = await queries
    .selectFrom("operation_steps")
    .select(["step", "result"])
    .where("operation_id", "=", operationId)
    .where("status", "=", "done")
    .execute();
  return new Map(rows.map((row) => [row.step, fromJson(stepResultSchema, row.result ?? "{}")]));
}

export async function startStep(
  queries: Queries,
  operationId: string,
  step: string,
  at: string,
): Promise<void> {
  await queries
    .insertInto("operation_steps")
    .values({
      operation_id: operationId,
      step,
      status: "started",
      result: null,
      started_at: at,
      ended_at: null,
    })
    .onConflict((oc) => oc.columns(["operation_id", "step"]).doUpdateSet({ started_at: at }))
    .execute();
}

export async function endStep(
  queries: Queries,
  operationId: string,
  step: string,
  result: StepResult,
  at: string,
): Promise<void> {
  await queries
    .updateTable("operation_steps")
    .set({ status: "done", result: JSON.stringify(result), ended_at: at })
    .where("operation_id", "=", operationId)
    .where("step", "=", step)
    .execute();
}
