import { Dialog as Base } from "@base-ui/react/dialog";
import { useLingui } from "@lingui/react/macro";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { IconButton } from "./button.tsx";
import { cx } from "./cx.ts";

export type DialogProps = {
  open: boolean;
  onOpenChange(open: boolean): void;
  title: string;
  /** What it is about, read out with the title. */
  description?: ReactNode;
  children: ReactNode;
  /** Buttons, the one that does it last. */
  actions?: ReactNode;
  /** Stays until it is answered. */
  insistent?: boolean;
  wide?: boolean;
};

/** A modal: focus stays inside, Escape closes, and what was focused before gets focus back. */
export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  children,
  actions,
  insistent = false,
  wide = false,
}: DialogProps) {
  const { t } = useLingui();
  return (
    <Base.Root
      open={open}
      disablePointerDismissal={insistent}
      onOpenChange={(next) => {
        if (!insistent || next) onOpenChange(next);
      }}
    >
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-black/45 transition-opacity duration-100 data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Base.Viewport className="fixed inset-0 z-50 flex items-start justify-center overflow-y-auto p-4 sm:pt-[12vh]">
          <Base.Popup
            className={cx(
              "w-full rounded-xl border border-line bg-raised p-5 shadow-float outline-none transition-opacity duration-100 data-ending-style:opacity-0 data-starting-style:opacity-0",
              wide ? "max-w-3xl" : "max-w-lg",
            )}
          >
            <div className="flex items-start justify-between gap-3">
              <Base.Title className="text-[1.15rem]">{title}</Base.Title>
              {insistent ? null : (
                <Base.Close render={<IconButton label={t`Close`} className="-mt-1.5 -mr-2" />}>
                  <X size={18} aria-hidden />
                </Base.Close>
              )}
            </div>
            {description === undefined ? null : (
              <Base.Description render={<div />} className="mt-1 text-muted">
                {description}
              </Base.Description>
            )}
            <div className="mt-4 flex flex-col gap-4">{children}</div>
            {actions === undefined ? null : (
              <div className="mt-5 flex flex-wrap justify-end gap-2">{actions}</div>
            )}
          </Base.Popup>
        </Base.Viewport>
      </Base.Portal>
    </Base.Root>
  );
}
