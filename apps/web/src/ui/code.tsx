import { useLingui } from "@lingui/react/macro";
import { Check, Copy as CopyIcon } from "lucide-react";
import { useEffect, useState } from "react";
import { Button, IconButton } from "./button.tsx";
import { cx } from "./cx.ts";
import { ScrollRegion } from "./scroll-region.tsx";

const shownMs = 2000;

/** Puts a text on the clipboard, and says so for two seconds. */
function useCopy(value: string): { state: "idle" | "copied" | "failed"; copy(): void } {
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  useEffect(() => {
    if (state === "idle") return undefined;
    const timer = setTimeout(() => setState("idle"), shownMs);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = (): void => {
    // Absent where the page came over plain HTTP from another machine.
    const written = navigator.clipboard?.writeText(value) ?? Promise.reject(new Error("no clipboard"));
    written.then(
      () => setState("copied"),
      () => setState("failed"),
    );
  };
  return { state, copy };
}

export function Copy({ value, label, icon = false }: { value: string; label?: string; icon?: boolean }) {
  const { t } = useLingui();
  const { state, copy } = useCopy(value);
  const said = { idle: label ?? t`Copy`, copied: t`Copied`, failed: t`Select it and copy by hand` }[state];
  const Icon = state === "copied" ? Check : CopyIcon;
  return (
    <>
      {icon ? (
        <IconButton label={said} onClick={copy} className="-my-1 size-6">
          <Icon size={14} aria-hidden />
        </IconButton>
      ) : (
        <Button small onClick={copy} icon={<Icon size={14} aria-hidden />}>
          {said}
        </Button>
      )}
      <span role="status" className="sr-only">
        {state === "idle" ? "" : said}
      </span>
    </>
  );
}

/** An identifier as it is written, shortened in the middle of nothing: it wraps. */
export const Mono = ({ children, className }: { children: string; className?: string }) => (
  <code className={cx("font-mono text-[0.93rem] wrap-anywhere", className)}>{children}</code>
);

/** A commit: its first eight characters, the whole to copy. */
export function Commit({ sha }: { sha: string }) {
  const { t } = useLingui();
  return (
    <span className="inline-flex items-center gap-0.5">
      <code className="font-mono text-[0.93rem]" title={sha}>
        {sha.slice(0, 8)}
      </code>
      <Copy value={sha} label={t`Copy commit id`} icon />
    </span>
  );
}

/** A block of text as it is, to read and copy. */
export function Code({ label, children, copy = true }: { label: string; children: string; copy?: boolean }) {
  return (
    <div className="relative rounded-lg border border-line bg-sunken">
      <ScrollRegion label={label} className="max-h-96 overflow-auto p-3 pr-24">
        <pre className="font-mono text-[0.93rem] whitespace-pre-wrap wrap-anywhere">{children}</pre>
      </ScrollRegion>
      {copy ? (
        <div className="absolute top-2 right-2">
          <Copy value={children} />
        </div>
      ) : null}
    </div>
  );
}
