import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from "node:sqlite";

const patienceMs = 1000;

/** Rows of a SQLite file that another program owns, and may be writing to. It is opened for reading only. */
export function readForeign(
  path: string,
  query: string,
  parameters: readonly SQLInputValue[],
): Record<string, SQLOutputValue>[] {
  const database = new DatabaseSync(path, { readOnly: true, timeout: patienceMs });
  try {
    return database.prepare(query).all(...parameters);
  } finally {
    database.close();
  }
}
