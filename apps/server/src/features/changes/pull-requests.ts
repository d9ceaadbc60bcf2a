import { fromJson } from "../../db/json.ts";
import { pullRequestSchema } from "@ciclo/contract";
import type { Locale, PlanExecutionResult, PullRequest } from "@ciclo/contract";
import { notFound } from "../../errors.ts";
import { type Actor, system } from "../../domain/actor.ts";
import type { Context } from "./deps.ts";
import * as journal from "./journal-store.ts";
import { presentChange } from "./present.ts";
import { nowOf } from "./procedures.ts";
import * as store from "./store.ts";
import { runUnfinished } from "./submit.ts";

/** Takes in the pull request of a plan's change as the forge has it now. */
export async function syncPlan(
  context: Context,
  actor: Actor,
  planId: string,
  locale: Locale,
): Promise<PlanExecutionResult> {
  return context.database.exclusively(`change:${planId}`, async () => {
    const change = await store.findByPlan(context.queries, planId, "submission");
    if (change === undefined) {
      throw notFound(`No change of plan ${planId}`, `Não há mudança do plano ${planId}`);
    }
    await sync(context, actor, change);
    await runUnfinished(context, change.id);
    const after = (await store.findChange(context.queries, change.id)) ?? change;
    return presentChange(context, after, locale);
  });
}

/** The same, asked for by a webhook; false when the branch is not one of ours. */
export async function syncBranch(context: Context, branch: string): Promise<boolean> {
  const change = await store.findOpenByBranch(context.queries, branch);
  if (change === undefined) return false;
  await syncPlan(context, system, change.plan_id, "en");
  return true;
}

async function sync(context: Context, actor: Actor, change: store.Change): Promise<void> {
  if (context.forge === null || change.pull_request === null) return;
  const before = fromJson(pullRequestSchema, change.pull_request);
  const now = await context.forge.read(before.number);
  const landed = now.state === "merged" ? await landedCommit(context, change, now) : null;
  const at = nowOf(context);
  await context.transaction(async (queries, record) => {
    await store.updateChange(queries, change.id, { pull_request: JSON.stringify(now), updated_at: at });
    if (differs(before, now)) {
      await record({
        actor,
        action: "pull_request.synchronised",
        resource: `change:${change.plan_id}`,
        status: "succeeded",
        planId: change.plan_id,
        metadata: {
          number: now.number,
          state: now.state,
          checks: now.checks.length,
          reviews: now.reviews.length,
        },
      });
    }
    if (change.status !== "hitl_required" || now.state === "open") return;
    // Decided on the forge, past the console: what happened is kept and said.
    const approval = await store.findApproval(queries, "change_record_id", change.id);
    if (approval !== undefined) await store.resolveApproval(queries, approval.id, "superseded", at);
    const isMerged = now.state === "merged";
    await store.updateChange(queries, change.id, {
      status: isMerged ? "completed" : "failed",
      outcome: isMerged ? "applied" : "rejected",
      landed_sha: landed,
      updated_at: at,
    });
    await store.noteLanding(queries, change.base_branch, landed);
    if (isMerged) await context.planCanary(queries, change);
    else await journal.queueOperation(queries, change, "discard", at);
    await record({
      actor: system,
      action: isMerged ? "change.merged_outside" : "change.closed_outside",
      resource: `change:${change.plan_id}`,
      status: "succeeded",
      planId: change.plan_id,
      metadata: { number: now.number, commit: landed },
    });
  });
}

/** Where a merged change is on the base branch; a squash or rebase leaves another commit there. */
async function landedCommit(
  { repository }: Context,
  change: store.Change,
  merged: PullRequest,
): Promise<string | null> {
  await repository.refresh();
  const found = change.commit_sha === null ? null : await repository.landedAs(change.commit_sha);
  return found ?? merged.merge_commit;
}

function differs(before: PullRequest, now: PullRequest): boolean {
  const { synced_at: _, ...was } = before;
  const { synced_at: __, ...is } = now;
  return JSON.stringify(was) !== JSON.stringify(is);
}
