import type { KeyState, Renewal } from "@ciclo/contract";
import type { Actor, RecordEntry } from "../../domain/actor.ts";

type KeyId = { provider: string; name: string };

const dayMs = 24 * 3_600_000;
/** A key that ends within this time wants attention. */
const soonMs = 7 * dayMs;

/** Where a key stands. Pure. Times are ISO 8601 UTC text. */
export function keyState(
  key: { revoked_at: string | null; hasStaged: boolean; hasActive: boolean; expires_at: string | null },
  now: Date,
): KeyState {
  if (key.revoked_at !== null || !(key.hasActive || key.hasStaged)) return "revoked";
  if (key.hasStaged) return "rotating";
  const left = key.expires_at === null ? Infinity : Date.parse(key.expires_at) - now.getTime();
  return left <= 0 ? "expired" : left <= soonMs ? "expiring" : "active";
}

/** When a key is to be renewed by itself: some days before its end, or at once where that is not known. */
export function renewalDue(renewal: Renewal, expiresAt: string | null, now: Date): Date {
  if (expiresAt === null) return now;
  return new Date(Date.parse(expiresAt) - renewal.renew_days_before * dayMs);
}

/** Days from now, as the date that an API wants. */
export const dateIn = (days: number, now: Date): string =>
  new Date(now.getTime() + days * dayMs).toISOString().slice(0, 10);

export const referenceOf = ({ provider, name }: KeyId): string => `secret:${provider}/${name}`;

/** Key by reference, or null for what is none. */
export function parseReference(reference: string): KeyId | null {
  const [, provider, name] = /^secret:([a-z0-9][a-z0-9-]*)\/([A-Za-z0-9_.-]+)$/.exec(reference) ?? [];
  return provider === undefined || name === undefined ? null : { provider, name };
}

/** Binds a sealed value to its place. */
export const contextOf = ({ provider, name }: KeyId, version: number): string =>
  `key ${provider}/${name}/${version}`;

export const recordKey = (
  record: RecordEntry,
  actor: Actor,
  action: string,
  id: KeyId,
  metadata: Readonly<Record<string, unknown>>,
  status: "succeeded" | "failed" = "succeeded",
): Promise<void> => record({ actor, action, resource: `key:${id.provider}/${id.name}`, status, metadata });
