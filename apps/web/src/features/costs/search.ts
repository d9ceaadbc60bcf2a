import { type UsageGroup, usageGroups } from "@ciclo/contract";
import { oneOf, present, textOf } from "../../search.ts";

export const periods = ["today", "7d", "30d", "90d", "month", "last_month", "year"] as const;
export type Period = (typeof periods)[number];

/** What of the costs is shown: a period, how it is grouped, and names that it is narrowed down to. */
export type CostsSearch = {
  period?: Period;
  /** Days, in place of a period: `2026-11-01`. */
  from?: string;
  to?: string;
  by?: UsageGroup;
} & Partial<Record<UsageGroup, string>>;

const dayOf = (raw: Record<string, unknown>, name: string): string | undefined => {
  const day = textOf(raw, name);
  return day !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(Date.parse(day))
    ? day
    : undefined;
};

export const costsSearch = (raw: Record<string, unknown>): CostsSearch =>
  present({
    period: oneOf(raw, "period", periods),
    from: dayOf(raw, "from"),
    to: dayOf(raw, "to"),
    by: oneOf(raw, "by", usageGroups),
    ...Object.fromEntries(usageGroups.map((group) => [group, textOf(raw, group)])),
  });
