import { useLingui } from "@lingui/react/macro";
import { Info, RotateCw, TriangleAlert } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { describeProblem } from "../problems.ts";
import { Button } from "./button.tsx";
import { cx } from "./cx.ts";

/** Says that there is nothing, and what the first step is. */
export function Empty({
  title,
  children,
  action,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="flex flex-col items-start gap-2 rounded-lg border border-dashed border-line px-5 py-6">
      <p className="font-semibold">{title}</p>
      {children === undefined ? null : <div className="max-w-prose text-muted">{children}</div>}
      {action}
    </div>
  );
}

/** What went wrong, what to do, the problem's code, and each field or file it speaks of. */
export function Problem({
  error,
  onRetry,
  action,
  title: said,
}: {
  error: unknown;
  /** Says it better than the server can. */
  title?: string | undefined;
  onRetry?: (() => void) | undefined;
  action?: ReactNode;
}) {
  const { t } = useLingui();
  const { title, detail, code, fields, requestId } = describeProblem(error, t);
  return (
    <div role="alert" className="flex flex-col gap-2 rounded-lg border border-bad bg-bad-soft px-4 py-3">
      <p className="flex items-start gap-2 font-semibold text-bad">
        <TriangleAlert size={17} className="mt-0.5 shrink-0" aria-hidden />
        <span className="wrap-anywhere">{said ?? title}</span>
      </p>
      {detail === null ? null : <p className="wrap-anywhere">{detail}</p>}
      {fields.length === 0 ? null : (
        <ul className="flex flex-col gap-1">
          {fields.map(({ path, message }) => (
            <li key={`${path} ${message}`} className="wrap-anywhere">
              <code className="font-mono text-[0.93rem] font-semibold">{path}</code> <span>{message}</span>
            </li>
          ))}
        </ul>
      )}
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        {action}
        {onRetry === undefined ? null : (
          <Button small onClick={onRetry} icon={<RotateCw size={14} aria-hidden />}>
            {t`Try again`}
          </Button>
        )}
        {code === null ? null : <code className="font-mono text-[0.88rem] text-muted">{code}</code>}
        {requestId === null ? null : (
          <code className="font-mono text-[0.88rem] wrap-anywhere text-muted">{requestId}</code>
        )}
      </div>
    </div>
  );
}

/** A remark worth a frame. */
export function Note({ tone = "neutral", children }: { tone?: "neutral" | "warn"; children: ReactNode }) {
  const Icon = tone === "warn" ? TriangleAlert : Info;
  return (
    <div
      className={cx(
        "flex items-start gap-2 rounded-lg px-3 py-2",
        tone === "warn" ? "bg-warn-soft text-warn" : "bg-accent-soft text-text",
      )}
    >
      <Icon size={16} className="mt-0.5 shrink-0" aria-hidden />
      <div className="min-w-0 wrap-anywhere">{children}</div>
    </div>
  );
}

const skeletonDelayMs = 120;

/** Grey lines where rows will be, of their final height; shown only when the wait is noticeable. */
export function Skeleton({ rows = 3, height = 40 }: { rows?: number; height?: number }) {
  const { t } = useLingui();
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), skeletonDelayMs);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" aria-label={t`Loading`} className="flex flex-col gap-2">
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} style={{ height }} className={cx("rounded-md", isShown && "pulse bg-sunken")} />
      ))}
    </div>
  );
}
