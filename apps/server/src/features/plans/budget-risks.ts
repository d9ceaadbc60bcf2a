import { policyOf, type PolicyOf, text, type Text } from "@ciclo/contract";
import {
  agentOf,
  budgetField,
  budgetFile,
  isAgentBudget,
  withAgentBudgets,
} from "../../domain/agent-budgets.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { looser } from "./looser.ts";
import type { DraftRisk } from "./risks.ts";

type Budget = PolicyOf<"budget">;
type Scope = NonNullable<Budget["scope"]>;

/** What budgets no longer hold back, by what binds calls before and after: policies and manifests of agents together. Pure. */
export function budgetRisks(before: Snapshot, after: Snapshot): DraftRisk[] {
  const [were, are] = [budgetsOf(before), budgetsOf(after)];
  return [
    ...[...were].flatMap(([id, old]) =>
      loosened(old, are.get(id), after.policies.has(id) || isAgentBudget(id)),
    ),
    ...[...are.values()].flatMap((next) => bindingNobody(next, were.get(next.id))),
    ...[...are.values()].flatMap((next) => namesGone(next, before, after)),
  ];
}

const budgetsOf = ({ policies, agents }: Snapshot): Map<string, Budget> =>
  new Map(
    [...withAgentBudgets(policies, agents)].flatMap(([id, policy]) =>
      policy.kind === "budget" ? [[id, policy]] : [],
    ),
  );

/** Whether it binds any call: one without a scope, which no agent names, binds none. */
const bindsCalls = ({ id, scope }: Budget): boolean => scope !== undefined || id === "budget";

function loosened(old: Budget, next: Budget | undefined, isThere: boolean): DraftRisk[] {
  if (!bindsCalls(old)) return [];
  if (next !== undefined && bindsCalls(next)) return loosenedBudget(old, next);
  // That a policy is gone is said of every policy.
  if (next === undefined && !isThere) return [];
  if (isAgentBudget(old.id)) {
    const limit = `${agentOf(old.id)}: ${budgetField(old.id, "")}`;
    const was = said(old.limits.monthly_usd);
    return [looser(text(`${limit} no longer holds (was ${was})`, `${limit} deixa de valer (era ${was})`))];
  }
  const limits = Object.entries(old.limits)
    .map(([limit, was]) => `${limit} ${said(was)}`)
    .join(", ");
  return [
    looser(
      text(
        `${budgetFile(old.id)} no longer holds any call back (was ${limits})`,
        `${budgetFile(old.id)} deixa de conter qualquer chamada (era ${limits})`,
      ),
    ),
  ];
}

const severity = { block: 2, ask: 1, warn: 0 } as const;

function loosenedBudget(old: Budget, next: Budget): DraftRisk[] {
  const { id } = old;
  const { rolling: _, ...limits } = old.limits;
  const gone = Object.entries(limits).filter(
    ([limit]) => next.limits[limit as keyof typeof limits] === undefined,
  );
  // Each then has for itself what all had together.
  const apart = next.per !== undefined && next.per !== old.per;
  const risk = (isThere: boolean, said: Text, impact?: DraftRisk["impact"]): DraftRisk[] =>
    isThere ? [looser(said, impact)] : [];
  return [
    ...[...gone, ...lostRolling(old, next)].map(([limit, was]) =>
      looser(
        text(
          `${id}: limits.${limit} no longer holds (was ${said(was)})`,
          `${id}: limits.${limit} deixa de valer (era ${said(was)})`,
        ),
      ),
    ),
    ...risk(
      severity[next.on_exceeded] < severity[old.on_exceeded],
      text(
        `${id}: on_exceeded ${old.on_exceeded} → ${next.on_exceeded}`,
        `${id}: on_exceeded ${old.on_exceeded} → ${next.on_exceeded}`,
      ),
    ),
    ...risk(
      old.unpriced === "refuse" && next.unpriced !== "refuse",
      text(
        `${id}: calls of models without a price are let through uncounted`,
        `${id}: chamadas de modelos sem preço passam sem serem contadas`,
      ),
    ),
    ...risk(
      apart,
      text(
        `${id}: limits hold for each ${next.per}, no longer for all together`,
        `${id}: os limites passam a valer para cada ${next.per}, e não para todos juntos`,
      ),
    ),
    ...risk(
      old.time_zone !== next.time_zone,
      text(
        `${id}: periods start over in the time zone ${next.time_zone} (was ${old.time_zone})`,
        `${id}: os períodos recomeçam no fuso ${next.time_zone} (era ${old.time_zone})`,
      ),
      "medium",
    ),
    ...(["agents", "servers", "models", "people", "runs"] as const).flatMap((kind) =>
      noLongerIn(old, next, kind),
    ),
    ...(old.alert_at ?? [])
      .filter((share) => next.alert_at?.includes(share) !== true)
      .map((share) =>
        looser(
          text(`${id}: alert_at ${share} no longer alerts`, `${id}: alert_at ${share} deixa de alertar`),
          "medium",
        ),
      ),
  ];
}

/** Rolling limits as strict as which there is none any more: one of as many hours at least, and no more dollars, is. */
function lostRolling(old: Budget, next: Budget): [string, unknown][] {
  const lost = (old.limits.rolling ?? []).filter(
    ({ hours, usd }) => !(next.limits.rolling ?? []).some((now) => now.hours >= hours && now.usd <= usd),
  );
  return lost.map((limit) => ["rolling", limit]);
}

const said = (limit: unknown): string => JSON.stringify(limit);

/** What a budget held for before: all where it names none. */
function noLongerIn(old: Budget, next: Budget, kind: keyof Scope): DraftRisk[] {
  const [was, now] = [old.scope?.[kind], next.scope?.[kind]];
  if (now === undefined) return [];
  const lost = was?.filter((name) => !now.includes(name)) ?? [`all but ${now.join(", ")}`];
  if (lost.length === 0) return [];
  const names = lost.join(", ");
  return [
    looser(
      text(
        `${old.id}: no longer holds for ${kind} ${names}`,
        `${old.id}: deixa de valer para ${kind} ${names}`,
      ),
    ),
  ];
}

/** A budget, new or changed, that looks like a limit and is none. */
function bindingNobody(next: Budget, old: Budget | undefined): DraftRisk[] {
  if (bindsCalls(next) || (old !== undefined && JSON.stringify(old) === JSON.stringify(next))) return [];
  // That it held before is said above.
  if (old !== undefined && bindsCalls(old)) return [];
  return [
    {
      title: text(
        `${next.id} binds no call: it has no scope, and no agent names it`,
        `${next.id} não limita nenhuma chamada: não tem scope, e nenhum agente o cita`,
      ),
      impact: "medium",
      mitigation: text(
        "Give it a scope, or name it under policies in an agent's manifest.",
        "Dê-lhe um scope, ou cite-o em policies no manifesto de um agente.",
      ),
    },
  ];
}

/** Servers and providers that a budget names, and that are gone under that name: it binds no call of theirs any more. */
function namesGone(next: Budget, before: Snapshot, after: Snapshot): DraftRisk[] {
  const [were, are] = [serversIn(before), serversIn(after)];
  const gone = (next.scope?.servers ?? []).filter((name) => were.has(name) && !are.has(name));
  if (gone.length === 0) return [];
  return [
    looser(
      text(
        `${next.id} names ${gone.join(", ")}, which is gone or called otherwise: it binds none of those calls`,
        `${next.id} cita ${gone.join(", ")}, que deixa de existir ou muda de nome: não limita mais essas chamadas`,
      ),
    ),
  ];
}

const serversIn = ({ registry, policies }: Snapshot): Set<string> =>
  new Set([
    ...registry.servers.map(({ id }) => id),
    ...(policyOf(policies, "models")?.providers ?? []).map(({ id }) => id),
  ]);
