import { type Builder, textTable } from "./builders.ts";

/** Up to where log files have been read. */
export const logFiles = {
  async up(db: Builder): Promise<void> {
    let table = textTable(db, "log_files", "id source path head context read_at").addPrimaryKeyConstraint(
      "log_files_pk",
      ["id"],
    );
    for (const name of ["head_bytes", "byte_offset", "lines", "bad", "too_old"])
      table = table.addColumn(name, "bigint", (c) => c.notNull());
    await table.execute();
  },
};
