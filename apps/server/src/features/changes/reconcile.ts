import { Refusal } from "../../errors.ts";
import { stamp } from "../../lib/clock.ts";
import { expireOrSupersede } from "./decide.ts";
import type { Context } from "./deps.ts";
import { runOperation } from "./journal.ts";
import * as journal from "./journal-store.ts";
import * as store from "./store.ts";
import { runUnfinished } from "./submit.ts";

/**
 * Finishes what was left: operations that a crash cut off or that wait for git or a
 * forge, and approvals whose time is over. `all` also takes up what waits for its next attempt.
 */
export async function reconcile(
  context: Context,
  { all, signal }: { all: boolean; signal?: AbortSignal },
): Promise<void> {
  const { queries, clock } = context;
  const isStopping = (): boolean => signal?.aborted ?? false;
  for (const approval of await store.expiredApprovals(queries, stamp(clock()))) {
    if (!isStopping()) await separately(context, approval.plan_id, () => expire(context, approval));
  }
  for (const operation of await journal.due(queries, all ? null : stamp(clock()))) {
    if (!isStopping()) await separately(context, operation.plan_id, () => resume(context, operation));
  }
}

async function resume(context: Context, operation: journal.Operation): Promise<void> {
  await context.database.exclusively(`change:${operation.plan_id}`, async () => {
    const current = await journal.unfinished(context.queries, operation.record_id);
    if (current?.id !== operation.id) return;
    await runOperation(context, current);
    const next = await journal.unfinished(context.queries, operation.record_id);
    if (next !== undefined && next.id !== operation.id) await runUnfinished(context, operation.record_id);
  });
}

async function expire(context: Context, approval: store.Approval): Promise<void> {
  await context.database.exclusively(`change:${approval.plan_id}`, async () => {
    await context.transaction(async (queries, record) => {
      const current = await store.findApproval(queries, "id", approval.id);
      const change = await store.findChange(queries, approval.change_record_id);
      if (current?.status !== "pending" || change === undefined) return;
      await expireOrSupersede({ queries, record, at: stamp(context.clock()) }, current, change, "expired");
    });
    await runUnfinished(context, approval.change_record_id);
  });
}

/** One change that fails must not keep the others waiting. It is due again with the next pass. */
async function separately({ logger }: Context, planId: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const level = error instanceof Refusal ? "warn" : "error";
    logger[level]({ err: error, plan: planId }, "a change could not be finished; it is tried again");
  }
}
