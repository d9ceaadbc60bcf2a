import {
  type Analysis,
  type CycleAnswers,
  type CycleResumption,
  type CycleStage,
  cycleStages,
  type CycleVerdict,
  type PolicyOf,
  text,
} from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";
import type { Actor } from "../../domain/actor.ts";
import type { ActiveRoles } from "../../domain/approvals.ts";
import { isApproved, othersThan, votingProblem } from "../../lib/votes.ts";
import { fieldError, invalidPayload } from "../../errors.ts";
import { newId } from "../../lib/ids.ts";
import { checkpointOf, subjectOf } from "./checkpoint.ts";
import { insertArtifact, newestOf } from "./keep.ts";
import { moved, noPolicy, notIn, refuseOthers, refuseUnanswered } from "./refusals.ts";
import { checkpointsFrom, policyFile, sentBackTo, stageAfter, votingRule } from "./rules.ts";
import * as store from "./store.ts";
import { standingVotes } from "./votes.ts";

/** A cycle as it is read within the transaction that changes it. */
export type Changing = { queries: Queries; at: string; cycle: store.StoredCycle };
/** How it is changed, and what the audit log says of that. */
export type Change = {
  values: Partial<store.StoredCycle>;
  action: string;
  metadata?: Readonly<Record<string, unknown>>;
};

type Deciding = {
  /** As it held when the decision came in: no transaction waits for git. */
  policy: PolicyOf<"cycles"> | null;
  activeRoles(queries: Queries, userIds?: readonly string[]): Promise<ActiveRoles>;
};

/** A person's word at a checkpoint: bound to what is shown there, counted, and carried out where it is the last. */
export async function decided(
  { policy, activeRoles }: Deciding,
  actor: Actor,
  verdict: CycleVerdict,
  { queries, at, cycle }: Changing,
): Promise<Change> {
  if (policy === null) throw noPolicy();
  const checkpoint = checkpointOf(cycle);
  if (checkpoint === null) throw notIn(cycle);
  const artifacts = newestOf(await store.artifactsOf(queries, cycle.id));
  const subject = subjectOf(checkpoint, artifacts, cycle);
  if (subject !== verdict.subject) throw moved();
  const made = await store.decisionsOf(queries, cycle.id);
  const people = await activeRoles(queries);
  const rule = votingRule(policy);
  const authors = [cycle.requested_by];
  const votes = standingVotes(made, subject, people);
  const others = (asked: typeof rule): number => othersThan(authors, people, asked);
  // Whoever asked for the cycle may send it back, as long as it is not by a vote that the others wait for.
  const isOwnReturn = verdict.decision !== "approve" && actor.id === cycle.requested_by;
  const isSettled = isApproved([rule], votes);
  const problem =
    isOwnReturn || (isSettled && verdict.decision === "approve")
      ? null
      : votingProblem(actor, [rule], votes, authors, others, policyFile);
  if (problem !== null) throw problem;
  if (verdict.decision === "approve" && checkpoint === "analyze") refuseUnanswered(artifacts.get("analysis"));
  const { decision, comment = null } = verdict;
  const onward = { state: "running", waits_for: null, reason: null } as const;
  // Fewer votes are needed than when they were given.
  if (isSettled && decision === "approve")
    return {
      values: { ...onward, stage: stageBehind(cycle.stage) },
      action: "approved",
      metadata: { checkpoint, subject },
    };
  await store.insertDecision(queries, {
    id: newId(),
    cycle_id: cycle.id,
    checkpoint,
    subject,
    decision,
    comment,
    user_id: actor.id ?? "",
    user_name: actor.name,
    roles: [...actor.roles],
    at,
    voided_at: null,
  });
  const metadata = { checkpoint, subject, head: cycle.head_commit, comment };
  if (decision === "send_back") {
    await store.voidDecisions(queries, cycle.id, checkpointsFrom(sentBackTo[checkpoint]), at);
    return { ...sentBack(sentBackTo[checkpoint], comment), metadata };
  }
  if (decision === "reject") return { ...rejected(comment), metadata };
  const { id, name, roles } = actor;
  const vote = { user_id: id ?? "", actor: name, roles: [...roles], decision, reason: comment, at };
  const isLast = isApproved([rule], [...votes, vote]);
  return {
    values: isLast
      ? { state: "running", waits_for: null, reason: null, stage: stageBehind(cycle.stage) }
      : {},
    action: "approved",
    metadata: { ...metadata, last: isLast },
  };
}

const rejected = (comment: string | null): Change => ({
  values: {
    state: "rejected",
    waits_for: null,
    reason: comment === null ? null : text(comment, comment),
  },
  action: "rejected",
});

const sentBack = (stage: CycleStage, comment: string | null): Change => ({
  values: { state: "running", waits_for: null, reason: null, stage, note: comment, tries: 0 },
  action: "sent_back",
});

/** Every checkpoint has a stage behind it. */
function stageBehind(stage: CycleStage): CycleStage {
  const next = stageAfter(stage);
  if (next === null) throw new Error(`nothing follows ${stage}`);
  return next;
}

/** Answers make another version of the analysis: what was decided about the one before is void. */
export async function answered(
  { subject, answers }: CycleAnswers,
  { queries, at, cycle }: Changing,
): Promise<Change> {
  if (cycle.state !== "waiting" || cycle.stage !== "analyze") throw notIn(cycle);
  const all = await store.artifactsOf(queries, cycle.id);
  const analysis = newestOf(all).get("analysis");
  if (analysis === undefined) throw notIn(cycle);
  if (analysis.sha256 !== subject) throw moved();
  const { quick_spec: spec, ...rest } = analysis.content as Analysis;
  const given = new Map(answers.map(({ question, answer }) => [question, answer]));
  const known = new Set(spec.open_questions.map(({ id }) => id));
  const strange = answers.findIndex(({ question }) => !known.has(question));
  if (strange !== -1)
    throw invalidPayload([
      fieldError(`answers.${strange}.question`, "is no open question", "não é uma questão em aberto"),
    ]);
  const content = {
    ...rest,
    quick_spec: {
      ...spec,
      open_questions: spec.open_questions.map((one) => ({ ...one, answer: given.get(one.id) ?? one.answer })),
    },
  };
  await insertArtifact(
    queries,
    cycle.id,
    { kind: "analysis", content, model: null, findings: [] },
    { at, versions: all },
  );
  await store.voidDecisions(queries, cycle.id, checkpointsFrom("analyze"), at);
  return { values: {}, action: "answered", metadata: { questions: [...given.keys()] } };
}

export async function resumed(
  actor: Actor,
  { from, comment }: CycleResumption,
  { queries, at, cycle }: Changing,
): Promise<Change> {
  refuseOthers(actor, cycle);
  const mayGoOn = cycle.state === "paused" || cycle.state === "capped" || cycle.state === "failed";
  const waitsForHelp = cycle.state === "waiting" && goesOnByResuming(cycle);
  if (!mayGoOn && !waitsForHelp) throw notIn(cycle);
  const stage = from ?? cycle.stage;
  if (cycleStages.indexOf(stage) > cycleStages.indexOf(cycle.stage))
    throw invalidPayload([
      fieldError(
        "from",
        `the cycle has not come that far: it is at ${cycle.stage}`,
        `o ciclo ainda não chegou lá: está em ${cycle.stage}`,
      ),
    ]);
  // What was halted at a checkpoint waits there again, unless an earlier stage is to run again.
  if (from === undefined && cycle.state === "paused" && cycle.waits_for !== null && !goesOnByResuming(cycle))
    return { values: { state: "waiting", reason: null }, action: "resumed" };
  if (from !== undefined) await store.voidDecisions(queries, cycle.id, checkpointsFrom(stage), at);
  return {
    values: {
      state: "running",
      waits_for: null,
      reason: null,
      stage,
      tries: 0,
      ended_at: null,
      evidence_removed_at: null,
      note: [cycle.note, comment ?? null].filter((one) => one !== null).join("\n\n") || null,
    },
    action: "resumed",
    metadata: { from: stage, comment: comment ?? null },
  };
}

/** Whether what it waits for is that somebody lets it go on. */
const goesOnByResuming = ({ waits_for: wait }: Pick<store.StoredCycle, "waits_for">): boolean =>
  wait === "help" || wait === "forge" || wait === "partial";
