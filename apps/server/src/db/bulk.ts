import { CompiledQuery } from "kysely";
import type { Database, Queries } from "./dialect.ts";
import type { Tables } from "./schema.ts";

export type Value = string | number | null;

/** Rows of one statement. More gain nothing, and PostgreSQL takes 65,535 values at most. */
const rowsAtOnce = 40;

/** Inserts many rows, each a value a column, in order: a fifth of the time that the query builder takes. */
export async function insertRows(
  queries: Queries,
  kind: Database["kind"],
  { table, columns, rows }: { table: keyof Tables; columns: readonly string[]; rows: readonly Value[][] },
): Promise<void> {
  for (let from = 0; from < rows.length; from += rowsAtOnce) {
    const some = rows.slice(from, from + rowsAtOnce);
    await queries.executeQuery(CompiledQuery.raw(insertOf(table, columns, some.length, kind), some.flat()));
  }
}

const statements = new Map<string, string>();

function insertOf(table: string, columns: readonly string[], rows: number, kind: Database["kind"]): string {
  const key = `${kind} ${table} ${columns.length} ${rows}`;
  let statement = statements.get(key);
  if (statement === undefined) {
    const mark = (place: number): string => (kind === "postgres" ? `$${place + 1}` : "?");
    const row = (index: number): string =>
      `(${columns.map((_, column) => mark(index * columns.length + column)).join(", ")})`;
    const names = columns.map((name) => `"${name}"`).join(", ");
    statement = `insert into "${table}" (${names}) values ${Array.from({ length: rows }, (_, index) => row(index)).join(", ")}`;
    statements.set(key, statement);
  }
  return statement;
}
