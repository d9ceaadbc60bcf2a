import { posix } from "node:path";
import type { BudgetHolder, PolicyFile, PolicyOf } from "@ciclo/contract";
import { type ModelUsage, totalOf } from "../../../domain/tokens.ts";
import type { CallSubject, Cost } from "../../../domain/usage.ts";
import { sha256 } from "../../../lib/crypto.ts";
import { always, type Calendar, calendarWindow, type Window } from "./windows.ts";

export type Budget = PolicyOf<"budget">;
export type Policies = ReadonlyMap<string, PolicyFile>;

/** A limit of a budget, and whose spending it counts: what a purse is made for. Amounts in billionths of a dollar, or tokens. */
export type Binding = {
  budget: Budget;
  /** The field of `limits`: `daily_usd`, `rolling.0`. */
  limit: string;
  unit: "nano_usd" | "tokens";
  most: number;
  /** Who has the purse: `ana`, `run-7`; empty where all share it. */
  holder: string;
  calendar: Calendar | "always" | { hours: number };
};

const nano = (usd: number): number => Math.round(usd * 1e9);

/** Budgets that bind calls to a server, for what is asked of each caller by the minute. Pure. */
export function budgetsOf(policies: Policies, server: string): Budget[] {
  const general = generalOf(policies);
  const named = budgetsIn(policies).filter(({ scope }) => scope?.servers?.includes(server) ?? false);
  return general === null ? named : [general, ...named.filter(({ id }) => id !== general.id)];
}

const budgetsIn = (policies: Policies): Budget[] =>
  [...policies.values()].filter((policy): policy is Budget => policy.kind === "budget");

/** The budget that binds all calls. */
function generalOf(policies: Policies): Budget | null {
  const policy = policies.get("budget");
  return policy?.kind === "budget" && policy.scope === undefined ? policy : null;
}

/** Limits that a call counts against. Pure. */
export function bindingsOf(policies: Policies, subject: CallSubject): Binding[] {
  return budgetsIn(policies)
    .filter((budget) => binds(budget, subject))
    .flatMap((budget) => limitsOf(budget, holderOf(budget.per, subject)));
}

/** Limits of budgets that give nobody a purse of their own. Pure. */
export const sharedBindings = (policies: Policies): Binding[] =>
  budgetsIn(policies)
    .filter(({ id, scope, per }) => per === undefined && (scope !== undefined || id === "budget"))
    .flatMap((budget) => limitsOf(budget, ""));

export function binds({ id, scope }: Budget, subject: CallSubject): boolean {
  if (scope === undefined) return id === "budget";
  const fits = (wanted: readonly string[] | undefined, values: readonly (string | null)[]): boolean =>
    wanted === undefined || values.some((value) => value !== null && wanted.includes(value));
  const { models } = scope;
  return (
    fits(scope.servers, [subject.server]) &&
    fits(scope.people, [subject.actorName, subject.actorId]) &&
    fits(scope.agents, [subject.agent]) &&
    fits(scope.runs, [subject.run]) &&
    (models === undefined ||
      (subject.model !== null && models.some((form) => matches(subject.model ?? "", form))))
  );
}

const matches = (name: string, form: string): boolean =>
  form === "*" || form === name || posix.matchesGlob(name, form);

const holderFields: Record<BudgetHolder, "server" | "model" | "actorName" | "agent" | "run"> = {
  server: "server",
  model: "model",
  person: "actorName",
  agent: "agent",
  run: "run",
};

const holderOf = (per: BudgetHolder | undefined, subject: CallSubject): string =>
  per === undefined ? "" : (subject[holderFields[per]] ?? "—");

function limitsOf(budget: Budget, holder: string): Binding[] {
  const { limits } = budget;
  const usd = [
    ["daily_usd", "day"],
    ["weekly_usd", "week"],
    ["monthly_usd", "month"],
    ["total_usd", "always"],
  ] as const;
  const own = { budget, holder };
  return [
    ...usd.flatMap(([limit, calendar]) => {
      const most = limits[limit];
      return most === undefined
        ? []
        : [{ ...own, limit, unit: "nano_usd" as const, most: nano(most), calendar }];
    }),
    ...(limits.rolling ?? []).map(({ hours, usd: most }, index) => ({
      ...own,
      limit: `rolling.${index}`,
      unit: "nano_usd" as const,
      most: nano(most),
      calendar: { hours },
    })),
    ...(limits.monthly_tokens === undefined
      ? []
      : [
          {
            ...own,
            limit: "monthly_tokens",
            unit: "tokens" as const,
            most: limits.monthly_tokens,
            calendar: "month" as const,
          },
        ]),
  ];
}

/** The stretch of time that a moment counts in. */
export function windowOf({ calendar, budget }: Binding, atMs: number): Window {
  if (calendar === "always") return always;
  if (typeof calendar === "string") return calendarWindow(calendar, atMs, budget.time_zone);
  return { key: `rolling:${calendar.hours}`, startsAt: "", endsAt: Infinity };
}

/**
 * The name of a purse: a limit of a budget as it counts now, for a holder and a window. What is counted changes with scope,
 * holder and zone: the purse is another one then, and begins with what the ledger says.
 */
export function purseId(binding: Binding, window: Window): string {
  const { budget, limit, holder } = binding;
  const counted = sha256(JSON.stringify([budget.scope ?? null, budget.per ?? null, budget.time_zone])).slice(
    0,
    12,
  );
  return `${budget.id} ${limit} ${counted} ${window.key} ${holder}`;
}

/** How much of a purse something takes. Pure. */
export const amountOf = ({ unit }: Binding, cost: Pick<Cost, "nanoUsd">, usage: ModelUsage | null): number =>
  unit === "tokens" ? (usage === null ? 0 : totalOf(usage.tokens)) : (cost.nanoUsd ?? 0);
