import { type UsageBucket, type UsageGroup, usageGroups, type UsageQuery } from "@ciclo/contract";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../../api.ts";
import type { CostsSearch, Period } from "./search.ts";

/** Costs change while people look: reports are asked for again after this. In milliseconds. */
const againMs = 30_000;

export const reportQuery = (query: UsageQuery) =>
  queryOptions({
    queryKey: ["usage", "report", query],
    queryFn: () => call("getUsage", { query }),
    placeholderData: keepPreviousData,
    refetchInterval: againMs,
  });

export const budgetsQuery = queryOptions({
  queryKey: ["usage", "budgets"],
  queryFn: async () => (await call("listBudgets")).items,
  refetchInterval: againMs,
});

export const pausesQuery = queryOptions({
  queryKey: ["usage", "pauses"],
  queryFn: async () => (await call("listRunPauses")).items,
  refetchInterval: againMs,
});

const pad = (value: number): string => String(value).padStart(2, "0");
/** A day of the browser's own zone. */
const dayOf = (date: Date): string =>
  `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;

/** The first and the last day of a period, in the browser's own zone. */
export function daysOf(period: Period, today = new Date()): { from: string; to: string } {
  const at = (month: number, day: number): string => dayOf(new Date(today.getFullYear(), month, day));
  const [month, day] = [today.getMonth(), today.getDate()];
  switch (period) {
    case "today":
      return { from: at(month, day), to: at(month, day) };
    case "7d":
      return { from: at(month, day - 6), to: at(month, day) };
    case "30d":
      return { from: at(month, day - 29), to: at(month, day) };
    case "90d":
      return { from: at(month, day - 89), to: at(month, day) };
    case "month":
      return { from: at(month, 1), to: at(month, day) };
    case "last_month":
      return { from: at(month - 1, 1), to: at(month, 0) };
    case "year":
      return { from: at(month - 12, day + 1), to: at(month, day) };
  }
}

const dayMs = 24 * 3_600_000;

function bucketFor(from: string, to: string): UsageBucket {
  const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1;
  return days <= 2 ? "hour" : days <= 92 ? "day" : days <= 400 ? "week" : "month";
}

export const defaults = { period: "30d", by: "model" } as const satisfies { period: Period; by: UsageGroup };

/** The report that an address asks for. */
export function usageQueryOf(search: CostsSearch): UsageQuery {
  const days = daysOf(search.period ?? defaults.period);
  const [from, to] = [search.from ?? days.from, search.to ?? days.to];
  const narrowed = Object.fromEntries(
    usageGroups.flatMap((group) => (search[group] === undefined ? [] : [[group, search[group]]])),
  );
  return {
    ...narrowed,
    group_by: search.by ?? defaults.by,
    from,
    to,
    tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
    bucket: bucketFor(from, to),
  };
}
