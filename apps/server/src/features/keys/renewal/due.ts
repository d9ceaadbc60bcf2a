import { text, type Locale, type Rotation } from "@ciclo/contract";
import type { Queries } from "../../../db/dialect.ts";
import { Refusal } from "../../../errors.ts";
import { type Actor, type AuditedTransaction, system } from "../../../lib/actor.ts";
import { type Clock, stamp } from "../../../lib/clock.ts";
import type { Logger } from "../../../lib/logger.ts";
import * as store from "../store.ts";

export type RenewalTimerDeps = {
  queries: Queries;
  transaction: AuditedTransaction;
  clock: Clock;
  logger: Logger;
  renew(actor: Actor, id: store.KeyId, locale: Locale): Promise<Rotation>;
  /** Ends rotations that another node's crash left running. */
  recover(): Promise<void>;
};

const lookMs = 60_000;
const retryMs = 3_600_000;

/** Renews keys that fall due. One that fails is tried again after an hour, with the reason at the key. */
export class RenewalTimer {
  readonly #deps: RenewalTimerDeps;
  #timer: NodeJS.Timeout | null = null;
  #round: Promise<void> | null = null;

  constructor(deps: RenewalTimerDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = setInterval(() => void this.run(), lookMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** One round over all keys. Calls while it runs share it. */
  run(): Promise<void> {
    this.#round ??= this.#renewDue()
      .catch((error: unknown) => this.#deps.logger.error({ err: error }, "keys could not be renewed"))
      .finally(() => {
        this.#round = null;
      });
    return this.#round;
  }

  async #renewDue(): Promise<void> {
    const { queries, clock, recover } = this.#deps;
    await recover();
    const now = stamp(clock());
    const due = (await store.listKeys(queries)).filter(
      ({ renew_after, revoked_at }) => renew_after !== null && revoked_at === null && renew_after <= now,
    );
    for (const key of due) await this.#renewOne(key);
  }

  async #renewOne(key: store.StoredKey): Promise<void> {
    const { transaction, clock } = this.#deps;
    // Put off first: one that fails, or a process that ends here, does not ask at every turn.
    const later = stamp(new Date(clock().getTime() + retryMs));
    if (!(await transaction((on) => store.putOffRenewal(on, key, later)))) return;
    try {
      await this.#deps.renew(system, key, "en");
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
}

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : "failed").slice(0, 300);
