import type { Database, Queries } from "../../../db/dialect.ts";
import { KeyedMutex } from "../../../lib/keyed-mutex.ts";
import { type Clock, stamp } from "../../../lib/clock.ts";
import type { Binding } from "./bindings.ts";
import { purseId, windowOf } from "./bindings.ts";
import * as store from "./purse-store.ts";
import type { Window } from "./windows.ts";

export type PursesDeps = {
  database: Pick<Database, "kind" | "queries" | "transaction">;
  clock: Clock;
  /** This node, as it is called after a restart too. */
  node: string;
};

/** What this node may spend of a purse without asking the database. */
type Lease = {
  name: store.PurseName;
  /** Set aside for this node in the database. */
  amount: number;
  /** Of that: for calls under way, and spent but not written yet. */
  underWay: number;
  unwritten: number;
  /** How much of it was set aside beyond the limit, for the last call that was let through: nobody else may have that. */
  over: number;
  /** The limit that it was set aside under. */
  most: number;
};

/** Something of a purse, for one call. */
export type Held = { lease: Lease; estimate: number };

/** The purse that does not let a call through, as it stands. */
export type Spent = { binding: Binding; window: Window; spent: number; reserved: number };

/** Nodes that say nothing for so long are dead, and what they set aside is free again. In milliseconds. */
const leaseMs = 60_000;
/** A node sets aside an eighth of what is left; near the limit no more than one call. */
const share = 8;
const nearCalls = 16;

/**
 * What budgets still have. Before a call, what it may cost at most is set aside in the database, for several calls together
 * while the limit is far away. So nodes and parallel calls cannot spend the same money, and no call waits for the disk
 * but near the limit.
 */
export class Purses {
  readonly #deps: PursesDeps;
  readonly #leases = new Map<string, Lease>();
  readonly #windows = new Map<string, Window>();
  readonly #turns = new KeyedMutex();
  readonly #opened = new Set<string>();

  constructor(deps: PursesDeps) {
    this.#deps = deps;
  }

  /** The purse of a limit at a moment. */
  nameOf(
    { meter, meterId, holder }: Pick<Binding, "meter" | "meterId" | "holder">,
    atMs: number,
  ): store.PurseName {
    const { calendar, timeZone } = meter;
    const key = `${typeof calendar === "string" ? calendar : JSON.stringify(calendar)} ${timeZone}`;
    let window = this.#windows.get(key);
    if (window === undefined || atMs >= window.endsAt || atMs < window.beginsAt) {
      window = windowOf(meter, atMs);
      if (this.#windows.size > mostWindows) this.#windows.clear();
      this.#windows.set(key, window);
    }
    return { id: purseId(meterId, window, holder), meter, meterId, holder, window };
  }

  /** Takes from what this node has set aside already; null where there is not enough. */
  take(binding: Binding, estimate: number): Held | null {
    const lease = this.#leases.get(this.nameOf(binding, this.#now()).id);
    // The limit has changed: ask again.
    if (lease === undefined || lease.most !== binding.most) return null;
    if (freeOf(lease) - lease.over < Math.max(1, estimate)) return null;
    lease.underWay += estimate;
    return { lease, estimate };
  }

  /** Sets aside in the database what a call may cost at most. Returns how the purse stands where nothing is left. */
  async reserve(binding: Binding, estimate: number): Promise<Held | Spent> {
    const name = this.nameOf(binding, this.#now());
    return await this.#turns.run(name.id, async () => {
      const { database, node } = this.#deps;
      const ready = this.take(binding, estimate);
      if (ready !== null) return ready;
      const nowMs = this.#now();
      const result = await database.transaction(async (queries) => {
        const purse = await store.openPurse(queries, database.kind, name, nowMs);
        // What this node has spent and not written yet is in its lease, which is in what is reserved.
        const room = binding.most - purse.spent - purse.reserved;
        const own = this.#leases.get(name.id);
        const free = own === undefined ? 0 : freeOf(own);
        // A call is let through while anything is left: it may go over the limit by no more than itself.
        if (room + free <= 0) return { purse, amount: null };
        const isNear = room < nearCalls * estimate;
        const amount = Math.max(Math.max(1, estimate) - free, isNear ? 0 : Math.floor(room / share));
        if (amount === 0) return { purse, amount };
        const until = stamp(new Date(nowMs + leaseMs));
        await store.lease(queries, { purse: name.id, node, amount, until });
        return { purse, amount };
      });
      if (result.amount === null) {
        const { spent, reserved } = result.purse;
        const unwritten = this.#leases.get(name.id)?.unwritten ?? 0;
        return { binding, window: name.window, spent: spent + unwritten, reserved: reserved - unwritten };
      }
      let lease = this.#leases.get(name.id);
      if (lease === undefined) {
        lease = { name, amount: 0, underWay: 0, unwritten: 0, over: 0, most: binding.most };
        this.#leases.set(name.id, lease);
      }
      lease.amount += result.amount;
      lease.most = binding.most;
      lease.over = Math.max(0, result.purse.spent + result.purse.reserved + result.amount - binding.most);
      lease.underWay += estimate;
      return { lease, estimate };
    });
  }

  isOpen(binding: Binding): boolean {
    return this.#opened.has(this.nameOf(binding, this.#now()).id);
  }

  /** What of a purse this node has taken, and how much of that is for calls under way. */
  leaseOf(id: string): { amount: number; underWay: number } {
    const { amount = 0, underWay = 0 } = this.#leases.get(id) ?? {};
    return { amount, underWay };
  }

  /** Has a purse count from now on, where none does yet: one that only warns is asked for by nobody. */
  async open(binding: Binding): Promise<void> {
    const nowMs = this.#now();
    const name = this.nameOf(binding, nowMs);
    if (this.#opened.has(name.id)) return;
    const { database } = this.#deps;
    await database.transaction((queries) => store.openPurse(queries, database.kind, name, nowMs));
    if (this.#opened.size > mostOpened) this.#opened.clear();
    this.#opened.add(name.id);
  }

  /** A call has ended: what it cost stays taken until it is written, the rest is free for others. */
  settle({ lease, estimate }: Held, cost: number): void {
    lease.underWay -= estimate;
    lease.unwritten += cost;
  }

  /** Nothing came of a call. */
  release(held: Held): void {
    this.settle(held, 0);
  }

  /**
   * Adds what calls cost to the purses that are there, in the transaction that writes the calls. `own` is the part that this
   * node had set aside. Returns what is to be done once that is committed, and where purses stand now.
   */
  async write(
    queries: Queries,
    sums: readonly { name: store.PurseName; amount: number; own: number; atMs: number }[],
  ): Promise<{ moved: Moved[]; committed(): void }> {
    const { database, node } = this.#deps;
    const nowMs = this.#now();
    const moved: Moved[] = [];
    const paid: { lease: Lease; own: number; part: number }[] = [];
    const stood: { lease: Lease; after: number }[] = [];
    // In one order everywhere: nodes that write to the same purses must not wait for each other.
    for (const { name, amount, own, atMs } of sums.toSorted((a, b) => (a.name.id < b.name.id ? -1 : 1))) {
      const stands = await store.spend(queries, database.kind, { name, amount, atMs, nowMs });
      if (stands === null) continue;
      moved.push({ name, ...stands });
      const lease = this.#leases.get(name.id);
      if (lease !== undefined) stood.push({ lease, after: stands.after });
      const part = lease === undefined ? 0 : Math.min(own, lease.amount - sum(paid, lease));
      if (lease === undefined || part <= 0) continue;
      const until = stamp(new Date(nowMs + leaseMs));
      await store.lease(queries, { purse: name.id, node, amount: -part, until });
      paid.push({ lease, own, part });
    }
    return {
      moved,
      committed() {
        for (const { lease, own, part } of paid) {
          lease.amount -= part;
          lease.unwritten = Math.max(0, lease.unwritten - own);
        }
        // What others spent may have taken what was set aside here.
        for (const { lease, after } of stood)
          lease.over = Math.max(lease.over, after + lease.amount - lease.most);
      },
    };
  }

  /** Gives back what nobody uses, and lets go of what dead nodes had set aside. */
  async tend(): Promise<void> {
    const { database, node } = this.#deps;
    const nowMs = this.#now();
    const until = stamp(new Date(nowMs + leaseMs));
    await database.transaction(async (queries) => {
      await store.renewLeases(queries, node, until);
      await store.dropLeases(queries, { before: stamp(new Date(nowMs)) });
      await store.dropPurses(queries, stamp(new Date(nowMs - overMs)));
    });
    for (const [id, lease] of this.#leases) {
      if (lease.name.window.endsAt + overMs < nowMs) this.#leases.delete(id);
      await this.#turns.run(id, async () => {
        const free = freeOf(lease);
        if (free <= 0) return;
        // Taken before it is given back: nobody may spend it meanwhile.
        lease.amount -= free;
        lease.over = Math.max(0, lease.over - free);
        try {
          await database.transaction((queries) =>
            store.lease(queries, { purse: id, node, amount: -free, until }),
          );
        } catch (error) {
          lease.amount += free;
          throw error;
        }
        if (lease.amount === 0 && lease.underWay === 0 && lease.unwritten === 0) this.#leases.delete(id);
      });
    }
  }

  /** Lets go of all that this node has set aside, or had before it was started. */
  async begin(): Promise<void> {
    await this.#deps.database.transaction((queries) => store.dropLeases(queries, { node: this.#deps.node }));
    this.#leases.clear();
  }

  #now(): number {
    return this.#deps.clock().getTime();
  }
}

/** How a purse moved. */
export type Moved = { name: store.PurseName; before: number; after: number };

const mostWindows = 1000;
const mostOpened = 10_000;
/** Windows that ended so long ago are not asked for any more: logs may come late. */
const overMs = 40 * 24 * 3_600_000;

const freeOf = ({ amount, underWay, unwritten }: Lease): number => amount - underWay - unwritten;

const sum = (paid: readonly { lease: Lease; part: number }[], lease: Lease): number =>
  paid.reduce((all, one) => all + (one.lease === lease ? one.part : 0), 0);
