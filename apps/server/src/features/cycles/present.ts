import type {
  CheckReport,
  Analysis,
  Cycle,
  CycleArtifact,
  CycleCost,
  CycleDetail,
  DeliveryPlan,
  Documentation,
  Execution,
  Locale,
  PolicyOf,
} from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";
import type { Actor } from "../../domain/actor.ts";
import type { ActiveRoles } from "../../domain/approvals.ts";
import { givenFor, isApproved, othersThan, votingProblem } from "../../lib/votes.ts";
import { partCosts } from "./artifacts/costs.ts";
import { renderAnalysis, renderPlan } from "./artifacts/render.ts";
import { renderCheck, renderDocumentation, renderExecution } from "./artifacts/render-delivery.ts";
import { checkpointOf, subjectOf } from "./checkpoint.ts";
import { evidenceOf } from "./evidence-store.ts";
import { executionsOf, newestOf } from "./keep.ts";
import { openPermissions } from "./permissions-store.ts";
import { rollbackProblem, rollbackSubject } from "./rollback.ts";
import { policyFile, votingRule } from "./rules.ts";
import { standingVotes } from "./votes.ts";
import * as store from "./store.ts";

export type DetailDeps = {
  queries: Queries;
  policy(): Promise<PolicyOf<"cycles"> | null>;
  activeRoles(queries: Queries, userIds?: readonly string[]): Promise<ActiveRoles>;
  /** What the ledger has of a cycle. */
  costOf(cycle: { id: string; from: string }): Promise<CycleCost>;
  /** What the audit log says of it, the oldest first. */
  historyOf(id: string): Promise<CycleDetail["timeline"]>;
};

export const presentCycle = (cycle: store.StoredCycle, open: number, locale: Locale): Cycle => ({
  permissions_open: open,
  id: cycle.id,
  title: cycle.title,
  repository: cycle.repository,
  base_branch: cycle.base_branch,
  base_commit: cycle.base_commit,
  head_commit: cycle.head_commit,
  branch: cycle.branch,
  pull_request: cycle.pull_request,
  rollback: cycle.rollback,
  state: cycle.state,
  stage: cycle.stage,
  waits_for: cycle.waits_for,
  reason: cycle.reason?.[locale] ?? null,
  requested_by: { id: cycle.requested_by, name: cycle.requested_by_name },
  tries: cycle.tries,
  created_at: cycle.created_at,
  updated_at: cycle.updated_at,
  ended_at: cycle.ended_at,
  version: cycle.version,
  replay: cycle.replay,
});

export async function presentDetail(
  deps: DetailDeps,
  actor: Actor,
  cycle: store.StoredCycle,
  locale: Locale,
): Promise<CycleDetail> {
  const { queries, costOf, historyOf } = deps;
  const artifacts = await store.artifactsOf(queries, cycle.id);
  const decisions = await store.decisionsOf(queries, cycle.id);
  const cost = await costOf({ id: cycle.id, from: cycle.created_at });
  const asked = await openPermissions(queries, cycle.id);
  return {
    ...presentCycle(cycle, asked.length, locale),
    issue: cycle.issue,
    cost,
    part_costs: partCosts(
      executionsOf(artifacts),
      (newestOf(artifacts).get("plan")?.content as DeliveryPlan | undefined)?.work_breakdown.items ?? [],
      cost,
    ),
    artifacts: artifacts.map((artifact) => presentArtifact(artifact, artifacts, locale)),
    checkpoint: await standing(deps, actor, { cycle, artifacts, decisions }, locale),
    rollback_standing: await rollbackStanding(deps, actor, { cycle, decisions }, locale),
    decisions: decisions.map((decision) => ({
      checkpoint: decision.checkpoint,
      decision: decision.decision,
      subject: decision.subject,
      comment: decision.comment,
      by: { id: decision.user_id, name: decision.user_name },
      at: decision.at,
      holds: decision.voided_at === null,
    })),
    permissions_asked: asked.map(({ id, title, details, asked_at }) => ({ id, title, details, asked_at })),
    evidence: await evidenceOf(queries, cycle.id),
    recipe: cycle.recipe,
    timeline: await historyOf(cycle.id),
  };
}

/** How far a checkpoint is, and whether whoever asks may decide there. */
async function standing(
  { queries, policy, activeRoles }: DetailDeps,
  actor: Actor,
  of: {
    cycle: store.StoredCycle;
    artifacts: readonly store.StoredArtifact[];
    decisions: readonly store.StoredDecision[];
  },
  locale: Locale,
): Promise<CycleDetail["checkpoint"]> {
  const holds = await policy();
  const checkpoint = checkpointOf(of.cycle);
  if (holds === null || checkpoint === null) return null;
  const subject = subjectOf(checkpoint, newestOf(of.artifacts), of.cycle);
  const rule = votingRule(holds);
  const people = await activeRoles(queries);
  const votes = standingVotes(of.decisions, subject, people);
  const authors = [of.cycle.requested_by];
  const problem = votingProblem(
    actor,
    [rule],
    votes,
    authors,
    (asked) => othersThan(authors, people, asked),
    policyFile,
  );
  // Where policy asks for fewer than were given, anybody who decides may say so.
  const blocking = isApproved([rule], votes) ? null : problem;
  return {
    checkpoint,
    subject,
    required: rule.required,
    given: givenFor(rule, votes),
    may_decide: blocking === null,
    why_not: blocking?.detail[locale] ?? null,
  };
}

/** How far a merged cycle is to be taken back, and whether whoever asks may ask for it. */
async function rollbackStanding(
  { queries, policy, activeRoles }: DetailDeps,
  actor: Actor,
  { cycle, decisions }: { cycle: store.StoredCycle; decisions: readonly store.StoredDecision[] },
  locale: Locale,
): Promise<CycleDetail["rollback_standing"]> {
  const holds = await policy();
  if (holds === null || cycle.state !== "completed") return null;
  const rule = votingRule(holds);
  const votes = standingVotes(decisions, rollbackSubject(cycle), await activeRoles(queries));
  const problem = rollbackProblem(actor, rule, votes);
  return {
    required: rule.required,
    given: givenFor(rule, votes),
    may_decide: problem === null,
    why_not: problem?.detail[locale] ?? null,
  };
}

function presentArtifact(
  artifact: store.StoredArtifact,
  all: readonly store.StoredArtifact[],
  locale: Locale,
): CycleArtifact {
  return {
    kind: artifact.kind,
    version: artifact.version,
    sha256: artifact.sha256,
    created_at: artifact.created_at,
    model: artifact.model,
    content: artifact.content,
    markdown: markdownOf(artifact, all, locale),
    findings: artifact.findings.map(({ path, message }) => ({ path, message: message[locale] })),
  } as CycleArtifact;
}

/** An artefact as people read it. */
export function markdownOf(
  { kind, content, created_at }: store.StoredArtifact,
  all: readonly store.StoredArtifact[],
  locale: Locale,
): string {
  const joined = (parts: readonly { markdown: string }[]): string =>
    parts.map(({ markdown }) => markdown).join("\n");
  switch (kind) {
    case "analysis":
      return joined(renderAnalysis(content as Analysis, locale));
    case "plan": {
      // The analysis that it was made from: the last before it.
      const analysis = all.findLast((one) => one.kind === "analysis" && one.created_at <= created_at);
      return analysis === undefined
        ? ""
        : joined(renderPlan(content as DeliveryPlan, analysis.content as Analysis, locale));
    }
    case "execution":
      return renderExecution(content as Execution, locale);
    case "documentation":
      return renderDocumentation(content as Documentation, locale);
    case "check":
      return renderCheck(content as CheckReport, locale);
  }
}
