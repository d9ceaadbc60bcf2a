import { setTimeout } from "node:timers/promises";
import { text } from "@ciclo/contract";
import type { AuditedTransaction, Database, Queries } from "../../db/dialect.ts";
import { isDatabaseUnavailable } from "../../db/unavailable.ts";
import type { Actor } from "../../domain/actor.ts";
import type { WorkerTrouble } from "../../domain/feature.ts";
import type { Cost, MeteredCall, ToolCall } from "../../domain/usage.ts";
import { Worker } from "../../lib/background.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import type { Logger } from "../../lib/logger.ts";
import type { CallJournal } from "./call-journal.ts";
import type { Entry } from "./entry.ts";
import { meteredTool, storableCall } from "./metered.ts";
import { callerOf, lastId, pricedBetween } from "./ledger-store.ts";
import { purgedBefore } from "./purge-store.ts";
import type { Prices } from "./prices.ts";
import { type Change, KnownSubjects, writeCosts, writeEntries, type Written } from "./write-entries.ts";

export type LedgerDeps = {
  database: Pick<Database, "kind" | "queries" | "transaction">;
  clock: Clock;
  logger: Logger;
  /** Keeps calls that are not in the database yet. */
  journal: Pick<CallJournal, "leftBehind" | "forgetLeft" | "begin" | "end" | "written" | "close">;
  /** As the live configuration has them. */
  prices(): Prices;
  /** Adds calls to what budgets count, in the transaction that writes them. What it returns is called once that is committed. */
  spend(queries: Queries, changes: readonly Change[]): Promise<() => void>;
};

/** What is written together with calls; `tooOld` is how many were left out. */
export type Also = (queries: Queries, tooOld: number) => Promise<void>;
export type RepriceAsked = { from: string; to: string; only: "unpriced" | "all"; isDryRun: boolean };

/** How many calls have another price now, and what they cost together before and after. */
export type Repriced = { calls: number; nanoBefore: number; nanoAfter: number };
export type Taken = Written & { tooOld: number };

const nothingElse = (): Promise<void> => Promise.resolve();

/** Clocks may be so far ahead. */
const aheadMs = 24 * 3_600_000;
const flushMs = 250;
/** Kept while the database does not take them; the oldest are dropped beyond it, and counted. */
const maxKept = 50_000;
/** Of what others report, more than this is written before they are answered. */
const mostWaiting = 10_000;
const atOnce = 10_000;
const repricedAtOnce = 1000;

/**
 * Every call of a tool or model, once, with its price. Calls that the console itself sees are written together, a moment
 * after they ended: none of them waits for the disk. What a power cut takes is the last quarter of a second.
 */
export class Ledger {
  readonly #deps: LedgerDeps;
  readonly #writing: Worker;
  readonly #recovery: Worker;
  /** What is not written yet, the oldest first. Entries leave it once they are. */
  #entries: Entry[] = [];
  readonly #subjects = new KnownSubjects();
  /** Calls from before this time are deleted, as this node knew last. */
  #purgedBefore = "";
  readonly #listeners = new Set<(call: MeteredCall, cost: Cost) => void>();

  constructor(deps: LedgerDeps) {
    this.#deps = deps;
    this.#recovery = new Worker({
      name: text("taking up calls of an earlier process", "a retomada de chamadas de um processo anterior"),
      logger: deps.logger,
      retry: { firstMs: 1000, longestMs: 30_000 },
      pass: () => this.#recover(),
    });
    this.#writing = new Worker({
      name: text("recording usage", "o registro de uso"),
      logger: deps.logger,
      retry: { firstMs: 1000, longestMs: 5000 },
      pass: () => this.#write(),
    });
  }

  troubles(): WorkerTrouble[] {
    return [...this.#recovery.troubles(), ...this.#writing.troubles()];
  }

  /** Has each call that this process records told to a listener, which must not throw. Returns what ends that. */
  listen(listener: (call: MeteredCall, cost: Cost) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Takes up what an earlier process left, and writes from then on. */
  async start(): Promise<void> {
    this.#purgedBefore = await purgedBefore(this.#deps.database.queries);
    await this.#recovery.start();
    await this.#writing.start();
  }

  /** Calls from before a time are deleted: what is reported of it from now on is left out. */
  purged(before: string): void {
    if (before > this.#purgedBefore) this.#purgedBefore = before;
  }

  /** Writes what is still there. */
  async stop(): Promise<void> {
    await this.#recovery.stop();
    await this.#writing.stop();
    await this.#write();
    this.#deps.journal.close();
  }

  /** A call is about to be made, which may cost something. Once this resolves it will be known, whatever becomes of this process. */
  begin(call: MeteredCall): Promise<void> {
    return this.#deps.journal.begin(storableCall(call));
  }

  /** Records a call that has just ended; it is written within a quarter of a second. Returns what it cost. */
  record(call: MeteredCall): Cost {
    const entry = this.#priced(call);
    void this.#deps.journal.end(entry.call, entry.cost);
    this.#entries.push(entry);
    for (const listener of this.#listeners) listener(entry.call, entry.cost);
    this.#writing.wakeWithin(flushMs);
    return entry.cost;
  }

  /** The same of a request through the gateway. */
  recordTool(call: ToolCall): Cost {
    return this.record(meteredTool(call, stamp(this.#deps.clock())));
  }

  /**
   * Takes calls that others report, to be written with the next ones: whoever reports them waits for no database. Once this
   * resolves they will be known, whatever becomes of this process. Where many wait already, so does who brings more.
   */
  async report(calls: readonly MeteredCall[]): Promise<{ tooOld: number }> {
    if (this.#entries.length + calls.length > mostWaiting) return await this.take(calls);
    const kept = calls.filter(this.#isOfItsTime());
    const safe = kept.map((call) => {
      const entry = this.#priced(call);
      this.#entries.push(entry);
      return this.#deps.journal.end(entry.call, entry.cost);
    });
    this.#writing.wake();
    await Promise.all(safe);
    return { tooOld: calls.length - kept.length };
  }

  /** Whether calls are neither from a time whose calls are deleted, as far as is known, nor from more than a day ahead. */
  #isOfItsTime(): (call: MeteredCall) => boolean {
    // What is reported from the future would count in no window, or in all of them.
    const latest = stamp(new Date(this.#deps.clock().getTime() + aheadMs));
    return ({ at }) => at >= this.#purgedBefore && at <= latest;
  }

  /**
   * Writes calls that others report, with `also` in the same transaction. Those from a time whose calls have been deleted
   * already are left out, since they may have been counted before; and those from more than a day ahead.
   */
  async take(calls: readonly MeteredCall[], also: Also = nothingElse): Promise<Taken> {
    const entries = calls.map((call) => this.#priced(call));
    let tooOld = 0;
    const written = await this.#insert(
      async (queries) => {
        const kept = await this.#ofTheirTime(queries, entries);
        tooOld = entries.length - kept.length;
        return kept;
      },
      (queries) => also(queries, tooOld),
    );
    return { ...written, tooOld };
  }

  /**
   * Who made the call of the model endpoint that has a name, and its tokens; null where there is none. Another node may have answered it a
   * moment ago, and not have written it yet.
   */
  async callerOf(name: string): Promise<{ actorId: string | null; tokens: number } | null> {
    await this.flush();
    const found = await callerOf(this.#deps.database, name);
    if (found !== undefined) return found;
    await setTimeout(2 * flushMs);
    return (await callerOf(this.#deps.database, name)) ?? null;
  }

  /**
   * Gives calls of a time the prices that hold now, so many in one transaction, each with its entry in the audit log; or, with
   * `isDryRun`, says what that would change. A call that has a price keeps it where there is none now.
   */
  async reprice(of: RepriceAsked, actor: Actor, transaction: AuditedTransaction): Promise<Repriced> {
    await this.flush();
    const all: Repriced = { calls: 0, nanoBefore: 0, nanoAfter: 0 };
    // New rows have higher ids: what is written here is not read again.
    const last = await lastId(this.#deps.database.queries);
    for (let after = 0, isLast = false; !isLast;) {
      const { done, spent, at } = await transaction(async (queries, record) => {
        const entries = await pricedBetween(queries, { ...of, after, upTo: last }, repricedAtOnce);
        const priced = entries
          .map((before) => ({ before, cost: this.#repriced(before) }))
          .filter(({ before, cost }) => cost.nanoUsd !== null && cost.nanoUsd !== before.cost.nanoUsd);
        const sum = (of: (one: (typeof priced)[number]) => number | null): number =>
          priced.reduce((total, one) => total + (of(one) ?? 0), 0);
        const changed: Repriced = {
          calls: priced.length,
          nanoBefore: sum(({ before }) => before.cost.nanoUsd),
          nanoAfter: sum(({ cost }) => cost.nanoUsd),
        };
        const end = { done: changed, spent: (): void => {}, at: entries.at(-1)?.id ?? null };
        if (of.isDryRun || priced.length === 0) return end;
        const writing = this.#writingTo(queries);
        end.spent = await this.#deps.spend(queries, await writeCosts(writing, priced));
        await record(repricedEntry(actor, of, changed));
        return end;
      });
      spent();
      all.calls += done.calls;
      all.nanoBefore += done.nanoBefore;
      all.nanoAfter += done.nanoAfter;
      isLast = at === null;
      after = at ?? after;
    }
    return all;
  }

  #repriced({ call, cost }: Entry): Cost {
    return this.#priceOf({ ...call, cost: null, isEstimate: cost.source === "estimated" });
  }

  /** Writes what is there now. */
  flush(): Promise<void> {
    return this.#writing.run();
  }

  async #ofTheirTime(queries: Queries, entries: readonly Entry[]): Promise<Entry[]> {
    this.#purgedBefore = await purgedBefore(queries);
    const isOfItsTime = this.#isOfItsTime();
    return entries.filter(({ call }) => isOfItsTime(call));
  }

  #priced(call: MeteredCall): Entry {
    return { call: storableCall(call), cost: this.#costOf(call) };
  }

  #costOf(call: MeteredCall): Cost {
    if (call.cost === null) return this.#priceOf(call);
    if (call.cost.source !== "provider" || call.usage === null) return call.cost;
    // A price that the team has set holds, whatever a provider says.
    const price = this.#priceOf(call);
    return price.source === "override" ? price : call.cost;
  }

  #priceOf({ subject: { provider, model }, usage, isEstimate, at }: MeteredCall): Cost {
    if (usage === null) return { nanoUsd: null, source: "unknown", version: null };
    const prices = this.#deps.prices();
    const priceOf = (name: string | null) => prices.price({ provider, model: name, at: new Date(at), usage });
    const answered = priceOf(usage.model ?? model);
    const price = answered.nanoUsd === null && usage.model !== null ? priceOf(model) : answered;
    return price.nanoUsd === null || isEstimate !== true ? price : { ...price, source: "estimated" };
  }

  async #write(): Promise<void> {
    const { logger } = this.#deps;
    const entries = this.#entries.slice(0, atOnce);
    if (entries.length === 0) return;
    try {
      await this.#insert((queries) => this.#ofTheirTime(queries, entries));
      this.#written(entries.length);
    } catch (error) {
      if (!isDatabaseUnavailable(error)) return this.#setAside(entries, error);
      const dropped = Math.max(0, this.#entries.length - maxKept);
      // They stay in the journal, and are taken up at the next start.
      this.#entries = this.#entries.slice(dropped);
      if (dropped > 0)
        logger.error({ dropped }, "calls wait for the next start: the database does not take them");
      throw error;
    }
    if (this.#entries.length > 0) await this.#write();
  }

  #writingTo(queries: Queries): Parameters<typeof writeEntries>[0] {
    return {
      queries,
      kind: this.#deps.database.kind,
      subjects: this.#subjects,
      price: (call) => this.#priceOf(call),
    };
  }

  async #insert(
    choose: (queries: Queries) => Promise<readonly Entry[]>,
    also: (queries: Queries) => Promise<void> = nothingElse,
  ): Promise<Written> {
    const { database } = this.#deps;
    const {
      committed,
      changes: _,
      ...written
    } = await database.transaction(async (queries) => {
      const entries = await choose(queries);
      const result = await writeEntries(this.#writingTo(queries), entries);
      const spent = await this.#deps.spend(queries, result.changes);
      const { committed: kept } = result;
      result.committed = () => {
        kept();
        spent();
      };
      await also(queries);
      return result;
    });
    committed();
    return written;
  }

  /** Writes one by one what is refused together, so that one that no database takes keeps no other from it. */
  async #setAside(entries: readonly Entry[], cause: unknown): Promise<void> {
    for (const entry of entries) {
      try {
        await this.#insert(() => Promise.resolve([entry]));
      } catch (error) {
        if (isDatabaseUnavailable(error)) throw error;
        this.#deps.logger.error({ err: cause }, "a usage event was dropped: the database refuses it");
      }
      this.#written(1);
    }
  }

  /** Calls that ended are written as they are; of those that did not nobody knows what they used. */
  async #recover(): Promise<void> {
    const { journal } = this.#deps;
    const left = journal.leftBehind();
    const ended = left.map(({ call, cost }): Entry => {
      if (cost !== null) return { call, cost };
      const broken = {
        status: "error" as const,
        usage: null,
        error: "the console was stopped during the call",
      };
      return { call: { ...call, ...broken }, cost: { nanoUsd: null, source: "unknown", version: null } };
    });
    for (let from = 0; from < ended.length; from += atOnce)
      await this.#insert(() => Promise.resolve(ended.slice(from, from + atOnce)));
    journal.forgetLeft();
  }

  #written(count: number): void {
    this.#deps.journal.written(this.#entries.slice(0, count).map(({ call }) => call.key));
    this.#entries = this.#entries.slice(count);
  }
}

const repricedEntry = (actor: Actor, { from, to, only }: RepriceAsked, changed: Repriced) => ({
  actor,
  action: "usage.repriced" as const,
  resource: "usage",
  status: "succeeded" as const,
  metadata: {
    from,
    to,
    only,
    calls: changed.calls,
    usd_before: changed.nanoBefore / 1e9,
    usd_after: changed.nanoAfter / 1e9,
  },
});
