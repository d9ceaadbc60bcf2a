import { type Key, type Locale, type Text, text } from "@ciclo/contract";
import { notFound, type Refusal } from "../../errors.ts";
import type { Queries } from "../../db/dialect.ts";
import { type KeyUsers, nobody } from "../../domain/key-uses.ts";
import type { Clock } from "../../lib/clock.ts";
import { contextOf, keyState, parseReference, referenceOf } from "./rules.ts";
import * as store from "./store.ts";
import type { Vault } from "./vault.ts";
import * as vaultStore from "./vault-store.ts";

export type RingDeps = {
  queries: Queries;
  clock: Clock;
  vault: Vault;
  usersOf(): Promise<ReadonlyMap<string, KeyUsers>>;
};

/** The values in use at one moment. */
export type KeyRing = {
  /** Moves on with each change. */
  revision: number;
  /** Version of the value in use; null where there is none. */
  versionOf(reference: string): number | null;
  /** The value itself. Throws a `Refusal` where there is none. */
  reveal(reference: string): Promise<string>;
};

/** Every key with what may be told of it. */
export async function listKeys(deps: RingDeps, locale: Locale): Promise<Key[]> {
  const { queries } = deps;
  const [keys, versions, last, users] = await Promise.all([
    store.listKeys(queries),
    store.listVersions(queries),
    store.lastRotations(queries),
    deps.usersOf(),
  ]);
  const same = (a: store.KeyId) => (b: store.KeyId) => a.provider === b.provider && a.name === b.name;
  return keys.map((key) => {
    const own = versions.filter(same(key));
    const active = own.find(({ state }) => state === "active");
    const rotation = last.find(same(key));
    const reference = referenceOf(key);
    const expires_at = active?.expires_at ?? null;
    const hasStaged = own.some(({ state }) => state === "staged");
    const state = { revoked_at: key.revoked_at, hasStaged, hasActive: active !== undefined, expires_at };
    return {
      provider: key.provider,
      name: key.name,
      reference,
      state: keyState(state, deps.clock()),
      version: active?.version ?? null,
      created_at: key.created_at,
      value_since: active?.active_since ?? null,
      expires_at,
      used_by: [...(users.get(reference) ?? nobody).servers],
      used_by_models: [...(users.get(reference) ?? nobody).models],
      used_by_webhooks: [...(users.get(reference) ?? nobody).webhooks],
      renewal: key.renewal,
      renewal_problem: renewalProblem(key)?.[locale] ?? null,
      last_handshake:
        rotation === undefined
          ? null
          : {
              at: rotation.ended_at ?? rotation.started_at,
              ok: rotation.status === "promoted",
              detail: rotation.detail[locale],
              rotation_id: rotation.id,
            },
    };
  });
}

/** Why a key cannot be renewed by itself just now. */
export const renewalProblem = ({ renewing_since, renew_error }: store.StoredKey): Text | null =>
  renewing_since === null ? renew_error : cutOff;

const cutOff = text(
  "A renewal is under way, or was cut off: whether the stored value is still good is being found out",
  "Uma renovação está em andamento ou foi interrompida: verifica-se se o valor guardado ainda vale",
);

export async function ringOf({ queries, vault }: RingDeps): Promise<KeyRing> {
  const revision = await vaultStore.readRevision(queries);
  const versions = await store.versionsInUse(queries);
  const byReference = new Map(versions.map((version) => [referenceOf(version), version]));
  return {
    revision,
    versionOf: (reference) => byReference.get(reference)?.version ?? null,
    async reveal(reference) {
      const row = byReference.get(reference);
      const id = parseReference(reference);
      if (id === null) throw new Error("not a reference");
      // It may have been revoked since this ring was made.
      if (row === undefined || !(await store.isInUse(queries, row))) throw noKey(id);
      return vault.open(row, contextOf(row, row.version));
    },
  };
}

export const noKey = (id: store.KeyId): Refusal =>
  notFound(
    `No key ${referenceOf(id)} is stored. Add it: ciclo keys add ${id.provider}/${id.name}`,
    `Não há chave ${referenceOf(id)} guardada. Adicione-a: ciclo keys add ${id.provider}/${id.name}`,
  );
