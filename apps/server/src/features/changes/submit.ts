import { type Locale, type PlanExecutionResult, type Submission, text } from "@ciclo/contract";
import { fieldError, invalidPayload, Refusal } from "../../errors.ts";
import type { Actor } from "../../domain/actor.ts";
import { durationMs, stamp } from "../../lib/clock.ts";
import { newId } from "../../lib/ids.ts";
import { accept, type Accepted, rejected, submittedAlready } from "./accept.ts";
import type { Context, StoredPlan } from "./deps.ts";
import { runOperation } from "./journal.ts";
import * as journal from "./journal-store.ts";
import { hangs } from "./hanging.ts";
import { presentChange } from "./present.ts";
import { bindingOf, noApprovals, tally } from "./rules.ts";
import * as store from "./store.ts";

/** Submits a plan: its commit on its own branch, waiting for approval; or shows what that would be. */
export async function submit(
  context: Context,
  actor: Actor,
  submission: Submission,
  locale: Locale,
): Promise<PlanExecutionResult> {
  const accepted = await accept(context, actor, submission);
  if (submission.mode === "dry_run") return dryRun(accepted, locale);
  return context.database.exclusively(`change:${submission.plan.id}`, async () => {
    const change = await begin(context, actor, accepted);
    await runUnfinished(context, change.id);
    const after = (await store.findChange(context.queries, change.id)) ?? change;
    if (after.status === "failed" && after.outcome === null) throw branchTaken(after.branch);
    return presentChange(context, after, locale, (await hangs(context, after)) ?? undefined);
  });
}

/** Runs what the record has to do, one operation after the other: a landing may leave a discard behind. */
export async function runUnfinished(context: Context, changeId: string): Promise<void> {
  for (;;) {
    const operation = await journal.unfinished(context.queries, changeId);
    if (operation === undefined) return;
    await runOperation(context, operation);
    const after = await journal.unfinished(context.queries, changeId);
    if (after?.id === operation.id) return;
  }
}

/** Words that are kept for good must not carry a credential either. */
export async function refuseSecrets(
  context: Context,
  field: string,
  words: string | undefined,
): Promise<void> {
  const errors = await context.findSecrets(new Map([[field, words ?? null]]));
  if (errors.length > 0) throw invalidPayload(errors);
}

/** Writes the commit, then record, approval and operation in one transaction. */
async function begin(context: Context, actor: Actor, accepted: Accepted): Promise<store.Change> {
  const { submission, stored, files } = accepted;
  const { plan } = stored;
  const created = context.clock();
  const at = stamp(created);
  const author = { name: actor.name, email: actor.email ?? "ciclo@localhost" };
  const commit = await context.repository.commit({
    base: plan.base_commit,
    files,
    message: accepted.message,
    author,
    at,
  });
  const { patch, stat } = await context.repository.diff(plan.base_commit, commit);
  if (patch !== stored.patch)
    throw rejected([
      fieldError("patch", "does not yield the plan's files", "não produz os arquivos do plano"),
    ]);
  const record = recordOf(accepted, actor, { commit, patch, stat, at });
  const keys = await context.keysOfPlan(actor, { planId: plan.id, authorId: stored.user_id });
  await context.transaction(async (queries, audit) => {
    await keys.store(queries, audit);
    if (!(await store.insertChange(queries, record))) {
      throw submittedAlready((await store.findByPlan(queries, plan.id, "submission")) ?? record);
    }
    if (submission.mode === "branch_pr")
      await store.insertApproval(queries, approvalFor(accepted, record, created));
    await journal.queueOperation(queries, record, "submit", at);
    await audit({
      actor,
      action: "change.submitted",
      resource: `change:${plan.id}`,
      status: "succeeded",
      planId: plan.id,
      metadata: {
        mode: record.mode,
        on_behalf_of: accepted.onBehalfOf,
        branch: record.branch,
        commit,
        base_commit: plan.base_commit,
        patch_sha256: plan.patch_sha256,
      },
    });
  });
  await keys.told();
  return record;
}

function recordOf(
  { submission, stored, branch, message, onBehalfOf }: Accepted,
  actor: Actor,
  { commit, patch, stat, at }: { commit: string; patch: string; stat: string; at: string },
): store.Change {
  const { plan } = stored;
  return {
    id: newId(),
    plan_id: plan.id,
    kind: "submission",
    thread_id: submission.threadId ?? stored.thread_id,
    intent: plan.intent,
    summary: plan.summary,
    actor: actor.name,
    actor_email: actor.email,
    actor_id: actor.id,
    mode: submission.mode,
    status: "pending",
    outcome: null,
    branch,
    base_branch: plan.base_branch,
    base_commit: plan.base_commit,
    commit_sha: commit,
    landed_sha: null,
    left_at: null,
    diff_stat: stat,
    diff_patch: patch,
    risks: JSON.stringify(plan.risks),
    pull_request: null,
    metadata: JSON.stringify({ commit_message: message, on_behalf_of: onBehalfOf }),
    created_at: at,
    updated_at: at,
  };
}

function approvalFor(accepted: Accepted, record: store.Change, created: Date): store.Approval {
  const { patch_sha256, base_commit } = accepted.stored.plan;
  const shortest = Math.min(
    ...accepted.requirements.map((requirement) => durationMs(requirement.expires_after)),
  );
  return {
    id: newId(),
    plan_id: record.plan_id,
    change_record_id: record.id,
    status: "pending",
    patch_sha256,
    base_commit,
    policy_version: accepted.policyVersion,
    binding: bindingOf(patch_sha256, base_commit, accepted.policyVersion),
    requirements: accepted.requirements,
    expires_at: stamp(new Date(created.getTime() + shortest)),
    created_at: record.created_at,
    resolved_at: null,
  };
}

function dryRun(accepted: Accepted, locale: Locale): PlanExecutionResult {
  const { stored, submission, branch, requirements } = accepted;
  const files = accepted.files.size;
  return {
    record_id: null,
    plan_id: stored.plan.id,
    mode: "dry_run",
    status: "pending",
    outcome: null,
    branch,
    base_branch: stored.plan.base_branch,
    commit_sha: null,
    left_at: null,
    diff: { stat: statOf(stored), patch: stored.patch },
    requested_by: accepted.requestedBy,
    on_behalf_of: accepted.onBehalfOf,
    hitl_required: requirements.length > 0,
    approval_id: null,
    approvals: requirements.length === 0 ? noApprovals : tally(requirements, [], null),
    pull_request: null,
    message: text(
      `Dry run: the patch applies, ${files} file${files === 1 ? "" : "s"} checked, nothing was written`,
      `Simulação: o patch se aplica, ${files} arquivo${files === 1 ? "" : "s"} verificado${files === 1 ? "" : "s"}, nada foi gravado`,
    )[locale],
    threadId: submission.threadId ?? stored.thread_id,
  };
}

const statOf = ({ plan }: StoredPlan): string =>
  plan.diffs
    .map(({ path, diff }) => {
      const count = (sign: RegExp): number => diff.match(sign)?.length ?? 0;
      return `${path} | +${count(/^\+(?!\+\+ )/gm)} -${count(/^-(?!-- )/gm)}`;
    })
    .join("\n");

const branchTaken = (branch: string): Refusal =>
  new Refusal(
    "branch_exists",
    text(
      `Branch ${branch} exists with other contents. Delete it, then plan again.`,
      `A branch ${branch} existe com outro conteúdo. Apague-a e planeje de novo.`,
    ),
  );
