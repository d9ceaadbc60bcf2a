import {
  type Key,
  type Locale,
  permits,
  type Renewal,
  type Rotation,
  type Text,
  text,
} from "@ciclo/contract";
import type { Database, Queries, AuditedTransaction } from "../../db/dialect.ts";
import { fieldError, insufficientPermission, invalidPayload, Refusal } from "../../errors.ts";
import type { Actor, RecordEntry } from "../../domain/actor.ts";
import { isTaken, type KeyUsers, nobody } from "../../domain/key-uses.ts";
import type { Purge } from "../../domain/retention.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import type { EventBus } from "../../lib/events.ts";
import type { Logger } from "../../lib/logger.ts";
import type { KeyProvider } from "./renewal/provider.ts";
import { isRenewable, renewKey, type RenewDeps, settleRenewals } from "./renewal/renew.ts";
import type { HandshakeWith, Rotations } from "./rotation.ts";
import {
  keysOfPlan,
  type KeysOfPlan,
  offer,
  type OfferedDeps,
  type OfferedKey,
  purgeOffered,
  settleOffered,
} from "./offered.ts";
import { type KeyRing, listKeys, noKey, renewalProblem, ringOf } from "./ring.ts";
import { contextOf, recordKey, referenceOf, renewalDue } from "./rules.ts";
import * as store from "./store.ts";
import type { Vault } from "./vault.ts";
import * as vaultStore from "./vault-store.ts";

export type KeysDeps = {
  database: Pick<Database, "exclusively" | "ifFree">;
  queries: Queries;
  transaction: AuditedTransaction;
  clock: Clock;
  logger: Logger;
  vault: Vault;
  providers: Record<Renewal["provider"], KeyProvider>;
  /** Who takes keys in the live configuration, by their reference. */
  usersOf(): Promise<ReadonlyMap<string, KeyUsers>>;
  /** Shakes hands with a server, with other values for some references. */
  handshake: HandshakeWith;
  bus: Pick<EventBus, "publish">;
  /** How the change of a plan ended; null while it has not, or there is none. */
  outcomeOf(planId: string): Promise<"applied" | "other" | null>;
};

export type NewKeyInput = { provider: string; name: string; value: string; expires_at?: string | undefined };

export type KeysService = {
  list(locale: Locale): Promise<Key[]>;
  /** How each stands, for health: what can be said of it in both languages. */
  standings(): Promise<
    (Pick<Key, "reference" | "state" | "expires_at" | "last_handshake"> & { renewal_problem: Text | null })[]
  >;
  add(actor: Actor, key: NewKeyInput, locale: Locale): Promise<Key>;
  /** Stages a new value, proves it, and puts it in use; or keeps the old one. Answers when it has begun. */
  rotate(
    actor: Actor,
    id: store.KeyId,
    request: { value: string; expires_at?: string | undefined; force?: boolean; reason?: string | undefined },
    locale: Locale,
  ): Promise<Rotation>;
  rotation(id: string, locale: Locale): Promise<Rotation>;
  /** The rotation as it goes on, as server-sent events; ends with it. */
  watch(id: string, locale: Locale): Promise<ReadableStream<Uint8Array>>;
  revoke(actor: Actor, id: store.KeyId, locale: Locale): Promise<Key>;
  setRenewal(actor: Actor, id: store.KeyId, renewal: Renewal | null, locale: Locale): Promise<Key>;
  /** Renews a key now, through its provider. */
  renew(actor: Actor, id: store.KeyId, locale: Locale): Promise<Rotation>;
  /** Renews those that are due. Also done by itself, every minute. */
  renewDue(): Promise<void>;
  /** Finds out what became of renewals that were cut off. */
  settleRenewals(): Promise<void>;
  /** Keeps keys that came with a plan until that is submitted. */
  offer(actor: Actor, planId: string, keys: readonly OfferedKey[]): Promise<void>;
  /** Those of a plan that is being submitted, to be stored with it. */
  keysOfPlan(actor: Actor, plan: { planId: string; authorId: string }): Promise<KeysOfPlan>;
  /** Revokes keys that were stored for plans that were rejected or expired. A worker also does this every minute. */
  settleOffered(): Promise<void>;
  /** Forgets keys of plans that nobody submitted. */
  purgeOffered: Purge;
  ring(): Promise<KeyRing>;
  rotateMaster(actor: Actor): Promise<{ rewrapped: number; master_id: string }>;
};

export function createKeysService(deps: KeysDeps, rotations: Rotations): Omit<KeysService, "renewDue"> {
  const { queries, transaction, vault } = deps;
  // One at a time a key: a value that its issuer has just made must find room to be written down.
  const alone = <T>(id: store.KeyId, work: () => Promise<T>): Promise<T> =>
    deps.database.exclusively(`key:${id.provider}/${id.name}`, work);
  const renewing: RenewDeps = {
    ...deps,
    rotations,
    providerOf: ({ renewal }) => deps.providers[renewal.provider],
  };
  const renew = (actor: Actor, id: store.KeyId, locale: Locale): Promise<Rotation> =>
    alone(id, async () => {
      const key = await must(queries, id);
      if (!isRenewable(key)) throw notRenewable(id);
      return renewKey(renewing, actor, key, locale);
    });
  const offered: OfferedDeps = {
    ...deps,
    insert: (on, record, actor, key) => insert(deps, on, record, actor, key),
    withdraw: (on, record, actor, id, why) => withdraw(deps, on, record, actor, id, { used_by: [], why }),
  };
  return {
    list: (locale) => listKeys(deps, locale),
    async standings() {
      const problems = new Map(
        (await store.listKeys(queries)).map((key) => [referenceOf(key), renewalProblem(key)]),
      );
      return (await listKeys(deps, "en")).map((key) => ({
        ...key,
        renewal_problem: problems.get(key.reference) ?? null,
      }));
    },
    add: (actor, key, locale) => add(deps, actor, key, locale),
    async rotate(actor, id, { value, expires_at, force, reason }, locale) {
      await must(queries, id);
      const mode = force === true ? "force" : "prove";
      const staging = { value, expiresAt: expires_at ?? null, mode, reason } as const;
      return alone(id, () => rotations.begin(actor, id, staging, locale));
    },
    rotation: rotations.find,
    watch: rotations.watch,
    revoke: (actor, id, locale) => revoke(deps, actor, id, locale),
    offer: (actor, planId, keys) => offer(offered, actor, planId, keys),
    keysOfPlan: (actor, plan) => keysOfPlan(offered, actor, plan),
    settleOffered: () => settleOffered(offered),
    purgeOffered: (before, limit) => purgeOffered(offered, before, limit),
    setRenewal: (actor, id, renewal, locale) => setRenewal(deps, actor, id, renewal, locale),
    renew,
    settleRenewals: () => settleRenewals(renewing, alone),
    ring: () => ringOf(deps),
    rotateMaster: (actor) => vault.rotateMaster(transaction, actor),
  };
}

async function must(queries: Queries, id: store.KeyId): Promise<store.StoredKey> {
  const key = await store.findKey(queries, id);
  if (key === undefined || key.revoked_at !== null) throw noKey(id);
  return key;
}

async function getKey(deps: KeysDeps, id: store.KeyId, locale: Locale): Promise<Key> {
  const keys = await listKeys(deps, locale);
  const found = keys.find(({ provider, name }) => provider === id.provider && name === id.name);
  if (found === undefined) throw noKey(id);
  return found;
}

async function add(deps: KeysDeps, actor: Actor, key: NewKeyInput, locale: Locale): Promise<Key> {
  await refuseRevival(deps, actor, key);
  await deps.transaction(async (on, record) => void (await insert(deps, on, record, actor, key)));
  await deps.bus.publish("keys.changed");
  return getKey(deps, key, locale);
}

/** A revoked name that is still taken is in use again with its new value: that is a rotation. */
async function refuseRevival(deps: KeysDeps, actor: Actor, id: store.KeyId): Promise<void> {
  if (permits(actor.roles, "rotate_key")) return;
  const known = await store.findKey(deps.queries, id);
  if (known === undefined || known.revoked_at === null) return;
  if (isTaken((await deps.usersOf()).get(referenceOf(id)) ?? nobody))
    throw insufficientPermission(["rotate_key"]);
}

/** Stores a new key, or brings a revoked one back. Returns its version. */
async function insert(
  deps: KeysDeps,
  on: Queries,
  record: RecordEntry,
  actor: Actor,
  { provider, name, value, expires_at }: NewKeyInput,
): Promise<number> {
  const id = { provider, name };
  const at = stamp(deps.clock());
  await vaultStore.moveRevision(on);
  const row = { ...id, created_at: at, created_by: actor.name };
  if (!(await store.insertKey(on, row))) throw existsAlready(id);
  const [newest] = await store.versionsOf(on, id);
  const version = (newest?.version ?? 0) + 1;
  await store.insertVersion(on, {
    ...row,
    version,
    state: "active",
    ...(await deps.vault.put(on, value, contextOf(id, version))),
    active_since: at,
    expires_at: expires_at ?? null,
  });
  await recordKey(record, actor, "key.added", id, { version, expires_at });
  return version;
}

const noRenewal = { renewal: null, renew_after: null, renew_error: null, renewing_since: null };

async function revoke(deps: KeysDeps, actor: Actor, id: store.KeyId, locale: Locale): Promise<Key> {
  const users = (await deps.usersOf()).get(referenceOf(id)) ?? nobody;
  await deps.transaction(async (on, record) => {
    await vaultStore.moveRevision(on);
    await must(on, id);
    await withdraw(deps, on, record, actor, id, {
      used_by: users.servers,
      used_by_models: users.models,
      used_by_webhooks: users.webhooks,
    });
  });
  await deps.bus.publish("keys.changed");
  return getKey(deps, id, locale);
}

/** Takes a key out of use and wipes its values: those of rotations under way too. */
async function withdraw(
  { clock }: KeysDeps,
  on: Queries,
  record: RecordEntry,
  actor: Actor,
  id: store.KeyId,
  why: Readonly<Record<string, unknown>>,
): Promise<void> {
  await store.updateKey(on, id, { revoked_at: stamp(clock()), ...noRenewal });
  const versions = await store.versionsOf(on, id);
  const live = versions.filter(({ state }) => state === "active" || state === "staged");
  for (const { version } of live)
    await store.updateVersion(on, id, version, { state: "retired", sealed: "" });
  await vaultStore.deleteDataKeys(
    on,
    live.map(({ data_key_id }) => data_key_id),
  );
  await recordKey(record, actor, "key.revoked", id, why);
}

async function setRenewal(
  deps: KeysDeps,
  actor: Actor,
  id: store.KeyId,
  renewal: Renewal | null,
  locale: Locale,
): Promise<Key> {
  await must(deps.queries, id);
  const { expires_at } = await getKey(deps, id, locale);
  const due = renewal === null ? null : stamp(renewalDue(renewal, expires_at, deps.clock()));
  await deps.transaction(async (on, record) => {
    const values = {
      renewal: renewal === null ? null : JSON.stringify(renewal),
      renew_after: due,
      renew_error: null,
    };
    await store.updateKey(on, id, values);
    await recordKey(record, actor, "key.renewal_set", id, { renewal });
  });
  return getKey(deps, id, locale);
}

const existsAlready = (id: store.KeyId): Refusal =>
  new Refusal(
    "already_exists",
    text(
      `Key ${referenceOf(id)} is stored already. Refer to it, or rotate it: ciclo keys rotate ${id.provider}/${id.name}`,
      `A chave ${referenceOf(id)} já está guardada. Cite-a ou rotacione-a: ciclo keys rotate ${id.provider}/${id.name}`,
    ),
  );

const notRenewable = (id: store.KeyId): Refusal =>
  invalidPayload([
    fieldError(
      "renewal",
      `${referenceOf(id)} has no provider that renews it`,
      `${referenceOf(id)} não tem provedor que a renove`,
    ),
  ]);
