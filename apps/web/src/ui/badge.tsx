import { Ban, Check, Circle, Clock, Loader, type LucideIcon, TriangleAlert, Undo2, X } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "./cx.ts";

export type Tone = "ok" | "warn" | "bad" | "accent" | "neutral";

const tones: Record<Tone, string> = {
  ok: "bg-ok-soft text-ok",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  accent: "bg-accent-soft text-accent",
  neutral: "bg-sunken text-muted",
};

export const icons = {
  done: Check,
  failed: X,
  waiting: Clock,
  running: Loader,
  stopped: Ban,
  undone: Undo2,
  warning: TriangleAlert,
  idle: Circle,
} satisfies Record<string, LucideIcon>;

/** A state as colour, icon and word. */
export function Badge({
  tone = "neutral",
  icon,
  children,
}: {
  tone?: Tone;
  icon?: keyof typeof icons;
  children: ReactNode;
}) {
  const Icon = icon === undefined ? null : icons[icon];
  return (
    <span
      className={cx(
        "inline-flex h-6 w-fit items-center gap-1 rounded-full px-2 text-[0.9rem] font-medium whitespace-nowrap",
        tones[tone],
      )}
    >
      {Icon === null ? null : <Icon size={13} strokeWidth={2.4} aria-hidden />}
      {children}
    </span>
  );
}
