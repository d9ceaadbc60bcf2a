import { sql } from "kysely";
import type { Database, Queries } from "../../../db/dialect.ts";
import type { CallSubject } from "../../../domain/usage.ts";
import { binds, holderOf, type Meter } from "./bindings.ts";
import { rolled, slotMsOf, type Slots, type Window } from "./windows.ts";

/** What a purse holds: spent, and set aside by nodes for calls under way. In the unit of its limit. */
export type Purse = { spent: number; reserved: number; slots: Slots };

export type PurseName = { id: string; meter: Meter; meterId: string; holder: string; window: Window };

export const hoursOf = ({ calendar }: Meter): number | null =>
  typeof calendar === "object" && "hours" in calendar ? calendar.hours : null;

/**
 * A purse as it stands, held until the transaction ends: one row. Where there is none yet, it is made, with what the ledger
 * says was spent.
 */
export async function openPurse(
  queries: Queries,
  kind: Database["kind"],
  name: PurseName,
  nowMs: number,
): Promise<Purse> {
  const found = await heldPurse(queries, kind, name, nowMs);
  if (found !== null) return found;
  // Nobody adds to purses meanwhile: what is being written would be counted twice, or not at all.
  if (kind === "postgres") await sql`lock table budget_purses in share row exclusive mode`.execute(queries);
  const again = await heldPurse(queries, kind, name, nowMs);
  if (again !== null) return again;
  const slots = await ledgerSlots(queries, name, nowMs);
  const spent = Object.values(slots).reduce((sum, one) => sum + one, 0);
  await queries
    .insertInto("budget_meters")
    .values({ id: name.meterId, meter: JSON.stringify(name.meter) })
    .onConflict((conflict) => conflict.column("id").doNothing())
    .execute();
  await queries
    .insertInto("budget_purses")
    .values({
      id: name.id,
      meter_id: name.meterId,
      spent,
      reserved: 0,
      slots: hoursOf(name.meter) === null ? "{}" : JSON.stringify(slots),
      ends_at: Number.isFinite(name.window.endsAt) ? new Date(name.window.endsAt).toISOString() : null,
    })
    .execute();
  return { spent, reserved: 0, slots };
}

async function heldPurse(
  queries: Queries,
  kind: Database["kind"],
  { id, meter }: PurseName,
  nowMs: number,
): Promise<Purse | null> {
  const query = queries.selectFrom("budget_purses").selectAll().where("id", "=", id);
  const row = await (kind === "postgres" ? query.forUpdate() : query).executeTakeFirst();
  return row === undefined ? null : purseIn(row, meter, nowMs);
}

/** What is spent of a purse, in the window that it is of; null where it counts nothing yet. */
export async function spentOf(
  queries: Queries,
  { id, meter }: PurseName,
  nowMs: number,
): Promise<number | null> {
  const row = await queries.selectFrom("budget_purses").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? null : purseIn(row, meter, nowMs).spent;
}

/** A purse as a row has it. Pure. */
export function purseIn(
  row: { spent: number; reserved: number; slots: string },
  meter: Meter,
  nowMs: number,
): Purse {
  const hours = hoursOf(meter);
  if (hours === null) return { spent: row.spent, reserved: row.reserved, slots: {} };
  const { slots, sum } = rolled(JSON.parse(row.slots) as Slots, hours, nowMs);
  return { spent: sum, reserved: row.reserved, slots };
}

/** What the ledger says was spent, by slot; in one slot where the window does not roll. */
async function ledgerSlots(
  queries: Queries,
  { meter, holder, window }: PurseName,
  nowMs: number,
): Promise<Slots> {
  const hours = hoursOf(meter);
  const from = hours === null ? window.startsAt : new Date(nowMs - hours * 3_600_000).toISOString();
  // Of a zone that is half an hour off, the hour that a window begins in counts from its half on.
  const wholeFrom = from.slice(14, 16) === "00" ? from.slice(0, 13) : nextHour(from);
  const slots: Slots = {};
  const add = (at: string, amount: number): void => {
    const slot = hours === null ? "0" : String(Math.floor(Date.parse(at) / slotMsOf(hours)));
    slots[slot] = (slots[slot] ?? 0) + amount;
  };
  const addCalls = async (start: string, end: string): Promise<void> => {
    for (const call of await callsBetween(queries, start, end))
      if (binds(meter, call.subject) && holderOf(meter.per, call.subject) === holder)
        add(call.at, meter.unit === "tokens" ? call.tokens : call.cost);
  };
  // Where slots are shorter than an hour, the calls themselves say which one they are in.
  if (hours !== null && slotMsOf(hours) < hourMs) {
    await addCalls(from, new Date(nowMs + hourMs).toISOString());
    return slots;
  }
  const rows = await queries
    .selectFrom("usage_hours as hour")
    .innerJoin("usage_subjects as subject", "subject.id", "hour.subject_id")
    .selectAll("subject")
    .select([
      "hour.period",
      "hour.cost_nano_usd",
      sql<number>`hour.input + hour.cache_read + hour.cache_write_short + hour.cache_write_long + hour.output`.as(
        "tokens",
      ),
    ])
    .where("hour.period", ">=", wholeFrom)
    .execute();
  for (const row of rows) {
    const subject = subjectOf(row);
    if (!binds(meter, subject) || holderOf(meter.per, subject) !== holder) continue;
    const at = `${row.period}:00:00.000Z`;
    if (Date.parse(at) >= window.endsAt) continue;
    add(at, meter.unit === "tokens" ? row.tokens : row.cost_nano_usd);
  }
  if (wholeFrom !== from.slice(0, 13)) await addCalls(from, `${wholeFrom}:00:00.000Z`);
  return slots;
}

const hourMs = 3_600_000;

/** Holders whose calls count against a limit since a time; at most so many. */
export async function holdersSince(
  queries: Queries,
  { meter, from }: { meter: Meter; from: string },
  most: number,
): Promise<string[]> {
  const rows = await queries
    .selectFrom("usage_subjects as subject")
    .selectAll("subject")
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom("usage_hours as hour")
          .select("hour.subject_id")
          .whereRef("hour.subject_id", "=", "subject.id")
          .where("hour.period", ">=", from.slice(0, 13)),
      ),
    )
    .execute();
  const subjects = rows.map(subjectOf).filter((subject) => binds(meter, subject));
  return [...new Set(subjects.map((subject) => holderOf(meter.per, subject)))].slice(0, most);
}

/** Users by id. */
export async function usersIn(queries: Queries): Promise<{ id: string; name: string; email: string }[]> {
  return await queries.selectFrom("users").select(["id", "name", "email"]).execute();
}

const nextHour = (at: string): string =>
  new Date(Math.ceil(Date.parse(at) / 3_600_000) * 3_600_000).toISOString().slice(0, 13);

async function callsBetween(queries: Queries, from: string, to: string) {
  const rows = await queries
    .selectFrom("usage_events as event")
    .innerJoin("usage_subjects as subject", "subject.id", "event.subject_id")
    .selectAll("subject")
    .select([
      "event.at",
      "event.cost_nano_usd",
      sql<number>`coalesce(event.input + event.output, 0) + event.cache_read + event.cache_write_short + event.cache_write_long`.as(
        "tokens",
      ),
    ])
    .where("event.at", ">=", from)
    .where("event.at", "<", to)
    .where("event.replaced_by", "is", null)
    .execute();
  return rows.map((row) => ({
    at: row.at,
    subject: subjectOf(row),
    cost: row.cost_nano_usd ?? 0,
    tokens: row.tokens,
  }));
}

type SubjectColumns = Record<
  "server" | "provider" | "model" | "actor_id" | "actor_name" | "agent" | "run",
  string | null
>;

/** Of a subject, what budgets look at. */
const subjectOf = (row: SubjectColumns): CallSubject =>
  ({
    server: row.server,
    provider: row.provider,
    model: row.model,
    actorId: row.actor_id,
    actorName: row.actor_name,
    agent: row.agent,
    run: row.run,
  }) as CallSubject;

/** All that is counted anywhere, whoever asked for it: from now until the transaction ends, nothing new begins to be. */
export async function meters(
  queries: Queries,
  kind: Database["kind"],
): Promise<{ id: string; meter: string }[]> {
  // Who makes a purse reads what the ledger has: either it sees what is written here, or this sees that it counts.
  if (kind === "postgres") await sql`lock table budget_purses in row exclusive mode`.execute(queries);
  return queries.selectFrom("budget_meters").selectAll().execute();
}

/** Adds what was spent to a purse that is there. One that is not begins with the ledger's word, when somebody asks for it. */
export async function spend(
  queries: Queries,
  kind: Database["kind"],
  { name, amount, atMs, nowMs }: { name: PurseName; amount: number; atMs: number; nowMs: number },
): Promise<{ before: number; after: number } | null> {
  const held = await heldPurse(queries, kind, name, nowMs);
  if (held === null) return null;
  const hours = hoursOf(name.meter);
  const slots = { ...held.slots };
  if (hours !== null) {
    const slot = String(Math.floor(atMs / slotMsOf(hours)));
    slots[slot] = (slots[slot] ?? 0) + amount;
  }
  const { slots: kept, sum } =
    hours === null ? { slots: {}, sum: held.spent + amount } : rolled(slots, hours, nowMs);
  await queries
    .updateTable("budget_purses")
    .set({ spent: sum, slots: JSON.stringify(kept) })
    .where("id", "=", name.id)
    .execute();
  return { before: held.spent, after: sum };
}

/** Sets aside, or lets go of (a negative amount), what this node may spend of a purse. */
export async function lease(
  queries: Queries,
  { purse, node, amount, until }: { purse: string; node: string; amount: number; until: string },
): Promise<void> {
  await queries
    .insertInto("budget_leases")
    .values({ purse_id: purse, node, amount, expires_at: until })
    .onConflict((conflict) =>
      conflict.columns(["purse_id", "node"]).doUpdateSet((eb) => ({
        amount: eb("budget_leases.amount", "+", amount),
        expires_at: until,
      })),
    )
    .execute();
  await queries
    .updateTable("budget_purses")
    .set((eb) => ({ reserved: eb("reserved", "+", amount) }))
    .where("id", "=", purse)
    .execute();
}

/** Leases of this node live on for a while more. */
export async function renewLeases(queries: Queries, node: string, until: string): Promise<void> {
  await queries.updateTable("budget_leases").set({ expires_at: until }).where("node", "=", node).execute();
}

/** Lets go of what dead nodes set aside, and of what this one did before it was started. */
export async function dropLeases(queries: Queries, of: { node: string } | { before: string }): Promise<void> {
  const dead = await queries
    .selectFrom("budget_leases")
    .selectAll()
    .where((eb) => ("node" in of ? eb("node", "=", of.node) : eb("expires_at", "<", of.before)))
    .orderBy("purse_id")
    .execute();
  for (const { purse_id, node, amount } of dead) {
    const { numDeletedRows } = await queries
      .deleteFrom("budget_leases")
      .where("purse_id", "=", purse_id)
      .where("node", "=", node)
      .executeTakeFirst();
    if (Number(numDeletedRows) === 0) continue;
    await queries
      .updateTable("budget_purses")
      .set((eb) => ({ reserved: eb("reserved", "-", amount) }))
      .where("id", "=", purse_id)
      .execute();
  }
}

/** The thresholds of a purse that have been reported. Locks the row until the transaction ends; null if there is no purse. */
export async function toldOf(queries: Queries, kind: Database["kind"], id: string): Promise<string | null> {
  const query = queries.selectFrom("budget_purses").select("told").where("id", "=", id);
  const row = await (kind === "postgres" ? query.forUpdate() : query).executeTakeFirst();
  return row?.told ?? null;
}

export async function setTold(queries: Queries, id: string, told: string): Promise<void> {
  await queries.updateTable("budget_purses").set({ told }).where("id", "=", id).execute();
}

/** Purses of windows that are over are of no more use. */
export async function dropPurses(queries: Queries, endedBefore: string): Promise<void> {
  const over = queries.selectFrom("budget_purses").select("id").where("ends_at", "<", endedBefore);
  await queries.deleteFrom("budget_leases").where("purse_id", "in", over).execute();
  await queries.deleteFrom("budget_purses").where("ends_at", "<", endedBefore).execute();
  const used = queries.selectFrom("budget_purses").select("meter_id");
  await queries.deleteFrom("budget_meters").where("id", "not in", used).execute();
}

/** All purses of meters, as they are written. */
export async function pursesOf(queries: Queries, meterIds: readonly string[]) {
  if (meterIds.length === 0) return [];
  return await queries.selectFrom("budget_purses").selectAll().where("meter_id", "in", meterIds).execute();
}
