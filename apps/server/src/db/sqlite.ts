import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { type SqliteDatabase, SqliteDialect } from "kysely";

/**
 * Kysely's SQLite dialect on `node:sqlite`.
 * Only plain values are bound: `node:sqlite` takes an object in first place for named parameters.
 */
export function sqliteDialect(path: string): SqliteDialect {
  return new SqliteDialect({ database: () => Promise.resolve(openSqlite(path)) });
}

function openSqlite(path: string): SqliteDatabase {
  const database = new DatabaseSync(path);
  database.exec(
    "PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON",
  );
  return {
    close: () => database.close(),
    prepare(sql) {
      const statement = database.prepare(startImmediately(sql));
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...parameters.map(bindable)),
        run: (parameters) => statement.run(...parameters.map(bindable)),
        iterate: (parameters) => statement.iterate(...parameters.map(bindable)),
      };
    },
  };
}

/** A transaction takes the write lock when it begins; a deferred one could fail when it upgrades. */
const startImmediately = (sql: string): string => (sql === "begin" ? "begin immediate" : sql);

function bindable(value: unknown): SQLInputValue {
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "bigint") {
    return value;
  }
  throw new TypeError(`cannot bind a ${typeof value} to a SQLite statement`);
}
