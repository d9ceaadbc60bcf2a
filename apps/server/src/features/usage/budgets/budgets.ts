import type { BudgetStanding, Locale, Text } from "@ciclo/contract";
import type { AuditedTransaction, Queries } from "../../../db/dialect.ts";
import type { Refusal } from "../../../errors.ts";
import { budgetFile } from "../../../domain/agent-budgets.ts";
import type { CallSubject, Cost, MeteredCall, Reservation, Reserve } from "../../../domain/usage.ts";
import { Tasks } from "../../../lib/background.ts";
import type { Logger } from "../../../lib/logger.ts";
import {
  amountOf,
  type Binding,
  binds,
  bindingsOf,
  type Budget,
  budgetsOf,
  counts,
  holderOf,
  type Meter,
  ownBindings,
  type Policies,
  sharedBindings,
  sinceOf,
} from "./bindings.ts";
import { CallRates } from "./call-rates.ts";
import { Pauses, type PausesDeps } from "./pauses.ts";
import { People } from "./people.ts";
import {
  refuseUncounted,
  refuseUnread,
  spentRefusal,
  tooMany,
  type Uncounted,
  unreadIn,
} from "./refusals.ts";
import { type Held, Purses, type PursesDeps, type Spent } from "./purses.ts";
import * as store from "./purse-store.ts";
import { Thresholds } from "./thresholds.ts";
import { mostHolders, standingsOf, unreadStandings } from "./standings.ts";

export type BudgetsDeps = PursesDeps &
  Pick<
    PausesDeps,
    "decidedAt" | "activeRoles" | "endRunTokens" | "accessChanged" | "hasPrice" | "mayUseModel" | "flush"
  > & {
    transaction: AuditedTransaction;
    logger: Logger;
    policies(): Policies;
    /** Ids of policies that are there but cannot be used. */
    unusable(): ReadonlySet<string>;
    /** Names of agents whose manifests are there but cannot be used: they may hold a budget. */
    unusableAgents(): ReadonlySet<string>;
    /** Who may raise the limits in a file, and how: the last sentence of a refusal. */
    mayRaise(file: string): Text;
  };

/** A row of the ledger that adds to what is spent, or takes its part away again. */
type Change = { call: MeteredCall; cost: Cost; sign: 1 | -1 };

/** Budgets of the configuration: refuse calls whose budget is spent, before they are made, and say when one comes near its limit. */
export class Budgets {
  readonly #deps: BudgetsDeps;
  readonly #purses: Purses;
  readonly #tasks: Tasks;
  #of: Policies | null = null;
  #binding = new Map<string, { limits: Binding[]; paced: Budget[] }>();
  #meters = "";
  #counted = new Map<string, Counted[]>();
  readonly #rates: CallRates;
  readonly #people: People;
  readonly #thresholds: Thresholds;
  /** Runs that used up a limit which asks. */
  readonly pauses: Pauses;

  constructor(deps: BudgetsDeps) {
    this.#deps = deps;
    this.#rates = new CallRates(deps.clock);
    this.#people = new People(deps.database.queries);
    this.#purses = new Purses(deps);
    this.pauses = new Pauses({ ...deps, policies: () => this.#policies() }, this.#purses);
    this.#tasks = new Tasks(deps.logger);
    this.#thresholds = new Thresholds({
      ...deps,
      tasks: this.#tasks,
      policies: () => this.#policies(),
      nameOf: (holder) => this.#people.nameOf(holder),
    });
  }

  /** Lets go of what this node had set aside before it was started. */
  begin(): Promise<void> {
    return this.#purses.begin();
  }

  /** Gives back what nobody uses, and has budgets that all share count, also where nobody asks before a call: logs are read later. */
  async tend(): Promise<void> {
    await this.#people.meet();
    await this.#purses.tend();
    await this.pauses.tend();
    await this.#open(sharedBindings(this.#policies()));
    // A limit that was lowered, or a budget that is new, may have been passed already.
    await this.#lookAtAll();
  }

  async #lookAtAll(): Promise<void> {
    const nowMs = this.#deps.clock().getTime();
    const limits = [...sharedBindings(this.#policies()), ...ownBindings(this.#policies())];
    const rows = await store.pursesOf(this.#deps.database.queries, [
      ...new Set(limits.map(({ meterId }) => meterId)),
    ]);
    for (const limit of limits) {
      const start = this.#purses.nameOf(limit, nowMs);
      for (const row of rows)
        if (row.id.startsWith(start.id)) {
          const holder = row.id.slice(start.id.length);
          this.#thresholds.look(
            { ...start, id: row.id, holder },
            store.purseIn(row, limit.meter, nowMs).spent,
          );
        }
    }
  }

  /** Where budgets stand now. */
  async standings(locale: Locale): Promise<BudgetStanding[]> {
    const { clock, mayRaise, database, unusable, unusableAgents } = this.#deps;
    await this.#people.meet();
    const now = clock();
    await this.#open(sharedBindings(this.#policies()));
    // Of limits that give each a purse, whoever made a call in the period has one.
    for (const limit of ownBindings(this.#policies())) {
      const from = sinceOf(limit.meter, now.getTime());
      const holders = await store.holdersSince(database.queries, { meter: limit.meter, from }, mostHolders);
      await this.#open(holders.map((holder) => ({ ...limit, holder })));
    }
    const standings = await standingsOf(database.queries, this.#policies(), {
      now,
      locale,
      mayRaise,
      nameOf: (holder) => this.#people.nameOf(holder),
      leaseOf: (id) => this.#purses.leaseOf(id),
    });
    return [...unreadStandings(unreadIn(unusable(), unusableAgents()), locale), ...standings];
  }

  /** Lets go of what is set aside, and waits for what is still to be recorded. */
  async stop(): Promise<void> {
    await this.#purses.begin();
    await this.#tasks.stop();
  }

  /** Counts a call against what is allowed by the minute, of each caller on its own. */
  pace(subject: CallSubject, times = 1): void {
    const purse = times === 1 ? "" : " protocol";
    for (const { id, limits } of this.#bindingOf(subject).paced) {
      const most = (limits.calls_per_minute ?? Infinity) * times;
      const wait = this.#rates.take(`${subject.actorId ?? subject.actorName} ${id}${purse}`, most);
      if (wait > 0) throw tooMany(id, most, wait);
    }
  }

  /**
   * Sets aside what a call may cost at most. Throws a `Refusal` (`budget_exceeded`) where a budget is spent that does not let
   * it through, or cannot be read. A call without a known price sets nothing aside: only a budget with nothing left refuses
   * it, one in dollars where `uncounted` says why it could not count the call, and one that refuses what is `unpriced`.
   */
  async reserve(subject: CallSubject, most: Parameters<Reserve>[1] & Uncounted): Promise<Reservation> {
    refuseUnread(this.#deps.unusable(), this.#deps.unusableAgents(), subject);
    if (!this.#people.hasMet) await this.#people.meet();
    const held: { binding: Binding; held: Held }[] = [];
    try {
      for (const binding of this.#bindingOf(subject).limits) {
        if (binding.budget.on_exceeded === "warn") {
          await this.#purses.open(binding);
          continue;
        }
        if (binding.meter.unit === "nano_usd") refuseUncounted(binding, most);
        const estimate = amountOf(binding.meter, most, most.usage);
        const taken = this.#purses.take(binding, estimate) ?? (await this.#purses.reserve(binding, estimate));
        held.push(
          "lease" in taken
            ? { binding, held: taken }
            : await this.#beyond(subject, taken, { estimate, canReroute: most.canReroute ?? false }),
        );
      }
    } catch (error) {
      for (const one of held) this.#purses.release(one.held);
      throw error;
    }
    let isOpen = true;
    return {
      beyond: held.flatMap(({ binding }) => (binding.isExtra === true ? [binding.meterId] : [])),
      settle: (paid) => {
        if (!isOpen) return;
        isOpen = false;
        for (const { binding, held: taken } of held) {
          const counted = paid.filter((one) => counts(binding, one.subject));
          this.#purses.settle(
            taken,
            counted.reduce((sum, { cost, usage }) => sum + amountOf(binding.meter, cost, usage), 0),
          );
        }
      },
    };
  }

  /**
   * Adds calls to what is spent, in the transaction that writes them: to all that is counted anywhere, also by nodes whose
   * configuration is newer. What it returns is to be called once that is committed.
   */
  async write(queries: Queries, changes: readonly Change[]): Promise<() => void> {
    if (changes.length === 0) return () => {};
    const meters = await store.meters(queries, this.#deps.database.kind);
    const sums = new Map<string, { name: store.PurseName; amount: number; own: number; atMs: number }>();
    this.#countBy(meters);
    for (const { call, cost, sign } of changes) {
      const extra = beyondOf(meters, call, sign);
      const own = this.#countedBy(meters, call.subject);
      if (own.length + extra.length === 0) continue;
      const atMs = Date.parse(call.at);
      for (const counted of extra.length === 0 ? own : [...own, ...extra]) {
        const amount = sign * amountOf(counted.meter, cost, call.usage);
        if (amount === 0) continue;
        const name = this.#purses.nameOf(counted, atMs);
        if (atMs < name.window.beginsAt || atMs >= name.window.endsAt) continue;
        const sum = sums.get(name.id) ?? { name, amount: 0, own: 0, atMs };
        sum.amount += amount;
        if (call.isReserved === true) sum.own += amount;
        sums.set(name.id, sum);
      }
    }
    const unopened = this.#unopened(changes);
    if (sums.size === 0 && unopened.length === 0) return () => {};
    const { moved, committed } = await this.#purses.write(queries, [...sums.values()]);
    return () => {
      committed();
      for (const { name, after } of moved) this.#thresholds.look(name, after);
      if (unopened.length > 0) void this.#tasks.run("opening budgets", () => this.#open(unopened));
    };
  }

  /** Purses of whoever calls past the console, and only reports it: nobody asks for those before a call. */
  #unopened(changes: readonly Change[]): Binding[] {
    const unopened = new Set<Binding>();
    for (const { call, sign } of changes) {
      if (sign === -1 || call.isReserved === true) continue;
      for (const limit of this.#bindingOf(call.subject).limits)
        if (limit.meter.per !== null && !this.#purses.isOpen(limit)) unopened.add(limit);
    }
    return [...unopened];
  }

  async #open(bindings: readonly Binding[]): Promise<void> {
    for (const binding of bindings) await this.#purses.open(binding);
  }

  /** What a run may have beyond a limit that is used up. Throws a `Refusal` where it may have nothing. */
  async #beyond(subject: CallSubject, stands: Spent, of: Parameters<Pauses["beyond"]>[2]) {
    const { budget, most } = stands.binding;
    // What is only set aside for calls under way is nothing to ask a person about.
    const asks = budget.on_exceeded === "ask" && subject.run !== null && stands.spent >= most;
    if (!asks) throw this.#refusal(stands);
    return await this.pauses.beyond(subject, stands, of);
  }

  /** Forgets what counted which calls, where something else is counted now. */
  #countBy(meters: readonly { id: string }[]): void {
    const known = meters.map(({ id }) => id).join(" ");
    if (known !== this.#meters) [this.#meters, this.#counted] = [known, new Map()];
  }

  /** What counts a call, of all that is counted. */
  #countedBy(meters: readonly { id: string; meter: string }[], subject: CallSubject): Counted[] {
    const key = subjectKey(subject);
    let counted = this.#counted.get(key);
    if (counted === undefined) {
      counted = meters.flatMap(({ id, meter: text }) => {
        const meter = JSON.parse(text) as Meter;
        return binds(meter, subject) ? [{ meter, meterId: id, holder: holderOf(meter.per, subject) }] : [];
      });
      if (this.#counted.size > mostKept) this.#counted.clear();
      this.#counted.set(key, counted);
    }
    return counted;
  }

  #policies(): Policies {
    return this.#people.resolved(this.#deps.policies());
  }

  /** What binds a call: limits of budgets, and budgets that pace their callers. */
  #bindingOf(subject: CallSubject): { limits: Binding[]; paced: Budget[] } {
    const policies = this.#policies();
    if (policies !== this.#of) [this.#of, this.#binding] = [policies, new Map()];
    const key = subjectKey(subject);
    let binding = this.#binding.get(key);
    if (binding === undefined) {
      const paced = budgetsOf(policies, subject).filter(
        ({ limits }) => limits.calls_per_minute !== undefined,
      );
      // Nobody is asked about a call that another limit refuses.
      const limits = bindingsOf(policies, subject).toSorted((a, b) => asks(a) - asks(b));
      binding = { limits, paced };
      if (this.#binding.size > mostKept) this.#binding.clear();
      this.#binding.set(key, binding);
    }
    return binding;
  }

  #refusal(stands: Spent): Refusal {
    const { budget, holder } = stands.binding;
    const raise = this.#deps.mayRaise(budgetFile(budget.id));
    return spentRefusal(stands, holder === "" ? null : this.#people.nameOf(holder), raise);
  }
}

type Counted = Pick<Binding, "meter" | "meterId" | "holder">;

const nothing: readonly Counted[] = [];

const asks = ({ budget }: Binding): number => (budget.on_exceeded === "ask" ? 1 : 0);

/** What a call was taken from that a run was let have. It stays spent, whatever is learned of the call later. */
const beyondOf = (
  meters: readonly { id: string; meter: string }[],
  { beyond = [] }: MeteredCall,
  sign: 1 | -1,
): readonly Counted[] =>
  sign === -1 || beyond.length === 0
    ? nothing
    : meters
        .filter(({ id }) => beyond.includes(id))
        .map(({ id, meter }) => ({ meter: JSON.parse(meter) as Meter, meterId: id, holder: "" }));

/** What budgets look at of a call. */
function subjectKey(subject: CallSubject): string {
  const known = subjectKeys.get(subject);
  if (known !== undefined) return known;
  const { server, provider, model, actorId, actorName, agent, run } = subject;
  const key = JSON.stringify([server, provider, model, actorId, actorName, agent, run]);
  subjectKeys.set(subject, key);
  return key;
}

/** Calls that are alike share their subject. */
const subjectKeys = new WeakMap<CallSubject, string>();

const mostKept = 20_000;
