import type { CreateTableBuilder, Kysely } from "kysely";

export type Builder = Kysely<never>;

/** A table of text columns, required unless marked `?`. */
export function textTable(db: Builder, name: string, columns: string): CreateTableBuilder<string, string> {
  return columns.split(" ").reduce(
    (table, column) => {
      const optional = column.endsWith("?");
      return table.addColumn(column.replace("?", ""), "text", (c) => (optional ? c : c.notNull()));
    },
    db.schema.createTable(name) as CreateTableBuilder<string, string>,
  );
}

export async function index(db: Builder, table: string, columns: string[]): Promise<void> {
  await db.schema
    .createIndex(`${table}_by_${columns.join("_")}`)
    .on(table)
    .columns(columns)
    .execute();
}
