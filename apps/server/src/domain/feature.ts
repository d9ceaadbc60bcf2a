import type { Text } from "@ciclo/contract";
import type { Mount } from "./mount.ts";

/** What keeps a worker from its work: the error of the latest pass, and how many failed in a row. */
export type WorkerTrouble = { name: Text; failures: number; error: unknown };

/** What a feature does by itself: it starts when the console serves, and stops with it. */
export type BackgroundWork = {
  /** Resolves when the first pass has ended, well or not. */
  start(): Promise<void>;
  /** Resolves when nothing of it goes on. */
  stop(): Promise<void>;
  /** Workers whose latest pass failed. */
  troubles(): readonly WorkerTrouble[];
};

/** What a feature answers over HTTP: endpoints of the contract, and plain ones for machines that speak a form of their own. */
export type Routes = (mount: Mount, plain: PlainRoutes) => void;

export type PlainRoutes = {
  /** Below the API's own root. */
  post(path: string, handler: (request: Request) => Promise<Response>): void;
  /** Anywhere. `address` is whose connection it is. */
  get(path: string, handler: (request: Request, address: string) => Promise<Response>): void;
};

/** What each feature's `index.ts` makes. */
export type Feature<S> = { service: S; routes: Routes; workers: BackgroundWork };

export const noRoutes: Routes = () => {};
export const noWorkers: BackgroundWork = {
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  troubles: () => [],
};

/** All of them as one: started together, stopped one after the other, the last first. */
export function together(features: readonly { workers: BackgroundWork }[]): BackgroundWork {
  return {
    start: async () => void (await Promise.all(features.map(({ workers }) => workers.start()))),
    async stop() {
      const failures: unknown[] = [];
      for (const { workers } of features.toReversed()) {
        // One that cannot end well must not keep the others from it.
        await workers.stop().catch((error: unknown) => failures.push(error));
      }
      if (failures.length > 0) throw new AggregateError(failures, "not everything stopped well");
    },
    troubles: () => features.flatMap(({ workers }) => workers.troubles()),
  };
}
