import type { Locale, BudgetStanding, Text } from "@ciclo/contract";
import type { Queries } from "../../../db/dialect.ts";
import { budgetField, budgetFile } from "../../../domain/agent-budgets.ts";
import { type Binding, budgetsIn, limitsOf, type Policies, purseId, windowOf } from "./bindings.ts";
import { unreadText } from "./refusals.ts";
import { hoursOf, purseIn, pursesOf } from "./purse-store.ts";

/** How many purses to list of a budget that gives each person their own; those that spent most come first. */
export const mostHolders = 50;

type Seen = {
  now: Date;
  locale: Locale;
  mayRaise(file: string): Text;
  nameOf(holder: string): string;
  leaseOf(id: string): { amount: number; underWay: number };
};

/** Budgets that are there but cannot be read: nothing is let through that they may forbid. */
export const unreadStandings = (ids: readonly string[], locale: Locale): BudgetStanding[] =>
  ids.map((id) => ({
    policy: id,
    title: budgetFile(id),
    file: budgetFile(id),
    field: "",
    limit: "",
    unit: "usd",
    per: null,
    holder: null,
    spent: 0,
    reserved: 0,
    of: 0,
    state: "unreadable",
    on_exceeded: "block",
    resets_at: null,
    rolling_hours: null,
    raise: unreadText(id)[locale],
  }));

/**
 * Where all limits of the configuration stand in their present periods, what is nearest to its limit first. A limit that
 * gives each a purse of their own has one for whoever made a call in the period.
 */
export async function standingsOf(
  queries: Queries,
  policies: Policies,
  { now, locale, mayRaise, nameOf, leaseOf }: Seen,
): Promise<BudgetStanding[]> {
  const limits = budgetsIn(policies)
    .filter(({ id, scope }) => scope !== undefined || id === "budget")
    .flatMap((budget) => limitsOf(budget, ""));
  const rows = await pursesOf(queries, [...new Set(limits.map(({ meterId }) => meterId))]);
  const standings = limits.flatMap((limit) => {
    const window = windowOf(limit.meter, now.getTime());
    const start = purseId(limit.meterId, window, "");
    const found = rows
      .filter(({ id }) => id.startsWith(start))
      .map((row) => ({
        holder: row.id.slice(start.length),
        // What this node has taken in advance for calls to come is not set aside for any.
        reserved: row.reserved - leaseOf(row.id).amount + leaseOf(row.id).underWay,
        spent: purseIn(row, limit.meter, now.getTime()).spent,
      }))
      .toSorted((a, b) => b.spent - a.spent)
      .slice(0, mostHolders);
    const isShared = limit.meter.per === null;
    const purses = isShared && found.length === 0 ? [{ holder: "", spent: 0, reserved: 0 }] : found;
    const raise = mayRaise(budgetFile(limit.budget.id))[locale];
    return purses.map((purse) =>
      standing(limit, { ...purse, holder: nameOf(purse.holder) }, window.endsAt, raise),
    );
  });
  return standings.toSorted((a, b) => b.spent / b.of - a.spent / a.of);
}

function standing(
  { budget, meter, most }: Binding,
  { holder, spent, reserved }: { holder: string; spent: number; reserved: number },
  endsAt: number,
  raise: string,
): BudgetStanding {
  const unit = meter.unit === "tokens" ? 1 : 1e9;
  const firstAlert = Math.min(1, ...(budget.alert_at ?? []));
  return {
    policy: budget.id,
    title: budget.title,
    file: budgetFile(budget.id),
    field: budgetField(budget.id, meter.limit),
    limit: meter.limit,
    unit: meter.unit === "tokens" ? "tokens" : "usd",
    per: meter.per,
    holder: meter.per === null ? null : holder,
    spent: spent / unit,
    reserved: reserved / unit,
    of: most / unit,
    state: spent >= most ? "exceeded" : spent >= firstAlert * most ? "alert" : "within",
    on_exceeded: budget.on_exceeded,
    resets_at: Number.isFinite(endsAt) ? new Date(endsAt).toISOString() : null,
    rolling_hours: hoursOf(meter),
    raise,
  };
}
