import { useSyncExternalStore } from "react";
import { recall, remember } from "./storage.ts";

export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const system = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

const chosen = (): Theme => themes.find((theme) => theme === recall("theme")) ?? "system";

function show(): void {
  const theme = chosen();
  document.documentElement.dataset["theme"] =
    theme === "system" ? (system.matches ? "dark" : "light") : theme;
  for (const listener of listeners) listener();
}

system.addEventListener("change", show);

export function chooseTheme(theme: Theme): void {
  remember("theme", theme === "system" ? null : theme);
  show();
}

export const useTheme = (): Theme =>
  useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, chosen);
