import type { HandshakeStep } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { Check, Loader2, X } from "lucide-react";
import { stepLabels } from "./labels.tsx";

/** A handshake step by step, as far as it has got. Read out as it goes on. */
export function Handshake({ steps, label }: { steps: readonly HandshakeStep[]; label: string }) {
  const { t, i18n } = useLingui();
  return (
    <ol aria-label={label} aria-live="polite" className="flex flex-col gap-1.5">
      {steps.map(({ step, status, ms, detail }) => (
        <li key={step} className="flex items-start gap-2">
          <StepIcon status={status} />
          <span className="min-w-0">
            <span className="font-medium">{i18n._(stepLabels[step])}</span>
            {ms === null ? null : <span className="text-muted tabular-nums"> {t`${ms} ms`}</span>}
            {detail === "" ? null : (
              <span
                className={
                  status === "failed" ? "block wrap-anywhere text-bad" : "block wrap-anywhere text-muted"
                }
              >
                {detail}
              </span>
            )}
          </span>
        </li>
      ))}
    </ol>
  );
}

function StepIcon({ status }: { status: HandshakeStep["status"] }) {
  const { t } = useLingui();
  const look = {
    running: { Icon: Loader2, className: "animate-spin text-accent", said: t`under way` },
    ok: { Icon: Check, className: "text-ok", said: t`passed` },
    failed: { Icon: X, className: "text-bad", said: t`failed` },
  }[status];
  return (
    <>
      <look.Icon size={17} aria-hidden className={`mt-0.5 shrink-0 ${look.className}`} />
      <span className="sr-only">{look.said}</span>
    </>
  );
}
