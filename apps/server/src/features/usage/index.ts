import { join } from "node:path";
import {
  type AgentFile,
  type BudgetStanding,
  type Locale,
  type PauseDecision,
  type PolicyFile,
  type RunPause,
  text,
} from "@ciclo/contract";
import { type Feature, noRoutes } from "../../domain/feature.ts";
import type { Actor } from "../../domain/actor.ts";
import { withAgentBudgets } from "../../domain/agent-budgets.ts";
import type { Purge } from "../../domain/retention.ts";
import { type ModelUsage, tokenUsage } from "../../domain/tokens.ts";
import type { CallSubject, NanoUsd, Pace, Reserve } from "../../domain/usage.ts";
import { nodeName } from "../../lib/node-name.ts";
import { Worker } from "../../lib/background.ts";
import { CallJournal } from "./call-journal.ts";
import type { Policies } from "./budgets/bindings.ts";
import { Budgets, type BudgetsDeps } from "./budgets/budgets.ts";
import { tierUnpriced } from "./budgets/refusals.ts";
import { deleteEventsBefore } from "./purge-store.ts";
import { Ledger, type LedgerDeps, type RepriceAsked, type Repriced } from "./ledger.ts";
import { Prices } from "./prices.ts";

export type UsageService = {
  /** What this node is called, after a restart too. */
  node: string;
  ledger: Ledger;
  budgets: Budgets;
  pace: Pace;
  reserve: Reserve;
  /** What usage costs now; null where no price is known. */
  priceOf(subject: CallSubject, usage: ModelUsage): NanoUsd | null;
  /** Gives calls the prices that hold now, with an entry in the audit log; see `Ledger.reprice`. */
  reprice(of: RepriceAsked, actor: Actor): Promise<Repriced>;
  /** Where budgets stand now. */
  standings(locale: Locale): Promise<BudgetStanding[]>;
  /** Runs that used up a budget which asks. */
  pauses(actor: Actor): Promise<RunPause[]>;
  /** Decides on one; see `Pauses.decide`. */
  decide(actor: Actor, id: string, decision: PauseDecision): Promise<RunPause>;
  purge: Purge;
};

type UsageDeps = Omit<LedgerDeps, "prices" | "spend" | "journal"> &
  Omit<BudgetsDeps, "node" | "hasPrice" | "flush"> & {
    queries: Parameters<typeof deleteEventsBefore>[0];
    home: string;
    /** Manifests of the live configuration: they may hold budgets. */
    agents(): ReadonlyMap<string, AgentFile>;
  };

const oneToken = tokenUsage({ input: 1, output: 1 });
const tendEveryMs = 10_000;

/** What calls use and cost, and the budgets that bind them. */
export function createUsage(deps: UsageDeps): Feature<UsageService> {
  const prices = latestPrices(deps.policies);
  const node = nodeName(deps.home);
  const budgets = new Budgets({
    ...deps,
    node,
    policies: withBudgetsOfAgents(deps),
    hasPrice: (provider, model) =>
      prices().price({ provider, model, at: deps.clock(), usage: oneToken }).nanoUsd !== null,
    flush: () => ledger.flush(),
  });
  const ledger = new Ledger({
    ...deps,
    journal: new CallJournal(join(deps.home, "calls"), deps.logger),
    prices,
    spend: (queries, changes) => budgets.write(queries, changes),
  });
  const tending = new Worker({
    name: text("tending budgets", "o cuidado com os orçamentos"),
    logger: deps.logger,
    everyMs: tendEveryMs,
    pass: () => budgets.tend(),
  });
  return {
    service: {
      node,
      ledger,
      budgets,
      pace: (subject, times) => budgets.pace(subject, times),
      reserve: reserving(budgets, prices, deps),
      priceOf: ({ provider, model }, usage) =>
        prices().price({ provider, model, at: deps.clock(), usage }).nanoUsd,
      reprice: (of, actor) => ledger.reprice(of, actor, deps.transaction),
      standings: (locale) => budgets.standings(locale),
      async pauses(actor) {
        await ledger.flush();
        return await budgets.pauses.list(actor);
      },
      async decide(actor, id, decision) {
        await ledger.flush();
        return await budgets.pauses.decide(actor, id, decision);
      },
      async purge(before, limit) {
        const deleted = await deleteEventsBefore(deps.queries, before, limit);
        ledger.purged(before);
        return deleted;
      },
    },
    routes: noRoutes,
    workers: {
      troubles: () => [...ledger.troubles(), ...tending.troubles()],
      async start() {
        await budgets.begin();
        await Promise.all([ledger.start(), tending.start()]);
      },
      async stop() {
        await tending.stop();
        await ledger.stop();
        await budgets.stop();
      },
    },
  };
}

/** Sets aside what a call may cost, at the prices that hold now. */
function reserving(budgets: Budgets, prices: () => Prices, { clock }: Pick<UsageDeps, "clock">): Reserve {
  return (subject, most) => {
    const { provider, model } = subject;
    const { usage } = most;
    if (most.nanoUsd !== null || usage === null) return budgets.reserve(subject, most);
    const priceOf = (tier: string | null) =>
      prices().price({ provider, model, at: clock(), usage: { ...usage, tier } }).nanoUsd;
    const { tier } = usage;
    const nanoUsd = priceOf(tier);
    const isUncounted = nanoUsd === null && tier !== null && priceOf(null) !== null;
    const uncounted = isUncounted ? tierUnpriced(model ?? "", tier) : null;
    const unpriced = nanoUsd === null ? (model ?? "") : null;
    return budgets.reserve(subject, { ...most, nanoUsd, uncounted, unpriced });
  };
}

/** The policies of the live configuration, with the budgets of its agents: one object while neither changes. */
function withBudgetsOfAgents({ policies, agents }: UsageDeps): () => Policies {
  let of: { policies: Policies; agents: ReadonlyMap<string, AgentFile> } | null = null;
  let all: Policies = new Map();
  return () => {
    const now = { policies: policies(), agents: agents() };
    if (of?.policies !== now.policies || of.agents !== now.agents)
      [of, all] = [now, withAgentBudgets(now.policies, now.agents)];
    return all;
  };
}

/** The prices of the live configuration. They are read again when its policies change. */
function latestPrices(policies: UsageDeps["policies"]): () => Prices {
  let of: ReadonlyMap<string, PolicyFile> | null = null;
  let prices = new Prices(new Map());
  return () => {
    const now = policies();
    if (now !== of) [of, prices] = [now, new Prices(now)];
    return prices;
  };
}
