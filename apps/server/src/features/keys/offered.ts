import { text } from "@ciclo/contract";
import type { AuditedTransaction, Queries } from "../../db/dialect.ts";
import { type Actor, type RecordEntry, system } from "../../domain/actor.ts";
import { isTaken, nobody } from "../../domain/key-uses.ts";
import { Refusal } from "../../errors.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import type { EventBus } from "../../lib/events.ts";
import { ringOf, type RingDeps } from "./ring.ts";
import { referenceOf } from "./rules.ts";
import * as store from "./offered-store.ts";
import type { Vault } from "./vault.ts";
import * as vaultStore from "./vault-store.ts";

export type OfferedKey = { provider: string; name: string; value: string };

/** The keys of a plan, stored in the transaction that submits it; subscribers are notified after the commit. */
export type KeysOfPlan = { store(on: Queries, record: RecordEntry): Promise<void>; told(): Promise<void> };

export type OfferedDeps = RingDeps & {
  queries: Queries;
  transaction: AuditedTransaction;
  clock: Clock;
  vault: Vault;
  bus: Pick<EventBus, "publish">;
  /** Stores a new key, or brings a revoked one back, within a transaction. Returns its version. */
  insert(on: Queries, record: RecordEntry, actor: Actor, key: OfferedKey): Promise<number>;
  /** Takes a key out of use within a transaction. */
  withdraw(
    on: Queries,
    record: RecordEntry,
    actor: Actor,
    id: { provider: string; name: string },
    why: string,
  ): Promise<void>;
  /** How the change of a plan ended; null while it has not, or there is none. */
  outcomeOf(planId: string): Promise<"applied" | "other" | null>;
};

const contextOf = ({ plan_id, provider, name, user_id }: store.OfferedRow): string =>
  `offered ${plan_id} ${user_id} ${provider}/${name}`;

/** Keeps keys that came with a plan until it is submitted. Until then no server gets them. */
export async function offer(
  deps: OfferedDeps,
  actor: Actor,
  planId: string,
  keys: readonly OfferedKey[],
): Promise<void> {
  await deps.transaction(async (on) => {
    for (const { provider, name, value } of keys) {
      const row = {
        plan_id: planId,
        provider,
        name,
        user_id: actor.id ?? actor.name,
        user_name: actor.name,
        created_at: stamp(deps.clock()),
        stored_at: null,
        version: null,
        data_key_id: "",
        sealed: "",
      };
      // A second word of the same person's replaces the first.
      const before = await store.take(on, row);
      await vaultStore.deleteDataKeys(on, before);
      await store.insert(on, { ...row, ...(await deps.vault.put(on, value, contextOf(row))) });
    }
  });
}

/**
 * The keys that a plan's submitter offered with it, or else its author: what somebody else offered with the same plan
 * is theirs. Refuses where a key is stored by now with another value.
 */
export async function keysOfPlan(
  deps: OfferedDeps,
  actor: Actor,
  { planId, authorId }: { planId: string; authorId: string },
): Promise<KeysOfPlan> {
  const rows = (await store.ofPlan(deps.queries, planId)).filter(({ stored_at }) => stored_at === null);
  const by = (userId: string) => rows.filter(({ user_id }) => user_id === userId);
  const own = by(actor.id ?? actor.name);
  const chosen = own.length > 0 ? own : by(authorId);
  const ring = await ringOf(deps);
  const fresh: { row: store.OfferedRow; value: string }[] = [];
  for (const row of chosen) {
    const reference = referenceOf(row);
    const value = await deps.vault.open(row, contextOf(row));
    if (ring.versionOf(reference) === null) fresh.push({ row, value });
    else if ((await ring.reveal(reference)) !== value) throw takenMeanwhile(reference);
  }
  return {
    async store(on, record) {
      for (const { row, value } of fresh) {
        const { provider, name } = row;
        const version = await deps.insert(on, record, actor, { provider, name, value });
        await store.markStored(on, row, version, stamp(deps.clock()));
        await vaultStore.deleteDataKeys(on, [row.data_key_id]);
      }
    },
    told: async () => void (fresh.length > 0 && (await deps.bus.publish("keys.changed"))),
  };
}

/** Settles what came of plans: a key that was stored for one that came to nothing, and that nobody takes, goes with it. */
export async function settleOffered(deps: OfferedDeps): Promise<void> {
  for (const planId of await store.storedPlans(deps.queries)) {
    const outcome = await deps.outcomeOf(planId);
    if (outcome === null) continue;
    const users = await deps.usersOf();
    await deps.transaction(async (on, record) => {
      await vaultStore.moveRevision(on);
      const rows = await store.ofPlan(on, planId);
      for (const row of rows) {
        const isUnused = !isTaken(users.get(referenceOf(row)) ?? nobody);
        const isItsOwn = row.version !== null && (await store.isInUse(on, row, row.version));
        if (outcome === "other" && isUnused && isItsOwn)
          await deps.withdraw(on, record, system, row, `plan ${planId} came to nothing`);
      }
      await vaultStore.deleteDataKeys(
        on,
        rows.map(({ data_key_id }) => data_key_id),
      );
      await store.remove(on, planId);
    });
    await deps.bus.publish("keys.changed");
  }
}

/** Forgets keys of plans that nobody has submitted. Returns how many. */
export const purgeOffered = ({ transaction }: OfferedDeps, before: string, limit: number): Promise<number> =>
  transaction(async (on) => {
    const rows = await store.unstoredBefore(on, before, limit);
    for (const row of rows) await vaultStore.deleteDataKeys(on, await store.take(on, row));
    return rows.length;
  });

const takenMeanwhile = (reference: string): Refusal =>
  new Refusal(
    "already_exists",
    text(
      `Key ${reference} has been stored meanwhile, with another value. Plan again with ${reference} in its place, or rotate it`,
      `A chave ${reference} foi guardada nesse meio-tempo, com outro valor. Planeje de novo com ${reference} em seu lugar, ou rotacione-a`,
    ),
  );
