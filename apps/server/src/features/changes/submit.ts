import { isDeepStrictEqual } from "node:util";
import { type Locale, type PlanExecutionResult, type Submission, text } from "@ciclo/contract";
import { fieldError, invalidPayload, type LocalFieldError, Refusal } from "../../errors.ts";
import type { Actor } from "../../lib/actor.ts";
import { durationMs, stamp } from "../../lib/clock.ts";
import { sha256 } from "../../lib/crypto.ts";
import { newId } from "../../lib/ids.ts";
import type { Requirement } from "../config-repo/approval-rules.ts";
import type { Snapshot } from "../config-repo/snapshot.ts";
import type { Context, StoredPlan } from "./deps.ts";
import { runOperation } from "./journal.ts";
import * as journal from "./journal-store.ts";
import { presentRecord } from "./present.ts";
import { bindingOf, noApprovals, tally } from "./rules.ts";
import * as store from "./store.ts";

/** A submission that may go ahead: what is known of it before anything is written. */
type Accepted = {
  submission: Submission;
  stored: StoredPlan;
  files: Map<string, string | null>;
  requirements: Requirement[];
  policyVersion: string;
  branch: string;
  message: string;
};

/** Submits a plan: its commit on its own branch, waiting for approval; or shows what that would be. */
export async function submit(
  context: Context,
  actor: Actor,
  submission: Submission,
  locale: Locale,
): Promise<PlanExecutionResult> {
  const accepted = await accept(context, submission);
  if (submission.mode === "dry_run") return dryRun(accepted, locale);
  return context.database.exclusively(`change:${submission.plan.id}`, async () => {
    const change = await begin(context, actor, accepted);
    await runUnfinished(context, change.id);
    const after = (await store.findRecord(context.queries, change.id)) ?? change;
    if (after.status === "failed" && after.outcome === null) throw branchTaken(after.branch);
    return presentRecord(context.queries, after, locale);
  });
}

/** Runs what the record has to do, one operation after the other: a landing may leave a discard behind. */
export async function runUnfinished(context: Context, recordId: string): Promise<void> {
  for (;;) {
    const operation = await journal.unfinished(context.queries, recordId);
    if (operation === undefined) return;
    await runOperation(context, operation);
    const after = await journal.unfinished(context.queries, recordId);
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

/** Everything that must hold before a plan is submitted. */
async function accept(context: Context, submission: Submission): Promise<Accepted> {
  const { plan, mode } = submission;
  if (mode !== "dry_run" && submission.actor_email === undefined) {
    throw invalidPayload([fieldError("actor_email", "is required", "é obrigatório")]);
  }
  const stored = await context.findPlan(plan.id);
  const errors = await integrityErrors(context, submission, stored);
  if (stored === undefined || errors.length > 0) throw rejected(errors);
  await refuseSecondSubmission(context, plan.id);
  const files = context.planFiles(stored.plan);
  const head = await context.repository.refresh();
  await refuseStale(context, submission, head, files);
  const snapshot = await context.repository.snapshot(head);
  const problems = [
    ...(await context.checkFiles(snapshot, files)),
    ...(await context.findSecrets(new Map([["commit_message", submission.commit_message ?? null]]))),
  ];
  if (problems.length > 0) throw rejected(problems);
  if (mode === "direct" && !context.allowsDirect(snapshot, files.keys())) throw directDenied(files);
  return {
    submission,
    stored,
    files,
    branch: `ciclo/${plan.id}`,
    message: messageOf(context, submission, stored),
    ...boundPolicy(context, snapshot, files),
  };
}

function boundPolicy(context: Context, snapshot: Snapshot, files: ReadonlyMap<string, unknown>) {
  return {
    requirements: context.requirementsFor(snapshot, files.keys()),
    policyVersion: snapshot.approvalsVersion,
  };
}

function messageOf(context: Context, submission: Submission, stored: StoredPlan): string {
  const planned = context.preview(stored.plan, submission.actor).commit_message;
  if (submission.commit_message === undefined) return planned;
  return `${submission.commit_message.trimEnd()}\n\nPlan: ${stored.plan.id}\nRequested-by: ${submission.actor}\n`;
}

/** How what was sent differs from what was planned. */
async function integrityErrors(
  context: Context,
  { plan, patch }: Submission,
  stored: StoredPlan | undefined,
): Promise<LocalFieldError[]> {
  const errors = [...context.patchProblems(patch)];
  if (stored === undefined) {
    errors.unshift(
      fieldError(
        "plan.id",
        "this console did not make this plan; plan it here first",
        "esta console não fez este plano; planeje aqui antes",
      ),
    );
  } else {
    const fields = Object.keys(stored.plan) as (keyof typeof plan)[];
    for (const field of fields.filter((name) => !isDeepStrictEqual(plan[name], stored.plan[name]))) {
      errors.push(
        fieldError(
          `plan.${field}`,
          "was changed after planning; plan again instead",
          "foi alterado depois do planejamento; planeje de novo",
        ),
      );
    }
  }
  if (sha256(patch) !== plan.patch_sha256 || (stored !== undefined && patch !== stored.patch)) {
    errors.push(fieldError("patch", differs(patch, stored).en, differs(patch, stored)["pt-BR"]));
    const why =
      stored === undefined ? null : await context.repository.explainPatch(stored.plan.base_commit, patch);
    if (why !== null) errors.push(fieldError("patch", `git: ${why}`, `git: ${why}`));
  }
  return errors;
}

function differs(patch: string, stored: StoredPlan | undefined) {
  return stored !== undefined && patch.replaceAll("\r\n", "\n") === stored.patch
    ? text(
        "differs from its plan in line ends only: send it with LF, as it was given",
        "difere do plano apenas nos fins de linha: envie com LF, como foi entregue",
      )
    : text("differs from its plan", "difere do seu plano");
}

async function refuseSecondSubmission({ queries }: Context, planId: string): Promise<void> {
  const before = await store.findByPlan(queries, planId, "submission");
  if (before !== undefined) throw submittedAlready(before);
}

async function refuseStale(
  { repository }: Context,
  { plan }: Submission,
  head: string,
  files: ReadonlyMap<string, unknown>,
): Promise<void> {
  if (plan.base_commit === head) return;
  if (!(await repository.hasCommit(plan.base_commit))) throw stalePlan(plan.base_branch, ["?"]);
  const overlap = await repository.touched(plan.base_commit, head, files.keys());
  if (overlap.length > 0) throw stalePlan(plan.base_branch, overlap);
}

export const stalePlan = (base: string, paths: readonly string[]): Refusal =>
  new Refusal(
    "stale_plan",
    text(
      `${base} has changed ${paths.join(", ")} since this was planned. Plan it again.`,
      `${base} alterou ${paths.join(", ")} desde o planejamento. Planeje de novo.`,
    ),
  );

/** Writes the commit, then record, approval and operation in one transaction. */
async function begin(context: Context, actor: Actor, accepted: Accepted): Promise<store.ChangeRecord> {
  const { submission, stored, files, branch } = accepted;
  const { plan } = stored;
  const created = context.clock();
  const at = stamp(created);
  const author = { name: submission.actor, email: submission.actor_email ?? "ciclo@localhost" };
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
  const record: store.ChangeRecord = {
    id: newId(),
    plan_id: plan.id,
    kind: "submission",
    thread_id: submission.threadId ?? stored.thread_id,
    intent: plan.intent,
    summary: plan.summary,
    actor: submission.actor,
    actor_email: submission.actor_email ?? null,
    actor_id: actor.id,
    mode: submission.mode,
    status: "pending",
    outcome: null,
    branch,
    base_branch: plan.base_branch,
    base_commit: plan.base_commit,
    commit_sha: commit,
    landed_sha: null,
    diff_stat: stat,
    diff_patch: patch,
    risks: JSON.stringify(plan.risks),
    pull_request: null,
    metadata: JSON.stringify({ commit_message: accepted.message, submitted_by: actor.email ?? actor.name }),
    created_at: at,
    updated_at: at,
  };
  await context.transaction(async (queries, audit) => {
    if (!(await store.insertRecord(queries, record))) {
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
        branch,
        commit,
        base_commit: plan.base_commit,
        patch_sha256: plan.patch_sha256,
      },
    });
  });
  return record;
}

function approvalFor(accepted: Accepted, record: store.ChangeRecord, created: Date): store.Approval {
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
    diff: { stat: statOf(stored), patch: stored.patch },
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

const rejected = (errors: readonly LocalFieldError[]): Refusal =>
  new Refusal(
    "patch_rejected",
    text(
      `The patch is refused: ${errors[0]?.path}: ${errors[0]?.message.en}`,
      `O patch foi recusado: ${errors[0]?.path}: ${errors[0]?.message["pt-BR"]}`,
    ),
    { errors },
  );

function submittedAlready(before: store.ChangeRecord): Refusal {
  if (before.outcome === "applied") {
    return new Refusal(
      "already_applied",
      text(`Plan ${before.plan_id} has been applied already`, `O plano ${before.plan_id} já foi aplicado`),
    );
  }
  if (before.status === "failed") {
    return new Refusal(
      "already_decided",
      text(
        `Plan ${before.plan_id} has come to its end (${before.outcome ?? "failed"}). Plan again.`,
        `O plano ${before.plan_id} já foi encerrado (${before.outcome ?? "failed"}). Planeje de novo.`,
      ),
    );
  }
  return new Refusal(
    "branch_exists",
    text(
      `Plan ${before.plan_id} was submitted already, on branch ${before.branch}. See: ciclo changes ${before.plan_id}`,
      `O plano ${before.plan_id} já foi submetido, na branch ${before.branch}. Veja: ciclo changes ${before.plan_id}`,
    ),
  );
}

const branchTaken = (branch: string): Refusal =>
  new Refusal(
    "branch_exists",
    text(
      `Branch ${branch} exists with other contents. Delete it, then plan again.`,
      `A branch ${branch} existe com outro conteúdo. Apague-a e planeje de novo.`,
    ),
  );

const directDenied = (files: ReadonlyMap<string, unknown>): Refusal => {
  const paths = [...files.keys()].join(", ");
  return new Refusal(
    "policy_denied",
    text(
      `policies/approvals.yaml, rule direct: ${paths} may not change without approval. Use mode branch_pr.`,
      `policies/approvals.yaml, regra direct: ${paths} não pode mudar sem aprovação. Use o modo branch_pr.`,
    ),
  );
};
