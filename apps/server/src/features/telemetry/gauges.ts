import type { Meter, ObservableResult } from "@opentelemetry/api";
import type { BudgetStanding, Health, Locale } from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";
import type { WorkerTrouble } from "../../domain/feature.ts";
import type { Logger } from "../../lib/logger.ts";
import { processorSeconds, residentBytes } from "../../lib/own-process.ts";
import { changesByStatus, waitingSteps } from "./store.ts";

export type GaugesDeps = {
  queries: Queries;
  health(locale: Locale): Promise<Health>;
  standings(locale: Locale): Promise<BudgetStanding[]>;
  /** Workers whose latest pass failed. */
  troubles(): readonly WorkerTrouble[];
  logger: Logger;
};

const levels = { ok: 0, degraded: 1, down: 2 } as const;

/** Metrics of the console itself, looked at when somebody asks for them. */
export function consoleGauges(meter: Meter, deps: GaugesDeps): void {
  const gauge = (
    name: string,
    description: string,
    look: (result: ObservableResult) => Promise<void> | void,
    unit = "",
  ): void => {
    meter.createObservableGauge(name, { description, unit }).addCallback(async (result) => {
      try {
        await look(result);
      } catch (error) {
        // The others are told all the same; health says what does not answer.
        deps.logger.warn({ err: error, metric: name }, "a metric could not be looked at");
      }
    });
  };
  gauge("ciclo.health", "Checks of the console's health: 0 well, 1 degraded, 2 down", async (result) => {
    const { checks } = await deps.health("en");
    for (const { id, status } of checks) result.observe(levels[status], { check: id });
  });
  gauge("ciclo.changes", "Changes by where they stand", async (result) => {
    for (const { status, count } of await changesByStatus(deps.queries)) result.observe(count, { status });
  });
  gauge("ciclo.queue", "Steps of changes that are still to be done", async (result) => {
    result.observe(await waitingSteps(deps.queries));
  });
  gauge("ciclo.workers.failing", "Work in the background whose latest pass failed", (result) =>
    result.observe(deps.troubles().length),
  );
  budgetGauges(gauge, deps);
  gauge(
    "process.memory.usage",
    "Memory of the console's process",
    (result) => result.observe(residentBytes()),
    "By",
  );
  meter
    .createObservableCounter("process.cpu.time", {
      unit: "s",
      description: "CPU time of the console's process",
    })
    .addCallback((result) => {
      const { user, system } = processorSeconds();
      result.observe(user, { "cpu.mode": "user" });
      result.observe(system, { "cpu.mode": "system" });
    });
}

type AddGauge = (
  name: string,
  description: string,
  look: (result: ObservableResult) => Promise<void>,
) => void;

function budgetGauges(gauge: AddGauge, { standings }: GaugesDeps): void {
  const each = (name: string, description: string, value: (of: BudgetStanding) => number): void =>
    gauge(name, description, async (result) => {
      for (const standing of await standings("en")) {
        const { policy, limit, unit, holder } = standing;
        result.observe(value(standing), { policy, limit, unit, ...(holder === null ? {} : { holder }) });
      }
    });
  each("ciclo.budget.spent", "Spent of a budget in its present period", ({ spent }) => spent);
  each("ciclo.budget.reserved", "Set aside of a budget for calls under way", ({ reserved }) => reserved);
  each("ciclo.budget.limit", "The limit of a budget", ({ of }) => of);
}
