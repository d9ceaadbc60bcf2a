import { text, type Locale, type Rotation } from "@ciclo/contract";
import type { AuditedTransaction, Queries } from "../../../db/dialect.ts";
import { type Actor, system } from "../../../domain/actor.ts";
import { Refusal } from "../../../errors.ts";
import { type Clock, stamp } from "../../../lib/clock.ts";
import * as store from "../store.ts";

export type RenewDueDeps = {
  queries: Queries;
  transaction: AuditedTransaction;
  clock: Clock;
  renew(actor: Actor, id: store.KeyId, locale: Locale): Promise<Rotation>;
};

const retryMs = 3_600_000;

/** Renews keys that have fallen due. One that fails is tried again after an hour, with the reason at the key. */
export async function renewDueKeys(deps: RenewDueDeps): Promise<void> {
  const now = stamp(deps.clock());
  const due = (await store.listKeys(deps.queries)).filter(
    ({ renew_after, revoked_at }) => renew_after !== null && revoked_at === null && renew_after <= now,
  );
  for (const key of due) await renewOne(deps, key);
}

async function renewOne({ transaction, clock, renew }: RenewDueDeps, key: store.StoredKey): Promise<void> {
  // Put off first: one that fails, or a process that ends here, does not ask at every turn.
  const later = stamp(new Date(clock().getTime() + retryMs));
  if (!(await transaction((on) => store.putOffRenewal(on, key, later)))) return;
  try {
    await renew(system, key, "en");
  } catch (error) {
    const why = error instanceof Refusal ? error.detail : text(messageOf(error), messageOf(error));
    await transaction(async (on, record) => {
      await store.updateKey(on, key, { renew_error: JSON.stringify(why) });
      await record({
        actor: system,
        action: "key.renewal_failed",
        resource: `key:${key.provider}/${key.name}`,
        status: "failed",
        metadata: { reason: why.en },
      });
    });
  }
}

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : "failed").slice(0, 300);
