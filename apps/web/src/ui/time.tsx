import { useLingui } from "@lingui/react/macro";
import { useSyncExternalStore } from "react";

const tickMs = 30_000;
let now = Date.now();

/** One clock for all times on the page. */
function onTick(listener: () => void): () => void {
  now = Date.now();
  const timer = setInterval(() => {
    now = Date.now();
    listener();
  }, tickMs);
  return () => clearInterval(timer);
}

const units = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
] as const;

function relative(seconds: number, locale: string): string {
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const [unit, size] = units.find(([, each]) => Math.abs(seconds) >= each) ?? (["second", 1] as const);
  return unit === "second" ? format.format(0, "second") : format.format(Math.round(seconds / size), unit);
}

/** An instant as people say it, with the exact time on hover. `exact` writes that instead. */
export function Time({ at, exact = false }: { at: string; exact?: boolean }) {
  const { i18n } = useLingui();
  const clock = useSyncExternalStore(onTick, () => now);
  const date = new Date(at);
  const full = i18n.date(date, { dateStyle: "medium", timeStyle: "medium" });
  return (
    <time dateTime={at} title={full} className="whitespace-nowrap">
      {exact ? full : relative((date.getTime() - clock) / 1000, i18n.locale)}
    </time>
  );
}
