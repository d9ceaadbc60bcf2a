import { Toast as Base } from "@base-ui/react/toast";
import { useLingui } from "@lingui/react/macro";
import { X } from "lucide-react";
import { useEffect, useRef } from "react";
import { IconButton } from "./button.tsx";
import type { Toast } from "./toast.tsx";

const shownMs = 6000;

/** Shows what was said, each for six seconds, at most three at a time. */
export const ToastList = ({ said }: { said: readonly Toast[] }) => (
  <Base.Provider limit={3} timeout={shownMs}>
    <Base.Portal>
      <Base.Viewport className="fixed top-16 right-4 z-60 flex w-[min(24rem,calc(100vw-2rem))] flex-col gap-2">
        <List said={said} />
      </Base.Viewport>
    </Base.Portal>
  </Base.Provider>
);

function List({ said }: { said: readonly Toast[] }) {
  const { toasts, add } = Base.useToastManager();
  const { t } = useLingui();
  const shown = useRef(0);
  useEffect(() => {
    for (const { title, description } of said.slice(shown.current)) add({ title, description });
    shown.current = said.length;
  }, [said, add]);
  return toasts.map((toast) => (
    <Base.Root
      key={toast.id}
      toast={toast}
      className="rounded-lg border border-line bg-raised shadow-float transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0"
    >
      <Base.Content className="flex items-start gap-2 p-3">
        <div className="min-w-0 grow wrap-anywhere">
          <Base.Title className="font-semibold" />
          <Base.Description className="text-muted" />
        </div>
        <Base.Close render={<IconButton label={t`Dismiss`} className="-m-1.5" />}>
          <X size={16} aria-hidden />
        </Base.Close>
      </Base.Content>
    </Base.Root>
  ));
}
