import { AsyncLocalStorage } from "node:async_hooks";
import { text } from "@ciclo/contract";
import { Kysely, sql } from "kysely";
import { PostgresJSDialect } from "kysely-postgres-js";
import postgres from "postgres";
import { Refusal } from "../errors.ts";
import { KeyedMutex } from "../lib/keyed-mutex.ts";
import type { Database } from "./dialect.ts";
import { migrate } from "./migrations/index.ts";
import type { Tables } from "./schema.ts";

/** 64-bit integers (sequence numbers, counts) fit a double for the next 285,000 years at 1,000/s. */
const types = { bigint: { to: 20, from: [20], parse: Number, serialize: String } };

/** A stopped process keeps its lock, so nobody waits for one longer than this. */
const lockTimeoutMs = 30_000;

const closeTimeoutS = 5;

/** Opens PostgreSQL by URL and brings its tables up to date. */
export async function openPostgresDatabase(url: string): Promise<Database> {
  const pool = postgres(url, { max: 10, types, onnotice: () => {} });
  const locks = postgres(url, { max: 8, types, connection: { lock_timeout: lockTimeoutMs } });
  const queries = new Kysely<Tables>({ dialect: new PostgresJSDialect({ postgres: pool }) });
  const mutex = new KeyedMutex();
  await migrate(queries, "postgres");
  return {
    kind: "postgres",
    queries,
    transaction: (work) => queries.transaction().execute(work),
    exclusively: (key, work) => withConnection(locks, (on) => mutex.run(key, () => lockOn(on, key, work))),
    ping: async () => void (await sql`select 1`.execute(queries)),
    async close() {
      // What is still under way then is cut off, so that a shutdown comes to its end.
      await pool.end({ timeout: closeTimeoutS });
      await queries.destroy();
      await locks.end({ timeout: closeTimeoutS });
    },
  };
}

/**
 * The connection that holds the locks of the work under way. A lock inside a lock is
 * taken on the same one: waiting for a second connection while holding the first could
 * leave all of them waiting for each other.
 */
const holding = new AsyncLocalStorage<postgres.ReservedSql>();

/** Has a connection before it queues for anything: who holds a turn can then always go on. */
async function withConnection<T>(
  locks: postgres.Sql,
  work: (connection: postgres.ReservedSql) => Promise<T>,
): Promise<T> {
  const outer = holding.getStore();
  if (outer !== undefined) return work(outer);
  const connection = await locks.reserve();
  try {
    return await holding.run(connection, () => work(connection));
  } finally {
    connection.release();
  }
}

async function lockOn<T>(connection: postgres.ReservedSql, key: string, work: () => Promise<T>): Promise<T> {
  try {
    await connection`select pg_advisory_lock(hashtextextended(${key}, 0))`;
  } catch (error) {
    throw error instanceof postgres.PostgresError && error.code === lockNotAvailable ? busy(error) : error;
  }
  try {
    return await work();
  } finally {
    await connection`select pg_advisory_unlock(hashtextextended(${key}, 0))`;
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
