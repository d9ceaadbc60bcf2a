import type { Queries } from "../../db/dialect.ts";

/** Keeps definitions of tools by their hash, so that a lock's hash can be shown as what it stood for. */
export async function keepDefinitions(
  queries: Queries,
  definitions: readonly { hash: string; definition: string }[],
  at: string,
): Promise<void> {
  for (let from = 0; from < definitions.length; from += 200) {
    const rows = definitions.slice(from, from + 200).map((row) => ({ ...row, first_seen_at: at }));
    await queries
      .insertInto("tool_definitions")
      .values(rows)
      .onConflict((oc) => oc.column("hash").doNothing())
      .execute();
  }
}

export async function findDefinition(queries: Queries, hash: string): Promise<string | null> {
  const row = await queries
    .selectFrom("tool_definitions")
    .select("definition")
    .where("hash", "=", hash)
    .executeTakeFirst();
  return row?.definition ?? null;
}

/** Deletes definitions first seen before a time, but for those still referred to; see domain/retention.ts. */
export async function deleteDefinitionsBefore(
  queries: Queries,
  before: string,
  limit: number,
  isReferredTo: (hash: string) => boolean,
): Promise<number> {
  let from = "";
  const unused: string[] = [];
  for (let page = [from]; page.length > 0 && unused.length < limit;) {
    const rows = await queries
      .selectFrom("tool_definitions")
      .select("hash")
      .where("first_seen_at", "<", before)
      .where("hash", ">", from)
      .orderBy("hash")
      .limit(limit)
      .execute();
    page = rows.map(({ hash }) => hash);
    from = page.at(-1) ?? from;
    unused.push(...page.filter((hash) => !isReferredTo(hash)));
  }
  const chosen = unused.slice(0, limit);
  if (chosen.length > 0) await queries.deleteFrom("tool_definitions").where("hash", "in", chosen).execute();
  return chosen.length;
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
