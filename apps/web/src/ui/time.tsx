import { useLingui } from "@lingui/react/macro";
import { useSyncExternalStore } from "react";
import { relative } from "./relative.ts";

const tickMs = 30_000;
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

/** One clock for all times on the page; it stands still when there are none. */
function onTick(listener: () => void): () => void {
  now = Date.now();
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, tickMs);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** An instant as people say it, with the exact time on hover. `exact` writes that instead. */
export function Time({ at, exact = false }: { at: string; exact?: boolean }) {
  const { i18n } = useLingui();
  const clock = useSyncExternalStore(onTick, () => now);
  const date = new Date(at);
  const full = i18n.date(date, { dateStyle: "medium", timeStyle: "medium" });
  return (
    <time dateTime={at} title={full} className="whitespace-nowrap">
      {exact ? full : relative(date, new Date(clock), i18n.locale)}
    </time>
  );
}
