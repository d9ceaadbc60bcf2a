import type { UsageBucket } from "@ciclo/contract";

/** A stretch of time, in milliseconds since 1970; `to` is no part of it. */
export type Range = { from: number; to: number };

const dayMs = 24 * 3_600_000;
const daysUnlessSaid = 30;

/** A day of a zone begins with its midnight; a moment is one wherever one is. */
function momentOf(said: string, tz: string, isEnd: boolean): number {
  if (said.includes("T")) return Date.parse(said);
  const day = Temporal.PlainDate.from(said);
  return (isEnd ? day.add({ days: 1 }) : day).toZonedDateTime(tz).epochMilliseconds;
}

/** The time that a report is of. Pure. */
export function rangeOf(
  { from, to, tz }: { from?: string | undefined; to?: string | undefined; tz: string },
  now: number,
): Range {
  const end = to === undefined ? now : momentOf(to, tz, true);
  const start = from === undefined ? end - daysUnlessSaid * dayMs : momentOf(from, tz, false);
  return { from: start, to: Math.max(start, end) };
}

/** As long a time, before. */
export const before = ({ from, to }: Range): Range => ({ from: from - (to - from), to: from });

/** Where buckets begin, of a zone: at most so many. Pure. */
export function bucketsOf({ from, to }: Range, bucket: UsageBucket, tz: string): number[] {
  const starts: number[] = [];
  let at = floorTo(Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(tz), bucket);
  while (at.epochMilliseconds < to && starts.length < mostBuckets) {
    starts.push(at.epochMilliseconds);
    const next = at.add({ [`${bucket}s`]: 1 });
    // A day after one that an hour was left out of begins at its midnight all the same.
    at = bucket === "hour" ? next : next.startOfDay();
  }
  return starts;
}

export const mostBuckets = 1000;

function floorTo(at: Temporal.ZonedDateTime, bucket: UsageBucket): Temporal.ZonedDateTime {
  if (bucket === "hour")
    return at.with({ minute: 0, second: 0, millisecond: 0, microsecond: 0, nanosecond: 0 });
  const day = at.startOfDay();
  if (bucket === "day") return day;
  return bucket === "week"
    ? day.subtract({ days: day.dayOfWeek - 1 }).startOfDay()
    : day.with({ day: 1 }).startOfDay();
}

/** A stretch in pieces: whole UTC days, whole hours, and less. */
export type Parts = { days: Range[]; hours: Range[]; calls: Range[] };

/** The parts of a stretch, each of the widest kind that fits. Pure. */
export function partsOf(range: Range): Parts {
  const hour = 3_600_000;
  const [firstHour, lastHour] = [Math.ceil(range.from / hour) * hour, Math.floor(range.to / hour) * hour];
  if (firstHour > lastHour) return { days: [], hours: [], calls: kept([range]) };
  const calls = kept([
    { from: range.from, to: firstHour },
    { from: lastHour, to: range.to },
  ]);
  const [firstDay, lastDay] = [Math.ceil(firstHour / dayMs) * dayMs, Math.floor(lastHour / dayMs) * dayMs];
  if (firstDay > lastDay) return { days: [], hours: kept([{ from: firstHour, to: lastHour }]), calls };
  return {
    days: kept([{ from: firstDay, to: lastDay }]),
    hours: kept([
      { from: firstHour, to: firstDay },
      { from: lastDay, to: lastHour },
    ]),
    calls,
  };
}

const kept = (ranges: readonly Range[]): Range[] => ranges.filter(({ from, to }) => to > from);
