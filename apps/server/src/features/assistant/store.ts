import type { Queries } from "../../db/dialect.ts";
import type { ThreadMessageTable, ThreadTable } from "../../db/schema.ts";

export type Thread = ThreadTable;
export type Message = ThreadMessageTable;

export const findThread = (queries: Queries, id: string, userId: string): Promise<Thread | undefined> =>
  queries
    .selectFrom("threads")
    .selectAll()
    .where("id", "=", id)
    .where("user_id", "=", userId)
    .executeTakeFirst();

export const listThreads = (queries: Queries, userId: string): Promise<Thread[]> =>
  queries
    .selectFrom("threads")
    .selectAll()
    .where("user_id", "=", userId)
    .orderBy("updated_at", "desc")
    .limit(100)
    .execute();

export async function saveThread(queries: Queries, thread: Thread): Promise<void> {
  await queries
    .insertInto("threads")
    .values(thread)
    .onConflict((oc) =>
      oc.column("id").doUpdateSet({ pending: thread.pending, updated_at: thread.updated_at }),
    )
    .execute();
}

/** Adds messages behind those that are there. */
export async function addMessages(
  queries: Queries,
  threadId: string,
  messages: readonly Omit<Message, "thread_id" | "position">[],
): Promise<void> {
  const last = await queries
    .selectFrom("thread_messages")
    .select("position")
    .where("thread_id", "=", threadId)
    .orderBy("position", "desc")
    .limit(1)
    .executeTakeFirst();
  const next = (last?.position ?? -1) + 1;
  const rows = messages.map((message, index) => ({
    ...message,
    thread_id: threadId,
    position: next + index,
  }));
  await queries.insertInto("thread_messages").values(rows).execute();
}

export const messagesOf = (queries: Queries, threadId: string): Promise<Message[]> =>
  queries
    .selectFrom("thread_messages")
    .selectAll()
    .where("thread_id", "=", threadId)
    .orderBy("position")
    .limit(1000)
    .execute();

/** Deletes threads whose last message is from before a time; see domain/retention.ts. */
export async function deleteThreadsBefore(queries: Queries, before: string, limit: number): Promise<number> {
  const old = await queries
    .selectFrom("threads")
    .select("id")
    .where("updated_at", "<", before)
    .limit(limit)
    .execute();
  if (old.length === 0) return 0;
  const ids = old.map(({ id }) => id);
  await queries.deleteFrom("thread_messages").where("thread_id", "in", ids).execute();
  await queries.deleteFrom("threads").where("id", "in", ids).execute();
  return old.length;
}
