import type { AuditEventTable } from "../../db/schema.ts";
import { sha256 } from "../../lib/crypto.ts";

/** A row of `audit_events` as it is stored: lists and objects are JSON text. */
export type StoredEvent = AuditEventTable;

/** `prev_hash` of the first event. */
export const genesis = "0".repeat(64);

/**
 * Hash of an event: SHA-256 over the JSON array of its columns in table order,
 * `prev_hash` included, so each event vouches for all before it.
 */
export function eventHash(event: Omit<StoredEvent, "hash">): string {
  return sha256(
    JSON.stringify([
      event.seq,
      event.id,
      event.at,
      event.actor_id,
      event.actor_name,
      event.actor_roles,
      event.action,
      event.resource,
      event.status,
      event.plan_id,
      event.metadata,
      event.prev_hash,
    ]),
  );
}

/** What is wrong with an event that should follow `previous`; null when nothing is. */
export function brokenLink(
  previous: { seq: number; hash: string },
  event: StoredEvent,
): { seq: number; reason: string } | null {
  const expected = previous.seq + 1;
  if (event.seq !== expected) return { seq: expected, reason: "event is missing" };
  if (event.prev_hash !== previous.hash) {
    return { seq: event.seq, reason: "prev_hash is not the hash of the event before" };
  }
  if (event.hash !== eventHash(event)) {
    return { seq: event.seq, reason: "contents do not match the hash" };
  }
  return null;
}
