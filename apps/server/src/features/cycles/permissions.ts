import { setTimeout as wait } from "node:timers/promises";
import { type CyclePermissionAnswer, type PolicyOf, showHidden, text } from "@ciclo/contract";
import type { AuditedTransaction, Queries } from "../../db/dialect.ts";
import { type Actor, system } from "../../domain/actor.ts";
import type { ActiveRoles } from "../../domain/approvals.ts";
import { notFound, Refusal } from "../../errors.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { maskSecrets } from "../../lib/mask-secrets.ts";
import { newId } from "../../lib/ids.ts";
import { othersThan, votingProblem } from "../../lib/votes.ts";
import * as asks from "./permissions-store.ts";
import { noPolicy, unknown } from "./refusals.ts";
import { policyFile, votingRule } from "./rules.ts";
import * as store from "./store.ts";

export type PermissionDeps = { queries: Queries; transaction: AuditedTransaction; clock: Clock };

/** What an agent asks leave for, in its own words. */
export type Asked = { title: string; details: string | null };
/** `by` is null where policy said so, or nobody did in time. */
export type Leave = { allowed: boolean; by: string | null };

const lookEveryMs = 500;
/** An agent that asks for more at once is refused the rest. */
const mostOpen = 20;
const mostTitle = 300;
const mostDetails = 20_000;

/**
 * What an agent asks, as people read it: on one line, with nothing hidden in it, and credentials masked. Null where it is too long to
 * be read: nobody can allow what is not shown.
 */
export function shownAsked(title: string, input: unknown): Asked | null {
  const details = input === undefined || input === null ? null : JSON.stringify(input, null, 2);
  const line = showHidden(maskSecrets(title).replaceAll(/\s+/g, " ").trim());
  const shown = details === null ? null : showHidden(maskSecrets(details));
  if (line.length > mostTitle || (shown?.length ?? 0) > mostDetails) return null;
  return { title: line === "" ? "?" : line, details: shown };
}

/** Asks people whether an agent may do something, and waits for their answer: no longer than `minutes`, which means no. */
export async function leaveOf(
  { queries, transaction, clock }: PermissionDeps,
  cycleId: string,
  asked: Asked,
  { minutes, signal }: { minutes: number; signal: AbortSignal },
): Promise<Leave> {
  const id = newId();
  const { title, details } = asked;
  const isOpen = await transaction(async (own, record) => {
    if ((await asks.openPermissions(own, cycleId)).length >= mostOpen) return false;
    await asks.insertPermission(own, { id, cycle_id: cycleId, title, details, asked_at: stamp(clock()) });
    await record(happened("permission_asked", cycleId, system, { title }));
    return true;
  });
  // What nobody can read in full, nobody allows.
  if (!isOpen) return { allowed: false, by: null };
  for (const until = performance.now() + minutes * 60_000; performance.now() < until;) {
    await wait(lookEveryMs, undefined, { signal });
    const now = await asks.findPermission(queries, cycleId, id);
    if (now?.answer === "allow" || now?.answer === "deny")
      return { allowed: now.answer === "allow", by: now.answered_by };
    if (now?.answer === "void") break;
  }
  await asks.answerPermission(queries, { id, answer: "void", by: null, at: stamp(clock()) });
  return { allowed: false, by: null };
}

/** Nobody waits any more for what an agent had asked: it has ended. */
export const voidPermissions = ({ queries, clock }: PermissionDeps, cycleId: string): Promise<void> =>
  asks.voidPermissions(queries, cycleId, stamp(clock()));

/** A person's answer. Who may not decide on the cycle may not decide on this. */
export async function answerPermission(
  deps: PermissionDeps & {
    policy(): Promise<PolicyOf<"cycles"> | null>;
    activeRoles(queries: Queries): Promise<ActiveRoles>;
  },
  actor: Actor,
  { cycleId, id, answer }: { cycleId: string; id: string; answer: CyclePermissionAnswer["answer"] },
): Promise<void> {
  const policy = await deps.policy();
  if (policy === null) throw noPolicy();
  await deps.transaction(async (queries, record) => {
    const cycle = await store.findCycle(queries, cycleId);
    if (cycle === undefined) throw unknown(cycleId);
    const asked = await asks.findPermission(queries, cycleId, id);
    if (asked === undefined) throw notAsked(cycleId, id);
    const people = await deps.activeRoles(queries);
    const authors = [cycle.requested_by];
    const problem = votingProblem(
      actor,
      [votingRule(policy)],
      [],
      authors,
      (rule) => othersThan(authors, people, rule),
      policyFile,
    );
    if (problem !== null) throw problem;
    const at = stamp(deps.clock());
    if (!(await asks.answerPermission(queries, { id, answer, by: actor.name, at }))) throw answered();
    await record(happened("permission_answered", cycleId, actor, { title: asked.title, answer }));
  });
}

const happened = (
  action: string,
  cycleId: string,
  actor: Actor,
  metadata: Readonly<Record<string, unknown>>,
) => ({
  actor,
  action: `cycle.${action}`,
  resource: `cycle:${cycleId}`,
  planId: cycleId,
  status: "succeeded" as const,
  metadata,
});

const notAsked = (cycleId: string, id: string): Refusal =>
  notFound(
    `The agent of ${cycleId} asked for nothing by the id ${id}`,
    `O agente de ${cycleId} não pediu nada com o id ${id}`,
  );

const answered = (): Refusal =>
  new Refusal(
    "already_decided",
    text(
      "Somebody has answered that, or the agent waits for it no more. Look again",
      "Alguém já respondeu a isso, ou o agente não espera mais. Olhe de novo",
    ),
  );
