import type { AuditedTransaction } from "../../db/dialect.ts";
import { type Actor, callerKey } from "../../domain/actor.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/logger.ts";

/** What came of a call, as far as the audit log has to know. */
export type Ending = { actor: Actor; server: string; subject: string; error: string | null };

export type CallRecordsDeps = {
  transaction: AuditedTransaction;
  clock: Clock;
  logger: Pick<Logger, "error">;
};

/** The same refusal of the same caller is recorded once in so long, and so many different ones; then how many more there were. */
const quietMs = 60_000;
const maxDifferent = 20;
const maxCallers = 10_000;
const maxSubject = 500;

/**
 * Audit entries of calls that were refused, or that ended otherwise than was recorded when they began. They are written
 * behind the answer: nothing happens by a refusal that must not go unrecorded.
 */
export class CallRecords {
  readonly #deps: CallRecordsDeps;
  readonly #refusals = new Map<
    string,
    { at: number; different: Set<string>; more: number; before: number }
  >();
  readonly #writing = new Set<Promise<void>>();

  constructor(deps: CallRecordsDeps) {
    this.#deps = deps;
  }

  refused(ending: Ending): void {
    const { actor, server, subject, error } = ending;
    const caller = callerKey(actor);
    const now = this.#deps.clock().getTime();
    let known = this.#refusals.get(caller);
    if (known === undefined || now - known.at >= quietMs) {
      if (this.#refusals.size >= maxCallers) this.#refusals.clear();
      known = { at: now, different: new Set(), more: 0, before: known?.more ?? 0 };
      this.#refusals.set(caller, known);
    }
    const key = JSON.stringify([server, subject, error]);
    if (known.different.has(key) || known.different.size >= maxDifferent) {
      known.more += 1;
      return;
    }
    known.different.add(key);
    // The first of a minute says how many of the last were not written.
    const isFirst = known.different.size === 1 && known.before > 0;
    this.#write("gateway.refused", "refused", ending, isFirst ? { unwritten: known.before } : {});
  }

  /** Of a call that was recorded when it began: it did not end well. */
  failed(ending: Ending, outcome: string): void {
    this.#write("gateway.call_failed", "failed", ending, { outcome });
  }

  /** Resolves when all that was begun is written, or has failed. */
  async settled(): Promise<void> {
    await Promise.all(this.#writing);
  }

  #write(
    action: string,
    status: "refused" | "failed",
    { actor, server, subject, error }: Ending,
    more: Record<string, unknown>,
  ): void {
    const { transaction, logger } = this.#deps;
    const writing = transaction((_, record) =>
      record({
        actor,
        action,
        resource: `server:${server}/${subject.slice(0, maxSubject)}`,
        status,
        metadata: { error: error?.slice(0, maxSubject) ?? null, ...more },
      }),
    )
      .catch((failure: unknown) => logger.error({ err: failure }, `${action} could not be recorded`))
      .finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }
}
