import { Kysely } from "kysely";
import { PostgresJSDialect } from "kysely-postgres-js";
import postgres from "postgres";
import { KeyedMutex } from "../lib/keyed-mutex.ts";
import type { Database } from "./dialect.ts";
import { migrate } from "./migrations/index.ts";
import type { Tables } from "./schema.ts";

/** 64-bit integers (sequence numbers, counts) fit a double for the next 285,000 years at 1,000/s. */
const types = { bigint: { to: 20, from: [20], parse: Number, serialize: String } };

/** A stopped process keeps its lock, so nobody waits for one longer than this. */
const lockTimeoutMs = 30_000;

/** Opens PostgreSQL by URL and brings its tables up to date. */
export async function openPostgresDatabase(url: string): Promise<Database> {
  const pool = postgres(url, { max: 10, types, onnotice: () => {} });
  const locks = postgres(url, { max: 4, types, connection: { lock_timeout: lockTimeoutMs } });
  const queries = new Kysely<Tables>({ dialect: new PostgresJSDialect({ postgres: pool }) });
  const mutex = new KeyedMutex();
  await migrate(queries, "postgres");
  return {
    kind: "postgres",
    queries,
    transaction: (work) => queries.transaction().execute(work),
    exclusively: (key, work) => mutex.run(key, () => withAdvisoryLock(locks, key, work)),
    async close() {
      await queries.destroy();
      await locks.end({ timeout: 5 });
    },
  };
}

async function withAdvisoryLock<T>(locks: postgres.Sql, key: string, work: () => Promise<T>): Promise<T> {
  const connection = await locks.reserve();
  try {
    await connection`select pg_advisory_lock(hashtextextended(${key}, 0))`;
    try {
      return await work();
    } finally {
      await connection`select pg_advisory_unlock(hashtextextended(${key}, 0))`;
    }
  } finally {
    connection.release();
  }
}
