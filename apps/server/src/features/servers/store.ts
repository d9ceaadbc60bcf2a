import type { Queries } from "../../db/dialect.ts";

/** Keeps definitions of tools by their hash, so that a lock's hash can be shown as what it stood for. */
export async function keepDefinitions(
  queries: Queries,
  definitions: readonly { hash: string; definition: string }[],
  at: string,
): Promise<void> {
  for (let from = 0; from < definitions.length; from += 200) {
    const rows = definitions.slice(from, from + 200).map((row) => ({ ...row, last_seen_at: at }));
    await queries
      .insertInto("tool_definitions")
      .values(rows)
      .onConflict((oc) => oc.column("hash").doNothing())
      .execute();
  }
}

export async function findDefinitions(
  queries: Queries,
  hashes: readonly string[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let from = 0; from < hashes.length; from += 200) {
    const rows = await queries
      .selectFrom("tool_definitions")
      .select(["hash", "definition"])
      .where("hash", "in", hashes.slice(from, from + 200))
      .execute();
    for (const { hash, definition } of rows) found.set(hash, definition);
  }
  return found;
}

export async function findDefinition(queries: Queries, hash: string): Promise<string | null> {
  const row = await queries
    .selectFrom("tool_definitions")
    .select("definition")
    .where("hash", "=", hash)
    .executeTakeFirst();
  return row?.definition ?? null;
}

/** Notes that these definitions are referred to. */
export async function touchDefinitions(
  queries: Queries,
  hashes: readonly string[],
  at: string,
): Promise<void> {
  for (let from = 0; from < hashes.length; from += 200) {
    await queries
      .updateTable("tool_definitions")
      .set({ last_seen_at: at })
      .where("hash", "in", hashes.slice(from, from + 200))
      .execute();
  }
}

/** Deletes definitions that nothing has referred to since a time; see domain/retention.ts. */
export async function deleteDefinitionsBefore(
  queries: Queries,
  before: string,
  limit: number,
): Promise<number> {
  const rows = await queries
    .selectFrom("tool_definitions")
    .select("hash")
    .where("last_seen_at", "<", before)
    .orderBy("hash")
    .limit(limit)
    .execute();
  const hashes = rows.map(({ hash }) => hash);
  if (hashes.length > 0) await queries.deleteFrom("tool_definitions").where("hash", "in", hashes).execute();
  return hashes.length;
}

/** Notes how a server's tools differ from the lock; false when that has been noted before. */
export async function noteDrift(
  queries: Queries,
  serverId: string,
  fingerprint: string,
  at: string,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await queries
    .insertInto("server_drifts")
    .values({ server_id: serverId, fingerprint, at })
    .onConflict((oc) =>
      oc
        .column("server_id")
        .doUpdateSet({ fingerprint, at })
        .where("server_drifts.fingerprint", "!=", fingerprint),
    )
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}
