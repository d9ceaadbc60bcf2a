const units = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
] as const;

/** How far a moment is from another, as people say it. Days are those of the reader's calendar: tomorrow is the next one. */
export function relative(at: Date, now: Date, locale: string): string {
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const seconds = (at.getTime() - now.getTime()) / 1000;
  const [unit, size] = units.find(([, each]) => Math.abs(seconds) >= each) ?? (["second", 1] as const);
  if (unit === "second") return format.format(0, "second");
  return format.format(unit === "day" ? daysBetween(now, at) : Math.round(seconds / size), unit);
}

/** A day that a clock is put forward in has 23 hours. */
const daysBetween = (from: Date, to: Date): number =>
  Math.round((midnightOf(to) - midnightOf(from)) / 86_400_000);

const midnightOf = (at: Date): number => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
