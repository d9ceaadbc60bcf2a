import { type ComponentType, lazy } from "react";
import { recall, remember } from "../storage.ts";

const waitsMs = [300, 1000, 3000];
const longestWaitMs = 5000;

/**
 * A component that is loaded with its first use. While the console does not answer it is tried again;
 * when the console answers without it, a newer console was put in its place, and the page reloads.
 */
export const lazily = <Module, Props>(
  load: () => Promise<Module>,
  pick: (module: Module) => ComponentType<Props>,
) => lazy(async () => ({ default: pick(await persistently(load)) }));

async function persistently<Module>(load: () => Promise<Module>): Promise<Module> {
  let again = load;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await again();
    } catch (error) {
      if (attempt >= waitsMs.length && (await answers())) reloadOnce(error);
      await new Promise((resolve) => setTimeout(resolve, waitsMs[attempt] ?? longestWaitMs));
      const address = addressIn(error);
      // Some browsers remember an address that did not load, and never ask for it again (Chromium 150).
      if (address !== null)
        again = () => import(/* @vite-ignore */ `${address}?again=${attempt}`) as Promise<Module>;
    }
  }
}

/** The script that could not be loaded, which browsers name in the error; null where they do not. */
function addressIn(error: unknown): string | null {
  const said = error instanceof Error ? /https?:\/\/[^\s?]+\.js/.exec(error.message)?.[0] : undefined;
  return said?.startsWith(`${location.origin}/`) === true ? said : null;
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
