import { text } from "@ciclo/contract";
import { type Feature, noRoutes } from "../../domain/feature.ts";
import { Worker } from "../../lib/background.ts";
import { Budgets, type BudgetsDeps, budgetsOf } from "./budgets.ts";
import type { Purge } from "../../domain/retention.ts";
import * as store from "./store.ts";
import { type RecorderDeps, UsageRecorder } from "./recorder.ts";

export type UsageService = {
  recorder: UsageRecorder;
  budgets: Budgets;
  budgetsOf: typeof budgetsOf;
  purge: Purge;
};

const readEveryMs = 15_000;

/** What calls use and cost, and the budgets that bind them. */
export function createUsage(deps: RecorderDeps & Omit<BudgetsDeps, "unwritten">): Feature<UsageService> {
  const recorder = new UsageRecorder(deps);
  const budgets = new Budgets({ ...deps, unwritten: (period) => recorder.unwritten(period) });
  const reading = new Worker({
    name: text("reading what was spent", "a leitura dos gastos"),
    logger: deps.logger,
    everyMs: readEveryMs,
    pass: () => budgets.refresh(),
  });
  return {
    service: {
      recorder,
      budgets,
      budgetsOf,
      purge: (before, limit) => store.deleteEventsBefore(deps.queries, before, limit),
    },
    routes: noRoutes,
    workers: {
      troubles: () => [...recorder.troubles(), ...reading.troubles()],
      start: async () => void (await Promise.all([recorder.start(), reading.start()])),
      async stop() {
        await reading.stop();
        await budgets.stop();
        await recorder.stop();
      },
    },
  };
}
