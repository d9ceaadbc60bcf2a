import {
  type Cycle,
  type CycleAnswers,
  type CycleDetail,
  type CycleDiff,
  type CycleEvidenceContent,
  type CyclePermissionAnswer,
  type CycleResults,
  type CycleResultsQuery,
  type CycleResumption,
  type CycleVerdict,
  type Locale,
  type NewCycle,
  text,
} from "@ciclo/contract";
import { type Actor, system } from "../../domain/actor.ts";
import type { CycleWish, CycleWishOutcome } from "../../domain/cycle-wish.ts";
import { Refusal } from "../../errors.ts";
import type { Purge } from "../../domain/retention.ts";
import { stamp } from "../../lib/clock.ts";
import type { Page } from "../../lib/page.ts";
import { deleteEvidenceBefore, findEvidence } from "./evidence-store.ts";
import { answered, type Change, type Changing, decided, resumed } from "./people.ts";
import { type DetailDeps, presentCycle, presentDetail } from "./present.ts";
import {
  isMerging,
  moved,
  noDiff,
  noEvidence,
  removedEvidence,
  notIn,
  refuseEnded,
  refuseOthers,
  unknown,
} from "./refusals.ts";
import { resultsOf, type Told } from "./results.ts";
import { answerPermission } from "./permissions.ts";
import { openCounts } from "./permissions-store.ts";
import { rollbackAsked, rollbackHalted } from "./rollback.ts";
import { endStates } from "./rules.ts";
import { manifestName } from "./stages/merge.ts";
import * as store from "./store.ts";
import { type StartDeps, startCycle, startFor } from "./starting.ts";

export type CyclesServiceDeps = DetailDeps &
  StartDeps & {
    /** The model that a cycle's agent asked most, by the ledger; null where it asked none. */
    agentModelOf(cycle: { id: string; from: string }): Promise<string | null>;
    /** The diff between two commits of a repository; null where this node does not have them. */
    diffOf(repository: string, base: string, head: string): Promise<string | null>;
    /** Ends what goes on of a cycle on this node. */
    halt(id: string): Promise<void>;
    /** Deletes this node's copies of repositories, but for those of these addresses. Returns how many. */
    dropCopies(but: readonly string[]): Promise<number>;
    wake(): void;
    /** Has branches and pull requests follow their cycles. */
    publish(): void;
  };

export type CyclesService = {
  start(actor: Actor, request: NewCycle, locale: Locale): Promise<CycleDetail>;
  /** The same for what somebody said in words. Throws a `Refusal` as `start` does. */
  startFor(actor: Actor, wish: CycleWish, locale: Locale): Promise<CycleWishOutcome>;
  list(query: store.CyclesQuery, locale: Locale): Promise<Page<Cycle>>;
  get(actor: Actor, id: string, locale: Locale): Promise<CycleDetail>;
  /** What came of the cycles of a stretch of time, by agent and model. */
  results(query: CycleResultsQuery): Promise<CycleResults>;
  evidence(id: string, sha256: string): Promise<CycleEvidenceContent>;
  /** Deletes what evidence of old cycles holds, but for manifests; see domain/retention.ts. */
  purgeEvidence: Purge;
  /** Deletes copies of repositories on this node that no cycle has used since a time. Each is fetched again when it is needed. */
  purgeRepositories(before: string): Promise<number>;
  /** What the work changes. Throws a `Refusal` where there is none yet, or this node does not have it. */
  diff(id: string): Promise<CycleDiff>;
  decide(actor: Actor, id: string, verdict: CycleVerdict, locale: Locale): Promise<CycleDetail>;
  answer(actor: Actor, id: string, answers: CycleAnswers, locale: Locale): Promise<CycleDetail>;
  /** Allows or refuses what the agent asks leave for. */
  answerPermission(
    actor: Actor,
    answer: { cycleId: string; id: string } & CyclePermissionAnswer,
    locale: Locale,
  ): Promise<CycleDetail>;
  pause(actor: Actor, id: string, reason: string | undefined, locale: Locale): Promise<CycleDetail>;
  resume(actor: Actor, id: string, how: CycleResumption, locale: Locale): Promise<CycleDetail>;
  cancel(actor: Actor, id: string, reason: string | undefined, locale: Locale): Promise<CycleDetail>;
  /** Asks for what a cycle merged to be taken back. */
  rollback(actor: Actor, id: string, reason: string | undefined, locale: Locale): Promise<CycleDetail>;
  /** Lets cycles go on whose budget was used up: somebody has let a run spend more, or ask another model. */
  uncap(): Promise<void>;
};

export function createCyclesService(deps: CyclesServiceDeps): CyclesService {
  const { queries } = deps;
  const get = async (actor: Actor, id: string, locale: Locale): Promise<CycleDetail> => {
    const cycle = await store.findCycle(queries, id);
    if (cycle === undefined) throw unknown(id);
    return presentDetail(deps, actor, cycle, locale);
  };
  const refuseIn = (field: string, words: string | undefined): Promise<void> =>
    deps.refuseSecrets(new Map([[field, words ?? ""]]));
  return {
    get,
    list: (query, locale) => listed(deps, query, locale),
    results: (query) => resultsIn(deps, query),
    evidence: (id, sha256) => evidenceOf(deps, id, sha256),
    purgeEvidence: (before, limit) =>
      deleteEvidenceBefore(deps.queries, { before, now: stamp(deps.clock()), but: manifestName }, limit),
    purgeRepositories: async (before) => deps.dropCopies(await store.repositoriesInUse(queries, before)),
    diff: (id) => diffOf(deps, id),
    async start(actor, request, locale) {
      const id = await startCycle(deps, actor, request, locale);
      deps.wake();
      return get(actor, id, locale);
    },
    async startFor(actor, wish, locale) {
      const outcome = await startFor(deps, actor, wish, locale);
      deps.wake();
      return outcome;
    },
    async decide(actor, id, verdict, locale) {
      await refuseIn("comment", verdict.comment);
      const deciding = { activeRoles: deps.activeRoles, policy: await deps.policy() };
      await change(deps, actor, id, (changing) => decided(deciding, actor, verdict, changing));
      deps.wake();
      return get(actor, id, locale);
    },
    async answer(actor, id, answers, locale) {
      const words = answers.answers.map(({ answer }, at) => [`answers.${at}.answer`, answer] as const);
      await deps.refuseSecrets(new Map(words));
      await change(deps, actor, id, (changing) => answered(answers, changing));
      return get(actor, id, locale);
    },
    async answerPermission(actor, answer, locale) {
      await answerPermission(deps, actor, answer);
      return get(actor, answer.cycleId, locale);
    },
    async pause(actor, id, reason, locale) {
      await haltCycle(deps, actor, { id, to: "paused", reason });
      return get(actor, id, locale);
    },
    async resume(actor, id, how, locale) {
      await refuseIn("comment", how.comment);
      await change(deps, actor, id, (changing) => resumed(actor, how, changing));
      deps.wake();
      return get(actor, id, locale);
    },
    uncap: () => uncap(deps),
    async rollback(actor, id, reason, locale) {
      await refuseIn("reason", reason);
      const asked = { activeRoles: deps.activeRoles, policy: await deps.policy() };
      await change(deps, actor, id, (changing) => rollbackAsked(asked, actor, reason, changing));
      deps.publish();
      return get(actor, id, locale);
    },
    async cancel(actor, id, reason, locale) {
      await haltCycle(deps, actor, { id, to: "cancelled", reason });
      deps.publish();
      return get(actor, id, locale);
    },
  };
}

async function listed(
  { queries }: CyclesServiceDeps,
  query: store.CyclesQuery,
  locale: Locale,
): Promise<Page<Cycle>> {
  const { items, next_cursor } = await store.listCycles(queries, query);
  const ids = items.map(({ id }) => id);
  const open = await openCounts(queries, ids);
  return { items: items.map((cycle) => presentCycle(cycle, open.get(cycle.id) ?? 0, locale)), next_cursor };
}

/** Ends what goes on of a cycle, by whom it may be ended. */
async function haltCycle(
  deps: CyclesServiceDeps,
  actor: Actor,
  { id, to, reason }: { id: string; to: "paused" | "cancelled"; reason: string | undefined },
): Promise<void> {
  await deps.refuseSecrets(new Map([["reason", reason ?? ""]]));
  await change(deps, actor, id, async ({ cycle, queries, at }) => {
    refuseEnded(cycle);
    if (cycle.state === "rolling_back" && to === "cancelled") {
      refuseOthers(actor, cycle);
      await store.voidDecisions(queries, id, ["rollback"], at);
      return rollbackHalted(cycle);
    }
    if (cycle.state === to || cycle.state === "rolling_back") throw notIn(cycle);
    // What is being pushed cannot be called back: it takes seconds, and is over one way or the other then.
    if (cycle.state === "running" && cycle.stage === "merge") throw isMerging();
    refuseOthers(actor, cycle);
    const said = reason === undefined ? null : text(reason, reason);
    const waits = to === "cancelled" ? { waits_for: null } : {};
    // A reason why help is needed stays where the cycle goes on later: it is what has to be mended still.
    const kept = said === null && to === "paused" ? {} : { reason: said };
    return { values: { state: to, ...kept, ...waits }, action: to, metadata: { reason: reason ?? null } };
  });
  await deps.halt(id);
}

/** So many cycles are looked at for a report. */
const mostReported = 500;
const usualDays = 30;

async function resultsIn(deps: CyclesServiceDeps, query: CycleResultsQuery): Promise<CycleResults> {
  const now = deps.clock();
  const to = query.to === undefined ? stamp(now) : stamp(new Date(query.to));
  const from = stamp(new Date(query.from ?? Date.parse(to) - usualDays * 24 * 3_600_000));
  const found = await store.cyclesBetween(deps.queries, { from, to }, mostReported + 1);
  const told: Told[] = [];
  for (const cycle of found.slice(0, mostReported)) {
    const of = { id: cycle.id, from: cycle.created_at };
    told.push({
      cycle,
      artifacts: await store.artifactsOf(deps.queries, cycle.id),
      cost: await deps.costOf(of),
      model: await deps.agentModelOf(of),
      timeline: await deps.historyOf(cycle.id),
    });
  }
  return { from, to, is_cut: found.length > mostReported, results: resultsOf(told, stamp(now)) };
}

async function evidenceOf(
  { queries }: CyclesServiceDeps,
  id: string,
  sha256: string,
): Promise<CycleEvidenceContent> {
  const found = await findEvidence(queries, id, sha256);
  if (found === undefined) throw noEvidence(id, sha256);
  const { name, media_type, created_at, removed_at, content } = found;
  if (content === null) throw removedEvidence(name, removed_at);
  return { sha256, name, media_type, created_at, base64: content };
}

const mostDiff = 2_000_000;

async function diffOf(deps: CyclesServiceDeps, id: string): Promise<CycleDiff> {
  const cycle = await store.findCycle(deps.queries, id);
  if (cycle === undefined) throw unknown(id);
  const { base_commit: base, head_commit: head } = cycle;
  if (base === null || head === null) throw noDiff(id);
  const patch = await deps.diffOf(cycle.repository, base, head);
  if (patch === null) throw noDiff(id);
  return { base, head, patch: patch.slice(0, mostDiff), is_cut: patch.length > mostDiff };
}

/** Changes a cycle as one reads it within the transaction. Whoever is slower than another is told to look again. */
async function change(
  deps: CyclesServiceDeps,
  actor: Actor,
  id: string,
  work: (changing: Changing) => Promise<Change> | Change,
): Promise<void> {
  for (let left = mostOvertaken; ; left -= 1) {
    try {
      await changeOnce(deps, actor, id, work);
      return;
    } catch (error) {
      if (!(error instanceof Overtaken)) throw error;
      if (left === 0) throw moved();
    }
  }
}

/** Somebody changed the cycle between reading and writing it: what is asked for is looked at again. */
class Overtaken extends Error {}
const mostOvertaken = 10;

async function changeOnce(
  { transaction, clock }: CyclesServiceDeps,
  actor: Actor,
  id: string,
  work: (changing: Changing) => Promise<Change> | Change,
): Promise<void> {
  await transaction(async (queries, record) => {
    const cycle = await store.findCycle(queries, id);
    if (cycle === undefined) throw unknown(id);
    const at = stamp(clock());
    const { values, action, metadata } = await work({ queries, at, cycle });
    const ended = values.state !== undefined && endStates.has(values.state) ? { ended_at: at } : {};
    if (!(await store.updateCycle(queries, cycle, { ...values, ...ended, updated_at: at })))
      throw new Overtaken();
    await record({
      actor,
      action: `cycle.${action}`,
      resource: `cycle:${id}`,
      planId: id,
      status: "succeeded",
      metadata: { stage: cycle.stage, ...metadata },
    });
  });
}

const mostCapped = 200;

async function uncap(deps: CyclesServiceDeps): Promise<void> {
  const { items } = await store.listCycles(deps.queries, { limit: mostCapped, state: "capped" });
  for (const { id } of items)
    await change(deps, system, id, ({ cycle }) => {
      // Whichever still has none is capped again by its next call.
      if (cycle.state !== "capped") throw notIn(cycle);
      return { values: { state: "running", waits_for: null, reason: null }, action: "resumed" };
    }).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
    });
  if (items.length > 0) deps.wake();
}
