import { type PolicyFile, text } from "@ciclo/contract";
import { type Feature, noRoutes } from "../../domain/feature.ts";
import type { Purge } from "../../domain/retention.ts";
import type { ModelUsage } from "../../domain/tokens.ts";
import type { CallSubject, Cost } from "../../domain/usage.ts";
import { Worker } from "../../lib/background.ts";
import { Budgets, type BudgetsDeps, budgetsOf } from "./budgets.ts";
import { deleteEventsBefore } from "./ledger-store.ts";
import { Ledger, type LedgerDeps } from "./ledger.ts";
import { Prices } from "./prices.ts";

export type UsageService = {
  ledger: Ledger;
  budgets: Budgets;
  budgetsOf: typeof budgetsOf;
  /** Refuses a call of a model whose budget is spent, and sets aside what it may cost at most. */
  reserve(subject: CallSubject, most: ModelUsage): Promise<{ settle(cost: Cost): void }>;
  purge: Purge;
};

type UsageDeps = Omit<LedgerDeps, "prices"> &
  Omit<BudgetsDeps, "unwritten"> & {
    /** Policies of the live configuration. */
    policies(): ReadonlyMap<string, PolicyFile>;
  };

const readEveryMs = 15_000;

/** What calls use and cost, and the budgets that bind them. */
export function createUsage(deps: UsageDeps): Feature<UsageService> {
  const ledger = new Ledger({ ...deps, prices: latestPrices(deps.policies) });
  const budgets = new Budgets({ ...deps, unwritten: (period) => ledger.unwritten(period) });
  const reading = new Worker({
    name: text("reading what was spent", "a leitura dos gastos"),
    logger: deps.logger,
    everyMs: readEveryMs,
    pass: () => budgets.refresh(),
  });
  return {
    service: {
      ledger,
      budgets,
      budgetsOf,
      reserve: () => Promise.resolve({ settle: () => {} }),
      purge: (before, limit) => deleteEventsBefore(deps.queries, before, limit),
    },
    routes: noRoutes,
    workers: {
      troubles: () => [...ledger.troubles(), ...reading.troubles()],
      start: async () => void (await Promise.all([ledger.start(), reading.start()])),
      async stop() {
        await reading.stop();
        await budgets.stop();
        await ledger.stop();
      },
    },
  };
}

/** Prices of the policies as they are, made anew when those change. */
function latestPrices(policies: UsageDeps["policies"]): () => Prices {
  let of: ReadonlyMap<string, PolicyFile> | null = null;
  let prices = new Prices(new Map());
  return () => {
    const now = policies();
    if (now !== of) [of, prices] = [now, new Prices(now)];
    return prices;
  };
}
