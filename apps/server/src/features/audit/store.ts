import { auditEventSchema } from "@ciclo/contract";
import { fromJson } from "../../db/json.ts";
import type { AuditEvent, AuditFilter, AuditQuery } from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";
import type { AuditCheckpointTable } from "../../db/schema.ts";
import { decodeCursor, wholeNumber } from "../../lib/page.ts";
import type { Head, HeadSeal } from "./head-seal.ts";
import { eventHash, genesis, type StoredEvent } from "./chain.ts";

export type NewEvent = Omit<StoredEvent, "seq" | "prev_hash" | "hash">;
export type StoredCheckpoint = AuditCheckpointTable;

/**
 * Appends to the chain. Taking the head's row is what puts writers in order. Where the head is not one that a console
 * wrote, `altered` is appended before: what was done to the log stays in it.
 */
export async function appendEvent(
  queries: Queries,
  event: NewEvent,
  seal: HeadSeal,
  altered: (head: Head) => NewEvent,
): Promise<void> {
  const head = await queries
    .updateTable("audit_head")
    .set((eb) => ({ seq: eb("seq", "+", 1) }))
    .where("id", "=", 1)
    .returning(["seq", "hash", "mac"])
    .executeTakeFirstOrThrow();
  const before = { ...head, seq: head.seq - 1 };
  const isEmptied = before.seq === 0 && (await hasHistory(queries));
  // A log of an older version goes on without a MAC until somebody has vouched for it: `ciclo audit seal`.
  const isUnsealed = before.mac === null && before.seq > 0;
  if ((!isUnsealed && !seal.fits(before)) || isEmptied) {
    await link(queries, altered(before), head, seal);
    await appendEvent(queries, event, seal, altered);
    return;
  }
  await link(queries, event, head, isUnsealed ? null : seal);
}

/** Writes an event behind the one that the head had, and makes it the head. */
async function link(
  queries: Queries,
  event: NewEvent,
  head: Pick<Head, "seq" | "hash">,
  seal: HeadSeal | null,
): Promise<void> {
  const linked = { ...event, seq: head.seq, prev_hash: head.hash === "" ? genesis : head.hash };
  const hash = eventHash(linked);
  await queries
    .insertInto("audit_events")
    .values({ ...linked, hash })
    .execute();
  const mac = seal === null ? null : seal.macOf({ seq: head.seq, hash });
  await queries.updateTable("audit_head").set({ hash, mac }).where("id", "=", 1).execute();
}

/** Events after `seq` that the filter lets through, oldest first. */
export const eventsAfter = (
  queries: Queries,
  seq: number,
  limit: number,
  filter: AuditFilter = {},
): Promise<StoredEvent[]> =>
  filtered(queries, filter).where("seq", ">", seq).orderBy("seq").limit(limit).execute();

/** Vouches for a head that was written before heads had a MAC; false where it has one, or is another by now. */
export async function sealHead(queries: Queries, head: Head, { macOf }: HeadSeal): Promise<boolean> {
  const { numUpdatedRows } = await queries
    .updateTable("audit_head")
    .set({ mac: macOf(head) })
    .where("id", "=", 1)
    .where("seq", "=", head.seq)
    .where("mac", "is", null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Rows that stand beside the log: without a number, in front of the first entry, or behind its head. */
export async function hasRowsBeside(queries: Queries): Promise<boolean> {
  const row = await queries
    .selectFrom("audit_events")
    .select("id")
    .where((eb) =>
      eb.or([
        eb("seq", "is", null),
        eb("seq", "<", 1),
        eb("seq", ">", (inner) => inner.selectFrom("audit_head").select("seq").where("id", "=", 1)),
      ]),
    )
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Number of the first entry of an action; null where there is none. */
export async function firstOf(queries: Queries, action: string): Promise<number | null> {
  const first = await queries
    .selectFrom("audit_events")
    .select("seq")
    .where("action", "=", action)
    .orderBy("seq")
    .limit(1)
    .executeTakeFirst();
  return first?.seq ?? null;
}

/** Whether there is what nobody can have made without an entry: a second user, a change, a key. */
export async function hasHistory(queries: Queries): Promise<boolean> {
  const users = await queries.selectFrom("users").select("id").limit(2).execute();
  if (users.length > 1) return true;
  const change = await queries.selectFrom("change_plans").select("id").limit(1).executeTakeFirst();
  const key = await queries.selectFrom("keys").select("provider").limit(1).executeTakeFirst();
  return change !== undefined || key !== undefined;
}

/** Number and day of entries between two others, oldest first. */
export async function daysBetween(
  queries: Queries,
  { after, before, limit }: { after: number; before: number; limit: number },
): Promise<{ seq: number; day: string }[]> {
  const rows = await queries
    .selectFrom("audit_events")
    .select(["seq", "at"])
    .where("seq", ">", after)
    .where("seq", "<", before)
    .orderBy("seq")
    .limit(limit)
    .execute();
  return rows.map(({ seq, at }) => ({ seq, day: at.slice(0, 10) }));
}

export async function readHead(queries: Queries): Promise<Head> {
  const head = await queries
    .selectFrom("audit_head")
    .select(["seq", "hash", "mac"])
    .where("id", "=", 1)
    .executeTakeFirst();
  return head ?? { seq: 0, hash: "", mac: null };
}

/** Hashes of entries by their number. */
export async function hashesOf(queries: Queries, seqs: readonly number[]): Promise<Map<number, string>> {
  if (seqs.length === 0) return new Map();
  const rows = await queries
    .selectFrom("audit_events")
    .select(["seq", "hash"])
    .where("seq", ">=", Math.min(...seqs))
    .where("seq", "<=", Math.max(...seqs))
    .execute();
  const wanted = new Set(seqs);
  return new Map(rows.filter(({ seq }) => wanted.has(seq)).map(({ seq, hash }) => [seq, hash]));
}

export async function latestSeq(queries: Queries): Promise<number> {
  const head = await queries.selectFrom("audit_head").select("seq").where("id", "=", 1).executeTakeFirst();
  return head?.seq ?? 0;
}

export async function actionsBetween(queries: Queries, after: number, upTo: number): Promise<string[]> {
  const rows = await queries
    .selectFrom("audit_events")
    .select("action")
    .distinct()
    .where("seq", ">", after)
    .where("seq", "<=", upTo)
    .execute();
  return rows.map(({ action }) => action);
}

/** What is in the log: a row beside it, in front of its first entry or behind its head, is none of it. */
function filtered(queries: Queries, filter: AuditFilter) {
  let rows = queries
    .selectFrom("audit_events")
    .selectAll()
    .where("seq", ">=", 1)
    .where("seq", "<=", (eb) => eb.selectFrom("audit_head").select("seq").where("id", "=", 1));
  if (filter.actor !== undefined) rows = rows.where("actor_name", "=", filter.actor);
  if (filter.action !== undefined) rows = rows.where("action", "=", filter.action);
  if (filter.plan_id !== undefined) rows = rows.where("plan_id", "=", filter.plan_id);
  if (filter.from !== undefined) rows = rows.where("at", ">=", filter.from);
  if (filter.to !== undefined) rows = rows.where("at", "<=", filter.to);
  return rows;
}

/** Newest first; one row more than asked for tells that another page follows. */
export async function listEvents(queries: Queries, query: AuditQuery): Promise<AuditEvent[]> {
  let rows = filtered(queries, query);
  if (query.cursor !== undefined) {
    rows = rows.where("seq", "<", wholeNumber(decodeCursor(query.cursor, 1)[0] ?? ""));
  }
  const found = await rows
    .orderBy("seq", "desc")
    .limit(query.limit + 1)
    .execute();
  return found.map(presentEvent);
}

const { shape } = auditEventSchema;

/** A stored event as the contract shows it. */
export const presentEvent = (event: StoredEvent): AuditEvent => ({
  ...event,
  status: shape.status.parse(event.status),
  actor_roles: fromJson(shape.actor_roles, event.actor_roles),
  metadata: fromJson(shape.metadata, event.metadata),
});

export const lastCheckpoint = (queries: Queries): Promise<StoredCheckpoint | undefined> =>
  queries.selectFrom("audit_checkpoints").selectAll().orderBy("size", "desc").limit(1).executeTakeFirst();

export const allCheckpoints = (queries: Queries): Promise<StoredCheckpoint[]> =>
  queries.selectFrom("audit_checkpoints").selectAll().orderBy("size").execute();

/** Keeps a checkpoint; of two made for the same size the first stays. */
export async function keepCheckpoint(queries: Queries, checkpoint: StoredCheckpoint): Promise<void> {
  await queries
    .insertInto("audit_checkpoints")
    .values(checkpoint)
    .onConflict((oc) => oc.column("size").doNothing())
    .execute();
}
