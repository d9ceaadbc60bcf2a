import type {
  AbortableOperationOptions,
  CompiledQuery,
  DatabaseConnection,
  Driver,
  QueryResult,
} from "kysely";

/** Runs one step of a driver. It may try again, and throws what callers are to see. */
export type RunStep = <T>(step: () => Promise<T>) => Promise<T>;

/** A connection with the driver's own one inside. */
class GuardedConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection;
  readonly #run: RunStep;

  constructor(inner: DatabaseConnection, run: RunStep) {
    this.inner = inner;
    this.#run = run;
  }

  executeQuery<R>(query: CompiledQuery, options?: AbortableOperationOptions): Promise<QueryResult<R>> {
    return this.#run(() => this.inner.executeQuery<R>(query, options));
  }

  streamQuery<R>(
    query: CompiledQuery,
    chunkSize: number,
    options?: AbortableOperationOptions,
  ): AsyncIterableIterator<QueryResult<R>> {
    return this.inner.streamQuery<R>(query, chunkSize, options);
  }
}

const innerOf = (connection: DatabaseConnection): DatabaseConnection =>
  connection instanceof GuardedConnection ? connection.inner : connection;

/** A driver of Kysely's whose every step goes through `run`. */
export function guardedDriver(driver: Driver, run: RunStep): Driver {
  return {
    init: (...rest) => run(() => driver.init(...rest)),
    acquireConnection: async (...rest) =>
      new GuardedConnection(await run(() => driver.acquireConnection(...rest)), run),
    beginTransaction: (connection, ...rest) =>
      run(() => driver.beginTransaction(innerOf(connection), ...rest)),
    commitTransaction: (connection) => run(() => driver.commitTransaction(innerOf(connection))),
    rollbackTransaction: (connection) => run(() => driver.rollbackTransaction(innerOf(connection))),
    releaseConnection: (connection) => run(() => driver.releaseConnection(innerOf(connection))),
    destroy: (...rest) => run(() => driver.destroy(...rest)),
  };
}
