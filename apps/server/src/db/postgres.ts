import { type Text, text } from "@ciclo/contract";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { createAdvisoryLocks } from "./advisory-locks.ts";
import type { Database } from "./dialect.ts";
import { guardedDriver, type RunStep } from "./guarded-driver.ts";
import { migrate } from "./migrations/index.ts";
import { DatabaseProbe } from "./probe.ts";
import type { Tables } from "./schema.ts";
import { databaseUnavailable } from "./unavailable.ts";

const maxConnections = 10;
/** Waiting for a connection, to PostgreSQL or of the pool, takes no longer. */
const connectMs = 5000;
const closeMs = 5000;
const bigint = pg.types.builtins.INT8;

/** Opens PostgreSQL by URL and brings its tables up to date. Refuses with `database_unavailable` while it does not answer. */
export async function openPostgresDatabase(url: string): Promise<Database> {
  const probe = new DatabaseProbe();
  const run = explaining(probe);
  const pool = openPool(url, maxConnections);
  const dialect = new PostgresDialect({ pool });
  const createDriver = dialect.createDriver.bind(dialect);
  const queries = new Kysely<Tables>({
    dialect: Object.assign(dialect, { createDriver: () => guardedDriver(createDriver(), run) }),
  });
  const locks = createAdvisoryLocks((max, options) => openPool(url, max, options), run);
  const database: Database = {
    kind: "postgres",
    queries,
    transaction: (work) => queries.transaction().execute(work),
    exclusively: locks.exclusively,
    ifFree: locks.ifFree,
    isInDoubt: () => probe.isInDoubt,
    ping: () => probe.ping(queries),
    async close() {
      // Work that never gives its connection back must not keep the console from its end.
      await Promise.race([Promise.all([queries.destroy(), locks.close()]), afterMs(closeMs)]);
    },
  };
  try {
    await migrate(queries, "postgres");
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

const afterMs = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });

function openPool(url: string, max: number, options: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    types: { getTypeParser },
    ...options,
  });
  // A connection that is lost while nothing is asked over it tells so here alone. The pool drops it; who uses it
  // next meets the failure there.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

/** 64-bit integers (sequence numbers, counts) fit a double for the next 285,000 years at 1,000/s. */
const getTypeParser: pg.CustomTypesConfig["getTypeParser"] = (oid, format) =>
  oid === bigint && format !== "binary"
    ? Number
    : (pg.types.getTypeParser(oid, format) as (value: string) => unknown);

/** Tells a database that is away from a query that is wrong. */
const explaining =
  (probe: DatabaseProbe): RunStep =>
  async (step) => {
    try {
      return await step();
    } catch (error) {
      const why = reasonOf(error);
      throw why === null ? error : probe.note(databaseUnavailable(why, error));
    }
  };

const away = text("the connection is gone", "a conexão caiu");
const unreachable = text("it cannot be reached", "ele não pode ser alcançado");

const bySystemCode: Record<string, Text> = {
  ECONNREFUSED: text("nothing listens at its address", "nada escuta no endereço"),
  ENOTFOUND: text("its host is not known", "o host não é conhecido"),
  EAI_AGAIN: text("its host is not known", "o host não é conhecido"),
  ECONNRESET: away,
  EPIPE: away,
  ETIMEDOUT: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ENOENT: unreachable,
};

/** SQLSTATEs (postgresql.org/docs/18/errcodes-appendix.html) by which the server itself is in trouble. */
const bySqlState: Record<string, Text> = {
  "57P01": text("it is being stopped", "ele está sendo parado"),
  "57P02": text("it crashed and is recovering", "ele falhou e está se recuperando"),
  "57P03": text("it is starting or stopping", "ele está iniciando ou parando"),
  "53100": text("its disk is full", "seu disco está cheio"),
  "53200": text("it is out of memory", "ele está sem memória"),
  "53300": text("it takes no more connections", "ele não aceita mais conexões"),
  "25006": text("it may only be read: a standby?", "ele só pode ser lido: uma réplica?"),
};

/** Errors that `pg` raises with words alone. */
const byWords =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout|Client was closed and is not queryable|The server does not support SSL)/;

function reasonOf(error: unknown): Text | null {
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return null;
  const { code } = error as { code?: unknown };
  if (typeof code === "string") {
    const known = bySystemCode[code] ?? bySqlState[code];
    if (known !== undefined) return known;
    // Class 08: connection exceptions.
    if (code.startsWith("08")) return away;
  }
  return byWords.test(error.message) ? away : null;
}
