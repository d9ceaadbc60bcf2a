import type { CheckReport, CycleDetail, CycleInstance, CycleResults, Execution } from "@ciclo/contract";
import { executionsOf } from "./keep.ts";
import { endStates } from "./rules.ts";
import type { StoredArtifact, StoredCycle } from "./store.ts";

/** A cycle with what its result is made of. `model` is the one that its agent asked most. */
export type Told = {
  cycle: StoredCycle;
  artifacts: readonly StoredArtifact[];
  cost: { usd: number; unknown_calls: number };
  model: string | null;
  timeline: CycleDetail["timeline"];
};

/** What came of cycles, by agent and model, those of most cycles first. Pure. */
export function resultsOf(told: readonly Told[], now: string): CycleResults["results"] {
  const groups = new Map<
    string,
    { agent: Execution["agent"] | null; model: string | null; all: CycleInstance[] }
  >();
  for (const of of told) {
    const agent = executionsOf(of.artifacts).at(-1)?.agent ?? null;
    const key = JSON.stringify([agent?.name, agent?.version, of.model, of.cycle.replay]);
    const group = groups.get(key) ?? { agent, model: of.model, all: [] };
    group.all.push(instanceOf(of, now));
    groups.set(key, group);
  }
  return [...groups.values()]
    .map(({ agent, model, all }) => {
      const over = all.filter(({ resolved }) => resolved !== null);
      const merged = over.filter(({ resolved }) => resolved === true).length;
      const mean = (value: (one: CycleInstance) => number): number =>
        all.reduce((sum, one) => sum + value(one), 0) / all.length;
      return {
        agent: agent?.name ?? null,
        agent_version: agent?.version ?? null,
        model,
        replay: all.some(({ replay }) => replay),
        benchmark: "ciclo-cycles" as const,
        metric: "merged" as const,
        score: over.length === 0 ? null : (100 * merged) / over.length,
        total_instances: all.length,
        resolved_instances: merged,
        cost_per_instance: mean(({ cost }) => cost),
        average_runtime: mean(({ runtime }) => runtime),
        average_tries: mean(({ tries }) => tries),
        false_greens_caught: all.reduce((sum, one) => sum + one.false_greens_caught, 0),
        instances: all,
      };
    })
    .toSorted((a, b) => b.total_instances - a.total_instances);
}

function instanceOf(of: Told, now: string): CycleInstance {
  const { cycle, cost, timeline } = of;
  return {
    instance_id: cycle.id,
    repository: cycle.repository,
    state: cycle.state,
    resolved: endStates.has(cycle.state) ? cycle.state === "completed" : null,
    cost: cost.usd,
    unknown_calls: cost.unknown_calls,
    runtime: secondsAtWork(timeline, cycle.state === "running" ? now : null),
    tries: cycle.tries,
    false_greens_caught: falseGreens(of),
    replay: cycle.replay,
  };
}

/** A try that its agent ended as done, and that changed nothing or that the gates refused. */
function falseGreens({ artifacts }: Pick<Told, "artifacts">): number {
  // Each claim is caught once, however often its work is looked at.
  let claim: { isCaught: boolean } | null = null;
  const claims: { isCaught: boolean }[] = [];
  for (const { kind, content } of artifacts) {
    if (kind === "execution") {
      const { stop_reason: reason, head } = content as Execution;
      claim = reason === "end_turn" ? { isCaught: head === null } : null;
      if (claim !== null) claims.push(claim);
    } else if (kind === "check" && claim !== null) claim.isCaught ||= isRefused(content as CheckReport);
  }
  return claims.filter(({ isCaught }) => isCaught).length;
}

/** Where the set-up fails before the change too, it is not the work that was refused. */
const isRefused = ({ problems, gates }: CheckReport): boolean =>
  problems.length > 0 && !gates.some(({ gate, on, passed }) => gate === "setup" && on === "base" && !passed);

const begin: ReadonlySet<string> = new Set(
  ["started", "approved", "sent_back", "answered", "resumed"].map((step) => `cycle.${step}`),
);
const halt: ReadonlySet<string> = new Set(
  "checkpoint waiting capped paused completed failed rejected cancelled"
    .split(" ")
    .map((step) => `cycle.${step}`),
);

/** Seconds between what sets a cycle going and what has it wait or end. `now` ends what still goes on. */
function secondsAtWork(timeline: Told["timeline"], now: string | null): number {
  let since: number | null = null;
  let ms = 0;
  for (const { at, type } of timeline) {
    if (begin.has(type)) since ??= Date.parse(at);
    else if (halt.has(type) && since !== null) {
      ms += Date.parse(at) - since;
      since = null;
    }
  }
  if (since !== null && now !== null) ms += Date.parse(now) - since;
  return ms / 1000;
}
