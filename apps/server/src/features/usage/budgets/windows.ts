/**
 * A stretch of time that a limit holds for. `key` names it; `beginsAt` and `endsAt` are in milliseconds since 1970, infinite where
 * it does not begin or end.
 */
export type Window = { key: string; startsAt: string; beginsAt: number; endsAt: number };

export type Calendar = "day" | "week" | "month";

/** The day, week (from Monday) or month that a moment falls in, in a time zone. As long as it is there, an hour more or less on some days. */
export function calendarWindow(unit: Calendar, atMs: number, timeZone: string): Window {
  const now = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone);
  const day = now.toPlainDate();
  const first =
    unit === "day" ? day : unit === "week" ? day.subtract({ days: day.dayOfWeek - 1 }) : day.with({ day: 1 });
  const next = first.add(unit === "day" ? { days: 1 } : unit === "week" ? { weeks: 1 } : { months: 1 });
  // Where a day begins without its midnight, it begins later.
  const [start, end] = [first.toZonedDateTime(timeZone), next.toZonedDateTime(timeZone)];
  return {
    key: `${unit}:${first.toString()}`,
    startsAt: new Date(start.epochMilliseconds).toISOString(),
    beginsAt: start.epochMilliseconds,
    endsAt: end.epochMilliseconds,
  };
}

/** All of time. */
export const always: Window = {
  key: "always",
  startsAt: "1970-01-01T00:00:00.000Z",
  beginsAt: -Infinity,
  endsAt: Infinity,
};

/** One stretch of time, ISO 8601 UTC. */
export type Stretch = { from: string; until: string };

export const stretchWindow = ({ from, until }: Stretch): Window => ({
  key: `from:${from}`,
  startsAt: from,
  beginsAt: Date.parse(from),
  endsAt: Date.parse(until),
});

/** Parts of a rolling window that are forgotten together, in hours: a part of a day is 5 minutes, of more an hour. */
export const slotMsOf = (hours: number): number => (hours <= 24 ? 300_000 : 3_600_000);

/** What was spent, by the slot that it was spent in. */
export type Slots = Record<string, number>;

/** The slots that still count, and their sum. */
export function rolled(slots: Slots, hours: number, nowMs: number): { slots: Slots; sum: number } {
  const slotMs = slotMsOf(hours);
  const oldest = Math.floor((nowMs - hours * 3_600_000) / slotMs) + 1;
  const kept = Object.entries(slots).filter(([slot]) => Number(slot) >= oldest);
  return { slots: Object.fromEntries(kept), sum: kept.reduce((sum, [, spent]) => sum + spent, 0) };
}
