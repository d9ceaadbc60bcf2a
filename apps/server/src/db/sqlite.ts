import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { type Text, text } from "@ciclo/contract";
import { type SqliteDatabase, SqliteDialect, type SqliteStatement } from "kysely";
import { guardedDriver, type RunStep } from "./guarded-driver.ts";
import type { DatabaseProbe } from "./probe.ts";
import { databaseUnavailable } from "./unavailable.ts";

/** Another process may hold the database for so long before a caller is told so, however many wait in line. */
const patienceMs = 5000;
const pauseMs = 10;
const knownHeldMs = 1000;
const maxPrepared = 200;

/**
 * Kysely's SQLite dialect on `node:sqlite`.
 * Only plain values are bound: `node:sqlite` takes an object in first place for named parameters.
 */
export function sqliteDialect(path: string, probe: DatabaseProbe): SqliteDialect {
  const dialect = new SqliteDialect({ database: () => Promise.resolve(openSqlite(path)) });
  const createDriver = dialect.createDriver.bind(dialect);
  return Object.assign(dialect, { createDriver: () => guardedDriver(createDriver(), patiently(probe)) });
}

/**
 * SQLite waits for a lock by blocking the thread, and with it every request. So it is told not to wait, and
 * a step that met a lock is tried again from here: it has changed nothing.
 */
function patiently(probe: DatabaseProbe): RunStep {
  let refusedAt = -Infinity;
  return async (step, askedAt = performance.now()) => {
    for (const until = askedAt + patienceMs; ;) {
      try {
        return await step();
      } catch (error) {
        const code = resultCode(error);
        const now = performance.now();
        // Where somebody has just waited in vain, the next in line do not wait as long again, one after the other.
        if (code === busy && now < until && now > refusedAt + knownHeldMs) {
          await wait(pauseMs);
          continue;
        }
        if (code === busy) refusedAt = now;
        const why = code === null ? undefined : reasons[code];
        throw why === undefined ? error : probe.note(databaseUnavailable(why, error));
      }
    }
  };
}

const busy = 5;

/** Primary result codes (sqlite.org/rescode.html) by which the database itself is in trouble. */
const reasons: Record<number, Text> = {
  [busy]: text("another process holds it", "outro processo o mantém ocupado"),
  8: text("its file may only be read", "seu arquivo só pode ser lido"),
  10: text("its disk reports errors", "seu disco relata erros"),
  13: text("its disk is full", "seu disco está cheio"),
  14: text("its file cannot be opened", "seu arquivo não pode ser aberto"),
};

/** SQLite's primary result code, which is the lowest byte of the extended one. */
function resultCode(error: unknown): number | null {
  const { errcode } = (error ?? {}) as { errcode?: unknown };
  return typeof errcode === "number" ? errcode % 256 : null;
}

function openSqlite(path: string): SqliteDatabase {
  const database = new DatabaseSync(path);
  // While it is opened, nothing else waits yet.
  database.exec(
    "PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-16384",
  );
  database.exec("PRAGMA busy_timeout=0");
  // Preparing a statement takes longer than most take to run.
  const prepared = new Map<string, SqliteStatement>();
  return {
    close: () => database.close(),
    prepare(sql) {
      const before = prepared.get(sql);
      if (before !== undefined) return before;
      const statement = database.prepare(startImmediately(sql));
      const made: SqliteStatement = {
        reader: statement.columns().length > 0,
        all: (parameters) => allOf(statement, bindable(parameters)),
        run: (parameters) => statement.run(...bindable(parameters)),
        iterate: (parameters) => statement.iterate(...bindable(parameters)),
      };
      if (prepared.size >= maxPrepared) prepared.clear();
      prepared.set(sql, made);
      return made;
    },
  };
}

/** Rows of a statement. A sum that is too large for a number to be exact comes as the nearest one, as of PostgreSQL. */
function allOf(statement: StatementSync, parameters: readonly SQLInputValue[]): unknown[] {
  try {
    return statement.all(...parameters);
  } catch (error) {
    // What writes is not run twice.
    if (!isTooLarge(error) || !/^\s*(?:select|with)\b/i.test(statement.sourceSQL)) throw error;
    statement.setReadBigInts(true);
    try {
      return statement.all(...parameters).map(withNumbers);
    } finally {
      statement.setReadBigInts(false);
    }
  }
}

const isTooLarge = (error: unknown): boolean =>
  error instanceof RangeError && (error as NodeJS.ErrnoException).code === "ERR_OUT_OF_RANGE";

const withNumbers = (row: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === "bigint" ? Number(value) : value]),
  );

/** A transaction takes the write lock when it begins; a deferred one could fail when it upgrades. */
const startImmediately = (sql: string): string => (sql === "begin" ? "begin immediate" : sql);

function bindable(values: readonly unknown[]): readonly SQLInputValue[] {
  if (areBindable(values)) return values;
  const kinds = [...new Set(values.filter((value) => !isBindable(value)).map((value) => typeof value))];
  throw new TypeError(`cannot bind ${kinds.join(", ")} to a SQLite statement`);
}

/** A loop: `every` takes several times as long, and ingested logs come by here value by value. */
function areBindable(values: readonly unknown[]): values is readonly SQLInputValue[] {
  for (const value of values) if (!isBindable(value)) return false;
  return true;
}

const isBindable = (value: unknown): boolean =>
  value === null || typeof value === "string" || typeof value === "number" || typeof value === "bigint";
