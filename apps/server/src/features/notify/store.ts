import type { Database, Queries } from "../../db/dialect.ts";

/**
 * Takes a webhook for this node, until a time: nobody else tells it meanwhile. Returns the last entry that it has been told; null
 * where another node has it. A new one begins behind `latest`.
 */
export async function takeHook(
  { kind, transaction }: Pick<Database, "kind" | "transaction">,
  id: string,
  { now, until, latest }: { now: string; until: string; latest: number },
): Promise<number | null> {
  return await transaction(async (queries) => {
    await queries
      .insertInto("webhooks")
      .values({ id, seq: latest, busy_until: "" })
      .onConflict((conflict) => conflict.column("id").doNothing())
      .execute();
    const query = queries.selectFrom("webhooks").selectAll().where("id", "=", id);
    const row = await (kind === "postgres" ? query.forUpdate() : query).executeTakeFirstOrThrow();
    if (row.busy_until > now) return null;
    await queries.updateTable("webhooks").set({ busy_until: until }).where("id", "=", id).execute();
    return row.seq;
  });
}

/** Notes up to where a webhook has been told. */
export async function tellHook(queries: Queries, id: string, seq: number): Promise<void> {
  await queries.updateTable("webhooks").set({ seq }).where("id", "=", id).where("seq", "<", seq).execute();
}

/** Lets go of a webhook, now or from a time on. */
export async function freeHook(queries: Queries, id: string, from: string): Promise<void> {
  await queries.updateTable("webhooks").set({ busy_until: from }).where("id", "=", id).execute();
}

/** Forgets webhooks that are not configured any more. */
export async function forgetHooks(queries: Queries, known: readonly string[]): Promise<void> {
  const gone = queries.deleteFrom("webhooks");
  await (known.length === 0 ? gone : gone.where("id", "not in", known)).execute();
}
