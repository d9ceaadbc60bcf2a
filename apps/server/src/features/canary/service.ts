import { type Canary, type ChangeDetail, type Locale, policyOf, type Text, text } from "@ciclo/contract";
import type { Database, Queries, AuditedTransaction } from "../../db/dialect.ts";
import { notFound, Refusal } from "../../errors.ts";
import { type Actor, system } from "../../domain/actor.ts";
import type { ConfigRepository } from "../../domain/config-repository.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { newId } from "../../lib/ids.ts";
import type { Logger } from "../../lib/logger.ts";
import { type CanaryPolicy, judge, type Probed, type Sample, touchedServers, type Verdict } from "./rules.ts";
import * as store from "./store.ts";

export type CanaryDeps = {
  database: Database;
  transaction: AuditedTransaction;
  clock: Clock;
  logger: Logger;
  repository: ConfigRepository;
  /** How each server is now. */
  states(): ReadonlyMap<string, string>;
  /** Takes in what is live, so that servers are probed as they were changed to. */
  takeIn(): Promise<void>;
  /** Makes sure that the commit of a change is in this node's repository. */
  ensureCommit(changeId: string): Promise<void>;
  /** One look at a server. */
  probe(serverId: string): Promise<{ ok: boolean; ms: number | null }>;
  rollback(
    actor: Actor,
    request: { plan_id: string; reason: string; outcome: "canary_failed" },
    locale: Locale,
  ): Promise<unknown>;
  /** Waits; tests hand in one that does not. */
  wait?(ms: number, signal: AbortSignal): Promise<void>;
};

export type CanaryService = {
  /** Plans probes of what a change touches, in the transaction that ends it. Carried out by `run`. */
  plan(queries: Queries, change: { id: string; plan_id: string }): Promise<void>;
  /** Carries out what is planned, until the signal says to stop. Throws when one broke off: it is begun again then. */
  carryOut(signal: AbortSignal): Promise<void>;
  of(planId: string, locale: Locale): Promise<ChangeDetail["canary"]>;
  decide(
    actor: Actor,
    planId: string,
    decision: { decision: "keep" | "retry"; reason?: string | undefined },
    locale: Locale,
  ): Promise<Canary>;
  /** Changes whose canary waits for a person. */
  waiting(): Promise<{ planId: string; reason: Text }[]>;
};

/** Waits, but not once the console stops. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms).unref();
  const stop = (): void => resolve();
  signal.addEventListener("abort", stop, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  });
}

export function createCanaryService(deps: CanaryDeps, wake: () => void): CanaryService {
  const { queries } = deps.database;
  return {
    plan: (on, change) => plan(deps, on, change),
    async carryOut(signal) {
      const failures: unknown[] = [];
      for (const canary of await store.withStatus(queries, "running")) {
        if (signal.aborted) return;
        // One that breaks off must not keep the others waiting.
        await carryOutAlone(deps, canary.id, signal).catch((error: unknown) => failures.push(error));
      }
      if (failures.length > 0) throw new AggregateError(failures, "canaries broke off");
    },
    async of(planId, locale) {
      const canary = await store.newestOf(queries, planId);
      return canary === undefined || canary.policy === null ? null : present(canary, canary.policy, locale);
    },
    async decide(actor, planId, decision, locale) {
      await decide(deps, actor, planId, decision);
      if (decision.decision === "retry") wake();
      const canary = await store.newestOf(queries, planId);
      if (canary === undefined || canary.policy === null) throw noCanary(planId);
      return present(canary, canary.policy, locale);
    },
    async waiting() {
      const open = await store.withStatus(queries, "inconclusive");
      const undone = await Promise.all(open.map((canary) => store.isTakenBack(queries, canary)));
      return open
        .filter((_, index) => undone[index] !== true)
        .map((canary) => ({ planId: canary.plan_id, reason: detailOf(canary) }));
    },
  };
}

async function plan(
  deps: CanaryDeps,
  queries: Queries,
  change: { id: string; plan_id: string },
): Promise<void> {
  await store.insertCanary(queries, {
    id: newId(),
    record_id: change.id,
    plan_id: change.plan_id,
    status: "running",
    servers: [...deps.states()].map(([id, before]) => ({ id, before })),
    policy: null,
    samples: [],
    detail: null,
    started_at: stamp(deps.clock()),
    ended_at: null,
  });
}

type Due = store.StoredCanary & { policy: CanaryPolicy };

/** What there is to probe; null where the change touches no server, or no policy asks for it. */
async function scopeOf(deps: CanaryDeps, canary: store.StoredCanary): Promise<Due | null> {
  if (canary.policy !== null) return { ...canary, policy: canary.policy };
  const { repository, database } = deps;
  const change = await store.findChange(database.queries, canary.record_id);
  // What was changed is told by the change's own commit, whatever landed meanwhile.
  const commit = change?.kind === "rollback" ? change.landed_sha : change?.commit_sha;
  if (change === undefined || commit === null || commit === undefined) return null;
  await deps.ensureCommit(canary.record_id);
  const before = await repository.snapshot(change.base_commit);
  const after = await repository.snapshot(commit);
  const policy = policyOf(after.policies, "canary");
  const touched = touchedServers(before, after);
  if (policy === null || touched.length === 0) return null;
  const states = new Map(canary.servers.map((server) => [server.id, server.before]));
  const { probes, interval_s, max_latency_ms, max_error_rate } = policy;
  return {
    ...canary,
    servers: touched.map((id) => ({ id, before: states.get(id) ?? null })),
    policy: { probes, interval_s, max_latency_ms, max_error_rate },
  };
}

/** One holder at a time, on whichever node; who comes later finds it done. */
async function carryOutAlone(deps: CanaryDeps, id: string, signal: AbortSignal): Promise<void> {
  const { queries } = deps.database;
  await deps.database.exclusively(`canary:${id}`, async () => {
    const canary = await store.findCanary(queries, id);
    if (canary?.status !== "running") return;
    const due = await scopeOf(deps, canary);
    await deps.takeIn();
    const servers = due?.servers.filter((server) => deps.states().has(server.id)) ?? [];
    if (due === null || servers.length === 0) {
      await deps.transaction((on) => store.deleteCanary(on, id));
      return;
    }
    await deps.transaction((on) => store.updateCanary(on, id, { servers, policy: due.policy }));
    const samples = await probeAll(deps, servers, due.policy, signal);
    if (!signal.aborted)
      await settle(deps, { ...due, servers, samples }, judge(servers, samples, due.policy));
  });
}

async function probeAll(
  deps: CanaryDeps,
  servers: readonly Probed[],
  policy: CanaryPolicy,
  signal: AbortSignal,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let turn = 0; turn < policy.probes && !signal.aborted; turn += 1) {
    if (turn > 0) await (deps.wait ?? wait)(policy.interval_s * 1000, signal);
    // One that policy forbids to reach, or whose key is not stored, tells nothing by not answering.
    const open = servers.filter(({ id }) => deps.states().get(id) !== "quarantined");
    const looks = await Promise.all(
      open.map(async ({ id }) => ({ server: id, at: stamp(deps.clock()), ...(await deps.probe(id)) })),
    );
    samples.push(...looks.map(({ server, at, ok, ms }) => ({ server, at, ok, ms })));
  }
  return samples;
}

/** Writes the verdict down, and takes a change back that failed. */
async function settle(deps: CanaryDeps, canary: store.StoredCanary, verdict: Verdict): Promise<void> {
  // Rolled back while its servers were looked at: there is nothing left to judge.
  if (await store.isTakenBack(deps.database.queries, canary)) {
    await deps.transaction((on) => store.deleteCanary(on, canary.id));
    return;
  }
  const change = await store.findChange(deps.database.queries, canary.record_id);
  const isRollback = change?.kind === "rollback";
  const { status, detail } =
    verdict.status === "failed" && isRollback
      ? { status: "inconclusive" as const, detail: failedAfterRollback(verdict.detail) }
      : verdict;
  const taken = status === "failed" ? await takeBack(deps, canary, detail) : null;
  const ended = taken ?? { status, detail };
  await deps.transaction(async (queries, record) => {
    await store.updateCanary(queries, canary.id, {
      status: ended.status,
      servers: canary.servers,
      samples: canary.samples,
      detail: ended.detail,
      ended_at: stamp(deps.clock()),
    });
    await record({
      actor: system,
      action: `canary.${ended.status}`,
      resource: `change:${canary.plan_id}`,
      status: ended.status === "passed" ? "succeeded" : "failed",
      planId: canary.plan_id,
      metadata: {
        reason: ended.detail.en,
        servers: canary.servers.map(({ id }) => id),
        policy: canary.policy,
        samples: canary.samples.map(({ server, ok, ms }) => [server, ok, ms]),
      },
    });
  });
}

async function takeBack(deps: CanaryDeps, canary: store.StoredCanary, why: Text): Promise<Verdict> {
  try {
    const request = {
      plan_id: canary.plan_id,
      reason: `canary: ${why.en}`,
      outcome: "canary_failed" as const,
    };
    await deps.rollback(system, request, "en");
    await deps.takeIn();
    return { status: "failed", detail: why };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // Somebody was faster.
    if (await store.isTakenBack(deps.database.queries, canary)) return { status: "failed", detail: why };
    const { detail } = error;
    return {
      status: "inconclusive",
      detail: text(
        `${why.en}. It could not be rolled back automatically: ${detail.en}`,
        `${why["pt-BR"]}. Não pôde ser revertida automaticamente: ${detail["pt-BR"]}`,
      ),
    };
  }
}

const failedAfterRollback = (why: Text): Text =>
  text(
    `${why.en}. This followed a rollback, which is never undone automatically: a person must decide`,
    `${why["pt-BR"]}. Isto é depois de uma reversão, que não é desfeita automaticamente: uma pessoa deve decidir`,
  );

async function decide(
  deps: CanaryDeps,
  actor: Actor,
  planId: string,
  { decision, reason }: { decision: "keep" | "retry"; reason?: string | undefined },
): Promise<void> {
  await deps.transaction(async (queries, record) => {
    const canary = await store.newestOf(queries, planId);
    if (canary === undefined) throw noCanary(planId);
    if (canary.status !== "inconclusive") throw notWaiting(canary.status);
    const isKept = decision === "keep";
    await store.updateCanary(
      queries,
      canary.id,
      isKept ? { status: "kept" } : { status: "running", samples: [], ended_at: null },
    );
    await record({
      actor,
      action: isKept ? "canary.kept" : "canary.retried",
      resource: `change:${planId}`,
      status: "succeeded",
      planId,
      metadata: { reason: reason ?? null },
    });
  });
}

const underWay = text("Probes are under way", "Verificações em andamento");

const detailOf = ({ detail }: store.StoredCanary): Text => detail ?? underWay;

const present = (canary: store.StoredCanary, policy: CanaryPolicy, locale: Locale): Canary => ({
  status: canary.status,
  detail: (canary.status === "running" ? underWay : detailOf(canary))[locale],
  servers: canary.servers.map(({ id }) => id),
  probes: policy.probes,
  max_latency_ms: policy.max_latency_ms,
  max_error_rate: policy.max_error_rate,
  samples: canary.samples,
  started_at: canary.started_at,
  ended_at: canary.ended_at,
});

const noCanary = (planId: string): Refusal =>
  notFound(`${planId} has no canary`, `${planId} não tem canário`);

const notWaiting = (status: string): Refusal =>
  new Refusal(
    "already_decided",
    text(
      `The canary is ${status}; nothing waits for a decision`,
      `O canário está em: ${status}; nada espera decisão`,
    ),
  );
