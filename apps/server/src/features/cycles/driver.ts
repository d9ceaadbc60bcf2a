import { setTimeout as wait } from "node:timers/promises";
import { type CycleStage, type PolicyOf, type Text, text } from "@ciclo/contract";
import type { AuditedTransaction, Queries } from "../../db/dialect.ts";
import { system } from "../../domain/actor.ts";
import { Refusal } from "../../errors.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import type { Logger } from "../../lib/logger.ts";
import { checkedIn, executionsOf, insertArtifact, keepEvidence, newestOf } from "./keep.ts";
import { checkpointAfter, endStates, stageAfter } from "./rules.ts";
import type { Made, Outcome, Stage, Turn } from "./stage.ts";
import * as store from "./store.ts";

export type DriverDeps = {
  queries: Queries;
  transaction: AuditedTransaction;
  clock: Clock;
  logger: Logger;
  /** `policies/cycles.yaml` as it holds now; null where there is none, or it cannot be used. */
  policy(): Promise<PolicyOf<"cycles"> | null>;
  stages: Readonly<Record<CycleStage, Stage>>;
  /** What has to hold before any stage: that the repository may be worked on, and that this node has what the stage needs. */
  before(cycle: store.StoredCycle, policy: PolicyOf<"cycles">, signal: AbortSignal): Promise<void>;
  /** By which nodes tell each other apart: the same after a restart, so that what it held is its own at once. */
  node: string;
};

/** How long a node is believed to work on a cycle without being heard of, and how often it says so. */
const holdMs = 30_000;
const renewEveryMs = 2000;
/** Cycles that one node works on at once; most of the time they wait for a model or an agent. */
const mostAtOnce = 20;
/** How long it is waited for what is away for now, such as a forge that restarts, before a person is asked. */
const patienceMs = [2000, 5000, 10_000, 20_000, 40_000, 60_000];
/** A stage that fails by a fault of the console is tried so often. */
const mostFaults = 5;

/**
 * Carries cycles from stage to stage. The rows are all that it knows: whichever node holds a cycle reads where it stands, does
 * the work of that stage, and writes what came of it in one transaction, which fails where somebody changed the cycle meanwhile.
 */
export class Driver {
  readonly #deps: DriverDeps;
  readonly #working = new Map<string, { halt: AbortController; done: Promise<void> }>();
  readonly #faults = new Map<string, number>();
  /** How often in a row something that a cycle needs was away. */
  readonly #away = new Map<string, number>();

  constructor(deps: DriverDeps) {
    this.#deps = deps;
  }

  /** Takes up what is to be done, as far as there is room for it. */
  async takeUp(signal: AbortSignal, work: (run: () => Promise<void>) => Promise<void>): Promise<void> {
    const { queries, clock, node } = this.#deps;
    const room = mostAtOnce - this.#working.size;
    if (room <= 0) return;
    for (const id of await store.dueCycles(queries, { node, now: stamp(clock()) }, mostAtOnce)) {
      if (signal.aborted || this.#working.size >= mostAtOnce) return;
      if (this.#working.has(id) || !(await this.#hold(id))) continue;
      const halt = new AbortController();
      const stop = (): void => halt.abort(signal.reason);
      signal.addEventListener("abort", stop, { once: true });
      const done = work(() => this.#carry(id, halt)).finally(() => {
        signal.removeEventListener("abort", stop);
        this.#working.delete(id);
      });
      this.#working.set(id, { halt, done });
    }
  }

  /** Ends what goes on of a cycle in this process, and waits for that. */
  async halt(id: string): Promise<void> {
    const working = this.#working.get(id);
    working?.halt.abort(new Error("the cycle was halted"));
    await working?.done;
  }

  #hold(id: string): Promise<boolean> {
    const { queries, clock } = this.#deps;
    const now = clock();
    return store.holdCycle(queries, id, {
      node: this.#deps.node,
      now: stamp(now),
      until: stamp(new Date(now.getTime() + holdMs)),
    });
  }

  /** A cycle that is this node's no more is let go of; a database that does not answer for a moment takes none away. */
  async #renew(id: string, halt: AbortController): Promise<void> {
    try {
      if (!(await this.#hold(id))) halt.abort(new Error("the cycle is not this node's any more"));
    } catch (error) {
      this.#deps.logger.warn({ err: error, cycle: id }, "a cycle could not be held");
    }
  }

  /** Works on a cycle until it waits, ends, or is taken away. */
  async #carry(id: string, halt: AbortController): Promise<void> {
    const { queries } = this.#deps;
    const renewing = setInterval(() => {
      void this.#renew(id, halt);
    }, renewEveryMs);
    try {
      while (!halt.signal.aborted) {
        const cycle = await store.findCycle(queries, id);
        if (cycle === undefined || cycle.state !== "running") return;
        const policy = await this.#deps.policy();
        const outcome = await this.#outcomeOf(cycle, policy, halt.signal);
        if (outcome === null || !(await this.#write(cycle, outcome, policy))) return;
        this.#faults.delete(id);
      }
    } finally {
      clearInterval(renewing);
      await store.letGoOfCycle(queries, id, this.#deps.node);
    }
  }

  /** What a stage comes to; null where it was broken off. */
  async #outcomeOf(
    cycle: store.StoredCycle,
    holds: PolicyOf<"cycles"> | null,
    signal: AbortSignal,
  ): Promise<Outcome | Stopped | null> {
    const { queries, stages, logger, before } = this.#deps;
    if (holds === null) return { to: "stop", state: "waiting", reason: noPolicy };
    try {
      const all = await store.artifactsOf(queries, cycle.id);
      const artifacts = newestOf(all);
      const executions = executionsOf(all);
      const decisions = await store.decisionsOf(queries, cycle.id);
      const checked = checkedIn(all);
      const turn: Turn = { cycle, policy: holds, artifacts, executions, checked, decisions, signal };
      await before(cycle, holds, signal);
      const outcome = await stages[cycle.stage](turn);
      this.#away.delete(cycle.id);
      return outcome;
    } catch (error) {
      if (signal.aborted) return null;
      if (await this.#waitedFor(cycle.id, error, signal)) return this.#outcomeOf(cycle, holds, signal);
      // It may have been halted meanwhile.
      if (signal.aborted) return null;
      if (error instanceof Refusal)
        return {
          to: "stop",
          state: error.code === "budget_exceeded" ? "capped" : "waiting",
          reason: error.detail,
        };
      logger.error({ err: error, cycle: cycle.id, stage: cycle.stage }, "a stage of a cycle failed");
      const faults = (this.#faults.get(cycle.id) ?? 0) + 1;
      this.#faults.set(cycle.id, faults);
      if (faults < mostFaults) throw error;
      this.#faults.delete(cycle.id);
      return { to: "stop", state: "waiting", reason: brokeHere };
    }
  }

  /** Waits for what is away for now. False where it is not to be waited for, or was for long enough. */
  async #waitedFor(id: string, error: unknown, signal: AbortSignal): Promise<boolean> {
    const times = this.#away.get(id) ?? 0;
    const ms = patienceMs[times];
    if (!(error instanceof Refusal) || error.retryAfter === undefined || ms === undefined) {
      this.#away.delete(id);
      return false;
    }
    this.#away.set(id, times + 1);
    this.#deps.logger.warn({ err: error, cycle: id }, "what a cycle needs is away; it is tried again");
    await wait(ms, undefined, { signal }).catch(() => undefined);
    return !signal.aborted;
  }

  /** Writes what came of a stage. False where somebody changed the cycle meanwhile: it is read again then. */
  async #write(
    cycle: store.StoredCycle,
    outcome: Outcome | Stopped,
    before: PolicyOf<"cycles"> | null,
  ): Promise<boolean> {
    const { transaction, clock } = this.#deps;
    const at = stamp(clock());
    // A checkpoint counts that policy had when the stage began, or has when it ends.
    const policies = [before, await this.#deps.policy()].filter((one) => one !== null);
    const made: Made = outcome.to === "stop" ? {} : outcome;
    return transaction(async (queries, record) => {
      const next = followUp(cycle, outcome, policies);
      const hasEnded = next.values.state !== undefined && endStates.has(next.values.state);
      const values = {
        // What could not be done is tried again with the same words.
        ...(outcome.to === "stop" ? {} : { note: null }),
        ...made.values,
        ...next.values,
        updated_at: at,
        ...(hasEnded ? { ended_at: at } : {}),
      };
      if (!(await store.updateCycle(queries, cycle, values, this.#deps.node))) return false;
      const versions = await store.artifactsOf(queries, cycle.id);
      for (const artifact of made.artifacts ?? [])
        await insertArtifact(queries, cycle.id, artifact, { at, versions });
      for (const evidence of made.evidence ?? []) await keepEvidence(queries, cycle.id, evidence, at);
      await record({
        actor: system,
        action: `cycle.${next.action}`,
        resource: `cycle:${cycle.id}`,
        planId: cycle.id,
        status: next.ok ? "succeeded" : "failed",
        metadata: {
          stage: cycle.stage,
          ...made.metadata,
          ...("reason" in outcome ? { reason: outcome.reason.en } : {}),
        },
      });
      return true;
    });
  }
}

/** What could not be done. */
type Stopped = { to: "stop"; state: "waiting" | "capped"; reason: Text };

type FollowUp = { values: Partial<store.StoredCycle>; action: string; ok: boolean };

function followUp(
  { stage }: store.StoredCycle,
  outcome: Outcome | Stopped,
  policies: readonly PolicyOf<"cycles">[],
): FollowUp {
  if (outcome.to === "stop")
    return {
      values: { state: outcome.state, waits_for: "help", reason: outcome.reason },
      action: outcome.state,
      ok: false,
    };
  if (outcome.to === "end")
    return {
      values: { state: "failed", waits_for: null, reason: outcome.reason },
      action: "failed",
      ok: false,
    };
  if (outcome.to === "wait")
    return {
      values: {
        state: outcome.isCapped === true ? "capped" : "waiting",
        waits_for: outcome.waitsFor,
        reason: outcome.reason,
        note: outcome.note ?? null,
      },
      action: outcome.isCapped === true ? "capped" : "waiting",
      ok: outcome.isCapped !== true,
    };
  if (outcome.to === "back")
    return {
      values: { stage: outcome.stage, note: outcome.note, reason: null },
      action: "sent_back",
      ok: true,
    };
  const next = stageAfter(stage);
  if (policies.some((policy) => checkpointAfter(stage, policy) !== null))
    return {
      values: { state: "waiting", waits_for: "decision", reason: null },
      action: "checkpoint",
      ok: true,
    };
  return next === null
    ? { values: { state: "completed", waits_for: null, reason: null }, action: "completed", ok: true }
    : { values: { stage: next, reason: null }, action: "stage_done", ok: true };
}

const noPolicy = text(
  "policies/cycles.yaml is missing or cannot be used: plan one that names the repository, then resume the cycle",
  "policies/cycles.yaml não existe ou não pode ser usado: planeje um que nomeie o repositório e retome o ciclo",
);
const brokeHere = text(
  "The console failed at this stage several times; its log says why. Resume the cycle once that is mended",
  "A console falhou nesta etapa várias vezes; o log diz por quê. Retome o ciclo quando isso for corrigido",
);
