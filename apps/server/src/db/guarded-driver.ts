import type {
  AbortableOperationOptions,
  CompiledQuery,
  DatabaseConnection,
  Driver,
  QueryResult,
} from "kysely";

/**
 * Runs one step of a driver. It may try again, and throws what callers are to see. `askedAt` is when the caller asked for
 * the connection (`performance.now()`): what it waited for others counts as its waiting.
 */
export type RunStep = <T>(step: () => Promise<T>, askedAt?: number) => Promise<T>;

/** A connection with the driver's own one inside. */
class GuardedConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection;
  readonly askedAt: number;
  readonly #run: RunStep;

  constructor(inner: DatabaseConnection, askedAt: number, run: RunStep) {
    this.inner = inner;
    this.askedAt = askedAt;
    this.#run = run;
  }

  executeQuery<R>(query: CompiledQuery, options?: AbortableOperationOptions): Promise<QueryResult<R>> {
    return this.#run(() => this.inner.executeQuery<R>(query, options), this.askedAt);
  }

  streamQuery<R>(
    query: CompiledQuery,
    chunkSize: number,
    options?: AbortableOperationOptions,
  ): AsyncIterableIterator<QueryResult<R>> {
    return this.inner.streamQuery<R>(query, chunkSize, options);
  }
}

const askedAtOf = (connection: DatabaseConnection): number | undefined =>
  connection instanceof GuardedConnection ? connection.askedAt : undefined;

const innerOf = (connection: DatabaseConnection): DatabaseConnection =>
  connection instanceof GuardedConnection ? connection.inner : connection;

/** A driver of Kysely's whose every step goes through `run`. */
export function guardedDriver(driver: Driver, run: RunStep): Driver {
  return {
    init: (...rest) => run(() => driver.init(...rest)),
    async acquireConnection(...rest) {
      const askedAt = performance.now();
      return new GuardedConnection(await run(() => driver.acquireConnection(...rest)), askedAt, run);
    },
    beginTransaction: (connection, ...rest) =>
      run(() => driver.beginTransaction(innerOf(connection), ...rest), askedAtOf(connection)),
    commitTransaction: (connection) => run(() => driver.commitTransaction(innerOf(connection))),
    rollbackTransaction: (connection) => run(() => driver.rollbackTransaction(innerOf(connection))),
    releaseConnection: (connection) => run(() => driver.releaseConnection(innerOf(connection))),
    destroy: (...rest) => run(() => driver.destroy(...rest)),
  };
}
