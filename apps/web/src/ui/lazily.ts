import { type ComponentType, lazy } from "react";
import { recall, remember } from "../storage.ts";

const waitsMs = [300, 1000, 3000];
const longestWaitMs = 5000;

/**
 * A component that is loaded with its first use. While the console does not answer it is tried again;
 * when the console answers without it, the page reloads: a newer console was put in its place, or the browser
 * remembers that it did not load, and never asks for it again (Chromium 150).
 */
export const lazily = <Props>(load: () => Promise<ComponentType<Props>>) =>
  lazy(async () => ({ default: await persistently(load) }));

async function persistently<T>(load: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await load();
    } catch (error) {
      if (attempt >= waitsMs.length && (await answers())) reloadOnce(error);
      await new Promise((resolve) => setTimeout(resolve, waitsMs[attempt] ?? longestWaitMs));
    }
  }
}

const answers = (): Promise<boolean> =>
  fetch("/healthz", { cache: "no-store" }).then(
    ({ ok }) => ok,
    () => false,
  );

/** Throws when a page that has reloaded meets the same again: then it is no matter of age. */
function reloadOnce(error: unknown): void {
  const before = Number(recall("reloaded", "sessionStorage") ?? 0);
  if (Date.now() - before < 60_000) throw error;
  remember("reloaded", String(Date.now()), "sessionStorage");
  location.reload();
}
