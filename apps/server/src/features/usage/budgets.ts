import { type PolicyFile, type PolicyOf, policyOf, type Text, text } from "@ciclo/contract";
import type { Queries, AuditedTransaction } from "../../db/dialect.ts";
import { system } from "../../domain/actor.ts";
import { Tasks } from "../../lib/background.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import type { Logger } from "../../lib/logger.ts";
import { spendIn } from "./ledger-store.ts";
import type { BudgetRefusal, NanoUsd } from "../../domain/usage.ts";

type Budget = PolicyOf<"budget">;
type Policies = ReadonlyMap<string, PolicyFile>;

export type BudgetsDeps = {
  queries: Queries;
  transaction: AuditedTransaction;
  clock: Clock;
  logger: Logger;
  /** What calls cost in a period, by server, that is still to be written. In billionths of a dollar. */
  unwritten(period: string): ReadonlyMap<string, NanoUsd>;
};

/** Budgets that bind calls to a server: `policies/budget.yaml`, and those that name the server. Pure. */
export function budgetsOf(policies: Policies, server: string): Budget[] {
  const general = policyOf(policies, "budget");
  const named = [...policies.values()].filter(
    (policy): policy is Budget =>
      policy.kind === "budget" && (policy.scope?.servers?.includes(server) ?? false),
  );
  const isGeneral = general !== null && general.scope?.servers === undefined;
  return isGeneral ? [general, ...named.filter(({ id }) => id !== general.id)] : named;
}

const dayMs = 24 * 3_600_000;

/**
 * What was spent this UTC day and month, held against budgets. Counted here as calls end, and
 * read again from the database, where other nodes write too.
 */
export class Budgets {
  readonly #deps: BudgetsDeps;
  readonly #tasks: Tasks;
  /** By server. */
  #day = new Map<string, NanoUsd>();
  #month = new Map<string, NanoUsd>();
  #period = "";
  /** Whole UTC days since 1970 at the last look. */
  #days = 0;
  readonly #told = new Set<string>();

  constructor(deps: BudgetsDeps) {
    this.#deps = deps;
    this.#tasks = new Tasks(deps.logger);
  }

  /** Waits for what is still to be recorded. */
  stop(): Promise<void> {
    return this.#tasks.stop();
  }

  /** Reads what was spent from the database. */
  async refresh(): Promise<void> {
    const { queries, clock, unwritten } = this.#deps;
    const now = clock();
    const day = stamp(now).slice(0, 10);
    const month = day.slice(0, 7);
    const [daily, monthly] = await Promise.all([spendIn(queries, day), spendIn(queries, month)]);
    // What the database does not take counts all the same.
    this.#day = sum(daily, unwritten(day));
    this.#month = sum(monthly, unwritten(month));
    this.#period = day;
    this.#days = Math.floor(now.getTime() / dayMs);
  }

  /** Counts what a call cost. */
  add(server: string, usd: number): void {
    this.#turn();
    const cost = nanoUsd(usd);
    this.#day.set(server, (this.#day.get(server) ?? 0) + cost);
    this.#month.set(server, (this.#month.get(server) ?? 0) + cost);
  }

  /** The budget that is spent and does not let a call through; null when none is. Warns of those that only warn. */
  refusal(policies: Policies, server: string): BudgetRefusal | null {
    this.#turn();
    for (const budget of budgetsOf(policies, server)) {
      const spent = this.#exceeded(budget);
      if (spent === null) continue;
      this.#tell(budget, spent);
      if (budget.on_exceeded !== "warn") return { policy: budget.id, detail: refusalText(budget, spent) };
    }
    return null;
  }

  #exceeded({ scope, limits }: Budget): Spent | null {
    const within = (spend: ReadonlyMap<string, NanoUsd>): NanoUsd =>
      [...spend].reduce(
        (sum, [server, cost]) => sum + ((scope?.servers?.includes(server) ?? true) ? cost : 0),
        0,
      );
    const [day, month] = [within(this.#day), within(this.#month)];
    if (limits.daily_usd !== undefined && day >= nanoUsd(limits.daily_usd))
      return { limit: "daily_usd", usd: day / 1e9, of: limits.daily_usd };
    if (limits.monthly_usd !== undefined && month >= nanoUsd(limits.monthly_usd))
      return { limit: "monthly_usd", usd: month / 1e9, of: limits.monthly_usd };
    return null;
  }

  /** A new day, or month, begins with nothing spent. */
  #turn(): void {
    const days = Math.floor(this.#deps.clock().getTime() / dayMs);
    if (days === this.#days) return;
    this.#days = days;
    const today = stamp(this.#deps.clock()).slice(0, 10);
    if (today === this.#period) return;
    if (today.slice(0, 7) !== this.#period.slice(0, 7)) this.#month = new Map();
    this.#day = new Map();
    this.#period = today;
  }

  /** Once a period, in the audit log. */
  #tell({ id, on_exceeded }: Budget, { limit, usd, of }: Spent): void {
    const key = `${id} ${limit} ${limit === "daily_usd" ? this.#period : this.#period.slice(0, 7)} ${of}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    void this.#tasks.run("recording an exceeded budget", () =>
      this.#deps.transaction((_, record) =>
        record({
          actor: system,
          action: "budget.exceeded",
          resource: `policy:${id}`,
          status: on_exceeded === "warn" ? "succeeded" : "refused",
          metadata: { limit, spent_usd: usd, of_usd: of, on_exceeded },
        }),
      ),
    );
  }
}

function sum(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): Map<string, number> {
  const both = new Map(a);
  for (const [server, usd] of b) both.set(server, (both.get(server) ?? 0) + usd);
  return both;
}

const nanoUsd = (usd: number): NanoUsd => Math.round(usd * 1e9);

type Spent = { limit: "daily_usd" | "monthly_usd"; usd: number; of: number };

function refusalText({ id, on_exceeded }: Budget, { limit, usd, of }: Spent): Text {
  const [spent, where] = [usd.toFixed(2), `policies/${id}.yaml, limits.${limit}`];
  const next =
    on_exceeded === "ask"
      ? text("Ask for a change of the policy to go on", "Peça uma alteração da política para continuar")
      : text("Calls go on when the period ends", "As chamadas voltam no fim do período");
  return text(
    `${where}: ${spent} of ${of} USD are spent. ${next.en}`,
    `${where}: ${spent} de ${of} USD foram gastos. ${next["pt-BR"]}`,
  );
}
