import { randomBytes } from "node:crypto";
import { text } from "@ciclo/contract";
import type { Queries, AuditedTransaction } from "../../db/dialect.ts";
import { Refusal } from "../../errors.ts";
import type { Actor } from "../../domain/actor.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { newId } from "../../lib/ids.ts";
import { type MasterKey, MasterKeyError } from "../../lib/master-key.ts";
import { masterIdOf, seal, unseal, wrappingKey } from "./seal.ts";
import * as store from "./vault-store.ts";

export type VaultDeps = { queries: Queries; clock: Clock; master: MasterKey };

/**
 * Data keys, each wrapped by the master key. Rotating the master key rewraps them and
 * touches no value; processes that run meanwhile find the new one in its file.
 */
export type Vault = {
  /** Seals a value under a new data key, in a transaction. */
  put(queries: Queries, value: string, context: string): Promise<{ data_key_id: string; sealed: string }>;
  open(row: { data_key_id: string; sealed: string }, context: string): Promise<string>;
  /** A key that outlives rotations of the master key: made from it when it is first asked for. */
  named(id: string, make: (masterKey: Buffer) => Buffer): Promise<Buffer>;
  /** Wraps every data key with a new master key. Refuses where the key is given by value. */
  rotateMaster(
    transaction: AuditedTransaction,
    actor: Actor,
  ): Promise<{ rewrapped: number; master_id: string }>;
};

const contextOf = (id: string): string => `data key ${id}`;

/** Opens the vault. Throws when what is stored was wrapped with another master key. */
export async function openVault(deps: VaultDeps): Promise<Vault> {
  const { queries, master } = deps;
  await settle(deps);
  const known = new Map<string, Buffer>();
  const unwrap = async (id: string): Promise<Buffer> => {
    const cached = known.get(id);
    if (cached !== undefined) return cached;
    const row = await store.findDataKey(queries, id);
    if (row === undefined) throw new Error(`data key ${id} is not there`);
    const key = unseal(wrappingKey(await masterOf(master, row.master_id)), row.wrapped, contextOf(id));
    known.set(id, key);
    return key;
  };
  const wrap = async (on: Queries, id: string, key: Buffer): Promise<void> => {
    const other = await store.anyDataKey(on);
    const masterKey = other === undefined ? master.current() : await masterOf(master, other.master_id);
    await store.insertDataKey(on, {
      id,
      master_id: masterIdOf(masterKey),
      wrapped: seal(wrappingKey(masterKey), key, contextOf(id)),
      created_at: stamp(deps.clock()),
    });
  };
  return {
    async put(on, value, context) {
      const [id, key] = [newId(), randomBytes(32)];
      await wrap(on, id, key);
      return { data_key_id: id, sealed: seal(key, Buffer.from(value), context) };
    },
    open: async (row, context) => unseal(await unwrap(row.data_key_id), row.sealed, context).toString(),
    async named(id, make) {
      if ((await store.findDataKey(queries, id)) === undefined)
        await wrap(queries, id, make(master.current()));
      return unwrap(id);
    },
    async rotateMaster(transaction, actor) {
      if (master.replace === null) throw givenByValue();
      let rewrapped = 0;
      let masterId = "";
      await master.replace((next) =>
        transaction(async (on, record) => {
          await store.moveRevision(on);
          masterId = masterIdOf(next);
          for (const row of await store.allDataKeys(on)) {
            const old = wrappingKey(await masterOf(master, row.master_id));
            const key = unseal(old, row.wrapped, contextOf(row.id));
            const wrapped = seal(wrappingKey(next), key, contextOf(row.id));
            await store.rewrapDataKey(on, { id: row.id, master_id: masterId, wrapped });
            rewrapped += 1;
          }
          await record({
            actor,
            action: "key.master_rotated",
            resource: "master key",
            status: "succeeded",
            metadata: { rewrapped, master_id: masterId },
          });
        }),
      );
      return { rewrapped, master_id: masterId };
    },
  };
}

/** The master key of an id: ours, or the one that is in the file by now. */
async function masterOf(master: MasterKey, id: string): Promise<Buffer> {
  if (masterIdOf(master.current()) === id) return master.current();
  const reloaded = await master.reload();
  if (masterIdOf(reloaded) === id) return reloaded;
  // A rotation beside this process is between the database and the file, or ended there.
  const pending = await master.pending();
  if (pending !== null && masterIdOf(pending) === id) return pending;
  throw new MasterKeyError(
    `CICLO_MASTER_KEY, CICLO_MASTER_KEY_FILE: the stored keys are wrapped with master key ${id}, and this is ${masterIdOf(reloaded)}`,
  );
}

/** Finishes a rotation that broke off between the database and the file, and checks that the key fits. */
async function settle({ queries, master }: VaultDeps): Promise<void> {
  const row = await store.anyDataKey(queries);
  const pending = await master.pending();
  if (pending !== null && row !== undefined && masterIdOf(pending) === row.master_id) await master.settle();
  if (row !== undefined) await masterOf(master, row.master_id);
}

const givenByValue = (): Refusal =>
  new Refusal(
    "policy_denied",
    text(
      "The master key is given as CICLO_MASTER_KEY, so it is not the console's to change. Put it into CICLO_MASTER_KEY_FILE to rotate it here",
      "A chave mestra é dada em CICLO_MASTER_KEY, então não cabe à console trocá-la. Coloque-a em CICLO_MASTER_KEY_FILE para rotacioná-la aqui",
    ),
  );
