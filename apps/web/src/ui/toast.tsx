import { type ReactNode, Suspense, useState, createContext, useContext, useMemo } from "react";
import { lazily } from "./lazily.ts";

export type Toast = { title: string; description?: string | undefined };
type Say = (title: string, description?: string) => void;

const Saying = createContext<Say>(() => {});

/** Says what has been done, in a corner and to screen readers. Problems stay where they arose instead. */
export const useToast = (): Say => useContext(Saying);

// Loaded with the first thing there is to say.
const ToastList = lazily(async () => (await import("./toast-list.tsx")).ToastList);

export function Toasts({ children }: { children: ReactNode }) {
  const [said, setSaid] = useState<readonly Toast[]>([]);
  const say = useMemo<Say>(
    () => (title, description) => setSaid((before) => [...before, { title, description }]),
    [],
  );
  return (
    <Saying value={say}>
      {children}
      {said.length === 0 ? null : (
        <Suspense>
          <ToastList said={said} />
        </Suspense>
      )}
    </Saying>
  );
}
