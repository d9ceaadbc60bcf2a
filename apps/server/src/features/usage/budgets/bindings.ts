import type { BudgetHolder, PolicyFile, PolicyOf } from "@ciclo/contract";
import { matchesModel } from "../../../lib/model-names.ts";
import { type ModelUsage, totalOf } from "../../../domain/tokens.ts";
import type { CallSubject, Cost } from "../../../domain/usage.ts";
import { sha256 } from "../../../lib/crypto.ts";
import { foldedName } from "../../../lib/fold.ts";
import {
  always,
  type Calendar,
  calendarWindow,
  type Stretch,
  stretchWindow,
  type Window,
} from "./windows.ts";

export type Budget = PolicyOf<"budget">;
export type Policies = ReadonlyMap<string, PolicyFile>;

/** What a limit counts, without how much that may be: it goes on counting where a limit is raised, and on nodes that know no limit yet. */
export type Meter = {
  policy: string;
  scope: Budget["scope"] | null;
  per: BudgetHolder | null;
  /** The field of `limits`: `daily_usd`, `rolling.5h`. */
  limit: string;
  unit: "nano_usd" | "tokens";
  calendar: Calendar | "always" | { hours: number } | Stretch;
  timeZone: string;
};

/** A limit of a budget, and whose spending it counts: what a purse is made for. Amounts in billionths of a dollar, or tokens. */
export type Binding = {
  budget: Budget;
  meter: Meter;
  meterId: string;
  most: number;
  /** Who has the purse: `ana`, `run-7`; empty where all share it. */
  holder: string;
  /** Whether it counts what a run was let have beyond a limit, and nothing else: calls say that they were taken from it. */
  isExtra?: boolean;
};

const nano = (usd: number): number => Math.round(usd * 1e9);

/** Budgets that count a call. Pure. */
export const budgetsOf = (policies: Policies, subject: CallSubject): Budget[] =>
  budgetsIn(policies).filter((budget) => binds(meteredBy(budget), subject));

export const budgetsIn = (policies: Policies): Budget[] =>
  [...policies.values()].filter((policy): policy is Budget => policy.kind === "budget");

/** Limits that a call counts against. Pure. */
export const bindingsOf = (policies: Policies, subject: CallSubject): Binding[] =>
  budgetsOf(policies, subject).flatMap((budget) => limitsOf(budget, holderOf(budget.per ?? null, subject)));

/** Whether what a call cost counts against a limit, in the purse of its holder. Pure. */
export const counts = ({ meter, holder, isExtra }: Binding, subject: CallSubject): boolean =>
  isExtra === true || (binds(meter, subject) && holderOf(meter.per, subject) === holder);

const meteredBy = ({ id, scope, per }: Budget): Pick<Meter, "policy" | "scope" | "per"> => ({
  policy: id,
  scope: scope ?? null,
  per: per ?? null,
});

/** Limits of budgets that give nobody a purse of their own. Pure. */
export const sharedBindings = (policies: Policies): Binding[] =>
  budgetsIn(policies)
    .filter(({ id, scope, per }) => per === undefined && (scope !== undefined || id === "budget"))
    .flatMap((budget) => limitsOf(budget, ""));

/** Limits of budgets that give each a purse of their own, without a holder. Pure. */
export const ownBindings = (policies: Policies): Binding[] =>
  budgetsIn(policies)
    .filter(({ per }) => per !== undefined)
    .flatMap((budget) => limitsOf(budget, ""));

/** From when on calls count against a limit, ISO 8601 UTC. */
export function sinceOf(meter: Meter, atMs: number): string {
  const { calendar } = meter;
  return typeof calendar === "object" && "hours" in calendar
    ? new Date(atMs - calendar.hours * 3_600_000).toISOString()
    : windowOf(meter, atMs).startsAt;
}

/** Names are compared without their case, and may be patterns: whoever writes one otherwise is bound all the same. */
export function binds(
  { policy, scope, per }: Pick<Meter, "policy" | "scope" | "per">,
  subject: CallSubject,
): boolean {
  // What is part of no run has no purse of a run, and calls of tools none of a model.
  if ((per === "run" && subject.run === null) || (per === "model" && subject.model === null)) return false;
  if (scope === null || scope === undefined) return policy === "budget";
  const fits = (wanted: readonly string[] | undefined, values: readonly (string | null)[]): boolean =>
    wanted === undefined || values.some((value) => value !== null && isAmong(value, wanted));
  const { models } = scope;
  return (
    // A provider of models is a server too.
    fits(scope.servers, [subject.server, subject.provider]) &&
    fits(scope.people, [subject.actorName, subject.actorId]) &&
    fits(scope.agents, [subject.agent]) &&
    fits(scope.runs, [subject.run]) &&
    (models === undefined || (subject.model !== null && isAmong(subject.model, models)))
  );
}

const isAmong = (model: string, patterns: readonly string[]): boolean =>
  patterns.some(
    (pattern) => matchesModel(model, pattern) || matchesModel(foldedName(model), foldedName(pattern)),
  );

/** Whether a limit would count calls of a model in a purse, too, if they are like others that it counts there. Pure. */
export function countsModel({ scope, per }: Meter, holder: string, model: string): boolean {
  const models = scope?.models;
  const isInScope = models === undefined || isAmong(model, models);
  return isInScope && (per !== "model" || foldedName(model) === holder);
}

const holderFields: Record<Exclude<BudgetHolder, "person">, "server" | "model" | "agent" | "run"> = {
  server: "server",
  model: "model",
  agent: "agent",
  run: "run",
};

export function holderOf(per: BudgetHolder | null, subject: CallSubject): string {
  if (per === null) return "";
  // Two people may have one name.
  if (per === "person") return subject.actorId ?? subject.actorName ?? "—";
  // A provider of models is a server too.
  const named = per === "server" ? (subject.server ?? subject.provider) : subject[holderFields[per]];
  const name = foldedName(named ?? "—");
  // Two people may call their runs the same: what one of them spends is nothing of the other's.
  const whose = subject.actorId ?? subject.actorName;
  return per === "run" && whose !== null ? `${name}${runOwner}${whose}` : name;
}

/** Between the name of a run and whose it is; no name has it. */
export const runOwner = "\n";

/** Of rolling limits that look back equally far, the one that ends first. They have no order: each is named for its hours. */
function strictest(rolling: NonNullable<Budget["limits"]["rolling"]>): [hours: number, usd: number][] {
  const byHours = new Map<number, number>();
  for (const { hours, usd } of rolling) byHours.set(hours, Math.min(usd, byHours.get(hours) ?? usd));
  return [...byHours];
}

/** Limits of a budget, for a holder. Pure. */
export function limitsOf(budget: Budget, holder: string): Binding[] {
  const { limits } = budget;
  const binding = (
    limit: string,
    most: number,
    calendar: Meter["calendar"],
    unit: Meter["unit"] = "nano_usd",
  ): Binding => {
    const meter = { ...meteredBy(budget), limit, unit, calendar, timeZone: budget.time_zone };
    return { budget, meter, meterId: meterId(meter), most, holder };
  };
  const usd = [
    ["daily_usd", "day"],
    ["weekly_usd", "week"],
    ["monthly_usd", "month"],
    ["total_usd", "always"],
  ] as const;
  return [
    ...usd.flatMap(([limit, calendar]) => {
      const most = limits[limit];
      return most === undefined ? [] : [binding(limit, nano(most), calendar)];
    }),
    ...strictest(limits.rolling ?? []).map(([hours, most]) =>
      binding(`rolling.${hours}h`, nano(most), { hours }),
    ),
    ...(limits.monthly_tokens === undefined
      ? []
      : [binding("monthly_tokens", limits.monthly_tokens, "month", "tokens")]),
  ];
}

/** The stretch of time that a moment counts in. */
export function windowOf({ calendar, timeZone }: Meter, atMs: number): Window {
  if (calendar === "always") return always;
  if (typeof calendar === "string") return calendarWindow(calendar, atMs, timeZone);
  if ("from" in calendar) return stretchWindow(calendar);
  return { key: `rolling:${calendar.hours}`, startsAt: "", beginsAt: -Infinity, endsAt: Infinity };
}

/** The same for the same meter. Where it counts something else it is another one, and begins with what the ledger says. */
export const meterId = (meter: Meter): string => sha256(JSON.stringify(meter)).slice(0, 16);

/** The name of a purse: what is counted, in a window, for a holder. */
export const purseId = (meter: string, window: Window, holder: string): string =>
  `${meter} ${window.key} ${holder}`;

/** How much of a purse something takes. Pure. */
export const amountOf = ({ unit }: Meter, cost: Pick<Cost, "nanoUsd">, usage: ModelUsage | null): number =>
  unit === "tokens" ? (usage === null ? 0 : totalOf(usage.tokens)) : (cost.nanoUsd ?? 0);
