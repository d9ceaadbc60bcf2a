import { isDeepStrictEqual } from "node:util";
import { type Submission, text } from "@ciclo/contract";
import { fieldError, invalidPayload, type LocalFieldError, Refusal } from "../../errors.ts";
import { sha256 } from "../../lib/crypto.ts";
import type { Requirement } from "../../domain/approvals.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import type { Actor } from "../../domain/actor.ts";
import type { Context, OnBehalfOf, StoredPlan } from "./deps.ts";
import * as store from "./store.ts";

/** A submission that may go ahead: what is known of it before anything is written. */
export type Accepted = {
  submission: Submission;
  stored: StoredPlan;
  files: Map<string, string | null>;
  requirements: Requirement[];
  policyVersion: string;
  branch: string;
  message: string;
  requestedBy: string;
  /** Who the signed-in author says that it is for; null where that is themselves. It decides nothing. */
  onBehalfOf: OnBehalfOf | null;
};

/** Everything that must hold before a plan is submitted. */
export async function accept(context: Context, actor: Actor, submission: Submission): Promise<Accepted> {
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
    message: messageOf(context, actor, submission, stored),
    requestedBy: actor.name,
    onBehalfOf: onBehalfOf(actor, submission),
    ...boundPolicy(context, snapshot, files),
  };
}

function boundPolicy(context: Context, snapshot: Snapshot, files: ReadonlyMap<string, unknown>) {
  return {
    requirements: context.requirementsFor(snapshot, files.keys()),
    policyVersion: snapshot.approvalsVersion,
  };
}

function messageOf(context: Context, actor: Actor, submission: Submission, stored: StoredPlan): string {
  const other = onBehalfOf(actor, submission);
  const words = submission.commit_message?.trimEnd();
  const said =
    words === undefined
      ? context.preview(stored.plan, actor.name).commit_message
      : `${words}\n\nPlan: ${stored.plan.id}\nRequested-by: ${actor.name}\n`;
  return other === null ? said : `${said}On-behalf-of: ${inOneLine(other)}\n`;
}

/** As git writes people: nothing in it may begin a line of its own. */
const inOneLine = ({ name, email }: OnBehalfOf): string =>
  `${name}${email === null ? "" : ` <${email}>`}`.replaceAll(/[\r\n]+/g, " ");

/** The author is who is signed in. Another name or address than theirs is kept as that, and decides nothing. */
function onBehalfOf(actor: Actor, { actor: name, actor_email }: Submission): OnBehalfOf | null {
  const email = actor_email ?? null;
  const own = new Set([actor.name, actor.email].map((each) => each?.toLowerCase()));
  const isOwn = (said: string | null): boolean => said === null || own.has(said.toLowerCase());
  return isOwn(name) && isOwn(email) ? null : { name, email };
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

export const rejected = (errors: readonly LocalFieldError[]): Refusal =>
  new Refusal(
    "patch_rejected",
    text(
      `The patch is refused: ${errors[0]?.path}: ${errors[0]?.message.en}`,
      `O patch foi recusado: ${errors[0]?.path}: ${errors[0]?.message["pt-BR"]}`,
    ),
    { errors },
  );

export function submittedAlready(before: store.Change): Refusal {
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
