import { setTimeout as wait } from "node:timers/promises";
import { type Locale, type Rotation, type Text, text } from "@ciclo/contract";
import { isDatabaseUnavailable } from "../../../db/unavailable.ts";
import type { AuditedTransaction, Queries } from "../../../db/dialect.ts";
import { type Actor, system } from "../../../domain/actor.ts";
import { Refusal } from "../../../errors.ts";
import { type Clock, stamp } from "../../../lib/clock.ts";
import type { Logger } from "../../../lib/logger.ts";
import { ringOf, type RingDeps } from "../ring.ts";
import type { Rotations } from "../rotation.ts";
import { recordKey, referenceOf } from "../rules.ts";
import * as store from "../store.ts";
import { type KeyProvider, RenewalRefused } from "./provider.ts";

export type RenewDeps = RingDeps & {
  queries: Queries;
  transaction: AuditedTransaction;
  clock: Clock;
  logger: Logger;
  rotations: Pick<Rotations, "begin" | "refuseUnderWay">;
  providerOf(key: RenewableKey): KeyProvider;
};

export type RenewableKey = store.StoredKey & { renewal: NonNullable<store.StoredKey["renewal"]> };

/** An issuer may still be at work on a request that broke off so recently. */
const unsettledMs = 30_000;
const keepPauseMs = 200;
const sayEveryMs = 10_000;

/**
 * Renews a key through its issuer. That it is about to is written down first, since the issuer may revoke the old value
 * at once: whatever ends this process, the next one knows that the stored value may be good no more, and asks.
 * Call it holding the key's lock.
 */
export async function renewKey(
  deps: RenewDeps,
  actor: Actor,
  key: RenewableKey,
  locale: Locale,
): Promise<Rotation> {
  await deps.rotations.refuseUnderWay(key);
  if (key.renewing_since !== null && !(await settleRenewal(deps, key))) throw stillUnsettled(key);
  const provider = deps.providerOf(key);
  const value = await (await ringOf(deps)).reveal(referenceOf(key));
  await intend(deps, actor, key);
  const renewed = await provider
    .renew({ value, renewal: key.renewal, now: deps.clock() })
    .catch(async (error: unknown) => {
      // The issuer said no: the old value is as it was. Anything else leaves that open.
      if (error instanceof RenewalRefused) await deps.transaction((on) => clearIntent(on, key));
      throw error;
    });
  const mode = provider.revokesOld ? ("report" as const) : ("prove" as const);
  const staging = { ...renewed, mode, reason: `renewed by ${key.renewal.provider}` };
  try {
    return await kept(deps, key, () => deps.rotations.begin(actor, key, staging, locale));
  } catch (error) {
    if (error instanceof Refusal && error.code === "not_found") await tellLeftover(deps, key);
    throw error;
  }
}

/** The key was revoked while its issuer made a new value, which nobody holds: the issuer alone can end it. */
const tellLeftover = ({ transaction }: RenewDeps, key: RenewableKey): Promise<void> =>
  transaction((_, record) =>
    recordKey(
      record,
      system,
      "key.renewal_discarded",
      key,
      { issuer: key.renewal.provider, todo: "revoke the token that the issuer has just made" },
      "failed",
    ),
  );

/** Looks again at renewals that were cut off, on this node or another. */
export async function settleRenewals(
  deps: RenewDeps,
  alone: <T>(id: store.KeyId, work: () => Promise<T>) => Promise<T>,
): Promise<void> {
  const cutOff = (await store.listKeys(deps.queries)).filter(({ renewing_since }) => renewing_since !== null);
  for (const { provider, name } of cutOff) {
    const id = { provider, name };
    const settled = alone(id, async () => {
      const key = await store.findKey(deps.queries, id);
      if (key !== undefined && isRenewable(key) && key.renewing_since !== null) {
        await settleRenewal(deps, key);
      }
    });
    // An issuer that does not answer must not keep the keys of others from being looked at. It is asked again.
    await settled.catch((error: unknown) => {
      deps.logger.warn({ err: error, key: referenceOf(id) }, "an issuer does not say whether a key is good");
    });
  }
}

export const isRenewable = (key: store.StoredKey): key is RenewableKey =>
  key.renewal !== null && key.revoked_at === null;

/** Finds out what became of a renewal that was cut off. False while that cannot be told. */
async function settleRenewal(deps: RenewDeps, key: RenewableKey): Promise<boolean> {
  const age = deps.clock().getTime() - Date.parse(key.renewing_since ?? "");
  if (age < unsettledMs) return false;
  const value = await (await ringOf(deps)).reveal(referenceOf(key));
  const isGood = await deps.providerOf(key).isGood({ value, renewal: key.renewal });
  await deps.transaction(async (on, record) => {
    if (isGood) {
      await clearIntent(on, key);
      return;
    }
    // Asking with it again would only fail: a person has to put a new value in.
    const renew_error = JSON.stringify(lostText);
    await store.updateKey(on, key, { renewing_since: null, renew_after: null, renew_error });
    await recordKey(record, system, "key.renewal_lost", key, { reason: lostText.en }, "failed");
  });
  return true;
}

async function intend({ transaction, clock }: RenewDeps, actor: Actor, key: RenewableKey): Promise<void> {
  await transaction(async (on, record) => {
    await store.updateKey(on, key, { renewing_since: stamp(clock()) });
    await recordKey(record, actor, "key.renewal_started", key, { issuer: key.renewal.provider });
  });
}

const clearIntent = (on: Queries, key: store.KeyId): Promise<void> =>
  store.updateKey(on, key, { renewing_since: null });

/** Writes a value down that exists nowhere else, however long the database takes to be there. */
async function kept<T>({ logger }: RenewDeps, key: store.KeyId, write: () => Promise<T>): Promise<T> {
  for (let saidAt = -Infinity; ;) {
    try {
      return await write();
    } catch (error) {
      if (!isDatabaseUnavailable(error)) throw error;
      if (performance.now() - saidAt > sayEveryMs) {
        saidAt = performance.now();
        logger.error(
          { err: error, key: referenceOf(key) },
          "a renewed key cannot be written down yet; do not end this process",
        );
      }
      await wait(keepPauseMs);
    }
  }
}

const lostText: Text = text(
  "A renewal was cut off after its issuer had replaced the value, so the stored one is good no more. Make a new value at the issuer and rotate the key to it",
  "Uma renovação foi interrompida depois que o emissor já tinha trocado o valor, então o que está guardado não vale mais. Crie um novo valor no emissor e rotacione a chave para ele",
);

const stillUnsettled = (key: store.KeyId): Refusal =>
  new Refusal(
    "rotation_running",
    text(
      `A renewal of ${referenceOf(key)} was cut off a moment ago. The console finds out whether its value is still good; try again in a minute`,
      `Uma renovação de ${referenceOf(key)} foi interrompida há pouco. A console verifica se o valor ainda vale; tente de novo em um minuto`,
    ),
  );
