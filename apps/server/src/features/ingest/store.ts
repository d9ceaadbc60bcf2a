import type { Queries } from "../../db/dialect.ts";
import type { LogFileTable } from "../../db/usage-schema.ts";
import type { LogStanding } from "../../domain/usage.ts";
import type { LogContext } from "./agents/reader.ts";
import type { Position } from "./follow.ts";

export type LogFile = Pick<LogFileTable, "id" | "source" | "path">;

export async function positionOf(queries: Queries, id: string): Promise<Position | null> {
  const row = await queries.selectFrom("log_files").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) return null;
  return {
    offset: row.byte_offset,
    lines: row.lines,
    bad: row.bad,
    head: row.head,
    headBytes: row.head_bytes,
    context: JSON.parse(row.context) as LogContext,
    tooOld: row.too_old,
  };
}

/** Keeps up to where a file has been read. In the transaction that writes what was read. */
export async function savePosition(
  queries: Queries,
  file: LogFile,
  position: Position,
  at: string,
): Promise<void> {
  const row = {
    source: file.source,
    path: file.path,
    head: position.head,
    head_bytes: position.headBytes,
    byte_offset: position.offset,
    lines: position.lines,
    bad: position.bad,
    too_old: position.tooOld,
    context: JSON.stringify(position.context),
    read_at: at,
  };
  await queries
    .insertInto("log_files")
    .values({ id: file.id, ...row })
    .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
    .execute();
}

/** What has been read, by source; files that were read since a time are named where most of their lines could not be used. */
export async function logStandings(queries: Queries, since: string): Promise<LogStanding[]> {
  const sums = await queries
    .selectFrom("log_files")
    .select(({ fn }) => [
      "source",
      fn.countAll<number>().as("files"),
      fn.sum<number>("lines").as("lines"),
      fn.sum<number>("bad").as("bad"),
      fn.sum<number>("too_old").as("tooOld"),
    ])
    .groupBy("source")
    .orderBy("source")
    .execute();
  const failing = await queries
    .selectFrom("log_files")
    .select(["source", "path"])
    .where("read_at", ">=", since)
    .where((eb) => eb(eb("bad", "*", 2), ">", eb.ref("lines")))
    .orderBy("read_at", "desc")
    .limit(mostFailing)
    .execute();
  return sums.map((sum) => ({
    ...sum,
    failing: failing.filter(({ source }) => source === sum.source).map(({ path }) => path),
  }));
}

const mostFailing = 20;
