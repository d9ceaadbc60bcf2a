import { AsyncLocalStorage } from "node:async_hooks";
import { text } from "@ciclo/contract";
import type pg from "pg";
import type { Database } from "./dialect.ts";
import { Refusal } from "../errors.ts";
import { KeyedMutex } from "../lib/keyed-mutex.ts";
import { Semaphore } from "../lib/semaphore.ts";
import type { RunStep } from "./guarded-driver.ts";

/** A stopped process keeps its lock, so nobody waits for one longer than this. */
const lockTimeoutMs = 30_000;
const maxHolders = 16;

/** The connection that holds the locks of the work under way; `isHeld` ends with that work. One with a lock that could not be freed is `spoilt`. */
type Holder = { connection: pg.PoolClient; isHeld: boolean; isSpoilt: boolean };

export type AdvisoryLocks = Pick<Database, "exclusively" | "ifFree"> & {
  close(): Promise<void>;
};

/**
 * Locks of PostgreSQL's sessions. Each holder has a connection of its own, and a lock inside a lock is taken
 * on the same one: waiting for a second connection while holding the first could leave all of them waiting for
 * each other. A connection that breaks frees its locks; what the work does is then guarded by what it compares
 * before it writes (the status of an operation, the commit of a branch).
 */
export function createAdvisoryLocks(
  openPool: (max: number, options: pg.PoolConfig) => pg.Pool,
  run: RunStep,
): AdvisoryLocks {
  const pool = openPool(maxHolders, { lock_timeout: lockTimeoutMs });
  const places = new Semaphore(maxHolders);
  const mutex = new KeyedMutex();
  const holding = new AsyncLocalStorage<Holder>();

  const withConnection = <T>(work: (holder: Holder) => Promise<T>): Promise<T> => {
    const outer = holding.getStore();
    if (outer?.isHeld === true) return work(outer);
    return places.run(async () => {
      const holder: Holder = { connection: await run(() => pool.connect()), isHeld: true, isSpoilt: false };
      try {
        return await holding.run(holder, () => work(holder));
      } finally {
        holder.isHeld = false;
        holder.connection.release(holder.isSpoilt);
      }
    });
  };
  return {
    // Has a connection before it queues for anything: who holds a turn can then always go on.
    exclusively: (key, work) =>
      withConnection((holder) => mutex.run(key, () => lockOn(holder, key, run, work))),
    ifFree: (key, work) =>
      withConnection(async (holder) => {
        if (mutex.isHeld(key)) return false;
        return mutex.run(key, async () => {
          const { rows } = await run(() =>
            holder.connection.query<{ taken: boolean }>(
              "select pg_try_advisory_lock(hashtextextended($1, 0)) as taken",
              [key],
            ),
          );
          if (rows[0]?.taken !== true) return false;
          await thenUnlock(holder, key, work);
          return true;
        });
      }),
    close: () => pool.end(),
  };
}

async function lockOn<T>(holder: Holder, key: string, run: RunStep, work: () => Promise<T>): Promise<T> {
  const { connection } = holder;
  await run(() => connection.query("select pg_advisory_lock(hashtextextended($1, 0))", [key])).catch(
    (error: unknown) => {
      throw (error as { code?: unknown }).code === lockNotAvailable ? busy(error) : error;
    },
  );
  return thenUnlock(holder, key, work);
}

async function thenUnlock<T>(holder: Holder, key: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await holder.connection.query("select pg_advisory_unlock(hashtextextended($1, 0))", [key]).catch(() => {
      // Closing the connection frees its locks too; one that is gone has freed them.
      holder.isSpoilt = true;
    });
  }
}

const lockNotAvailable = "55P03";

const busy = (cause: unknown): Refusal =>
  new Refusal(
    "repository_unavailable",
    text(
      "Another node has been working on this for a while. Try again.",
      "Outro nó está trabalhando nisto há algum tempo. Tente de novo.",
    ),
    { cause },
  );
