import { Kysely } from "kysely";
import type { RecordEntry } from "../domain/actor.ts";
import { KeyedMutex } from "../lib/keyed-mutex.ts";
import { migrate } from "./migrations/index.ts";
import { DatabaseProbe } from "./probe.ts";
import type { Tables } from "./schema.ts";
import { sqliteDialect } from "./sqlite.ts";

/** The query builder, or a transaction of it: what every store takes. */
export type Queries = Kysely<Tables>;

export type Database = {
  kind: "sqlite" | "postgres";
  queries: Queries;
  /** All or nothing. Never wait for git or the network inside. */
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T>;
  /**
   * Runs work that no other holder of the key runs meanwhile, on this node or another.
   * Not a transaction: this is what may wait for git.
   */
  exclusively<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Runs work if nobody holds the key now, on this node or another; false where somebody does. */
  ifFree(key: string, work: () => Promise<void>): Promise<boolean>;
  /** Whether a step was refused for the state of the database, and no write has succeeded since. */
  isInDoubt(): boolean;
  /** Throws `database_unavailable` where the database does not answer, or has stopped taking writes. */
  ping(): Promise<void>;
  close(): Promise<void>;
};

/**
 * A transaction whose audit entries stand or fall with it. An entry that cannot be
 * written refuses the whole with `audit_unavailable`.
 */
export type AuditedTransaction = <T>(
  work: (queries: Queries, record: RecordEntry) => Promise<T>,
) => Promise<T>;

/** Opens SQLite (`path`, or `:memory:`) and brings its tables up to date. */
export async function openSqliteDatabase(path: string): Promise<Database> {
  const probe = new DatabaseProbe();
  const queries = new Kysely<Tables>({ dialect: sqliteDialect(path, probe) });
  const mutex = new KeyedMutex();
  await migrate(queries, "sqlite");
  return {
    kind: "sqlite",
    queries,
    transaction: (work) => queries.transaction().execute(work),
    exclusively: (key, work) => mutex.run(key, work),
    async ifFree(key, work) {
      if (mutex.isHeld(key)) return false;
      await mutex.run(key, work);
      return true;
    },
    isInDoubt: () => probe.isInDoubt,
    ping: () => probe.ping(queries),
    close: () => queries.destroy(),
  };
}

/** Opens whichever database the configuration names. PostgreSQL is loaded only when used. */
export async function openDatabase(options: { url: string | undefined; file: string }): Promise<Database> {
  if (options.url === undefined) return openSqliteDatabase(options.file);
  const { openPostgresDatabase } = await import("./postgres.ts");
  return openPostgresDatabase(options.url);
}
