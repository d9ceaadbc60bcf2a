import type { ReactNode } from "react";
import { icons, type Tone } from "./badge.tsx";
import { cx } from "./cx.ts";
import { Time } from "./time.tsx";

export type TimelineItem = {
  key: string;
  at: string;
  title: ReactNode;
  detail?: ReactNode;
  icon: keyof typeof icons;
  tone: Tone;
};

const tones: Record<Tone, string> = {
  ok: "text-ok bg-ok-soft",
  warn: "text-warn bg-warn-soft",
  bad: "text-bad bg-bad-soft",
  accent: "text-accent bg-accent-soft",
  neutral: "text-muted bg-sunken",
};

/** What happened, in order. */
export function Timeline({ items }: { items: readonly TimelineItem[] }) {
  return (
    <ol className="flex flex-col">
      {items.map((item) => {
        const Icon = icons[item.icon];
        return (
          <li key={item.key} className="group flex gap-3">
            <div className="flex flex-col items-center">
              <span className={cx("grid size-7 shrink-0 place-items-center rounded-full", tones[item.tone])}>
                <Icon size={14} aria-hidden />
              </span>
              <span className="w-px grow bg-line group-last:hidden" />
            </div>
            <div className="min-w-0 grow pb-4 group-last:pb-0">
              <div className="flex flex-wrap items-baseline justify-between gap-x-3 pt-0.5">
                <span className="min-w-0 wrap-anywhere">{item.title}</span>
                <span className="text-[0.93rem] text-muted">
                  <Time at={item.at} />
                </span>
              </div>
              {item.detail === undefined ? null : (
                <div className="mt-0.5 wrap-anywhere text-muted">{item.detail}</div>
              )}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
