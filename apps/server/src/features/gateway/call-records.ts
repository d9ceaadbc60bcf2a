import type { AuditedTransaction } from "../../db/dialect.ts";
import type { Actor } from "../../domain/actor.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/logger.ts";

/** What came of a call, as far as the audit log has to know. */
export type Ending = { actor: Actor; server: string; subject: string; error: string | null };

export type CallRecordsDeps = {
  transaction: AuditedTransaction;
  clock: Clock;
  logger: Pick<Logger, "error">;
};

/** The same refusal of the same caller is recorded once in so long, with how many there were before it. */
const quietMs = 60_000;
const maxRemembered = 10_000;
const maxSubject = 500;

/**
 * Audit entries of calls that were refused, or that ended otherwise than was recorded when they began. They are written
 * behind the answer: nothing happens by a refusal that must not go unrecorded.
 */
export class CallRecords {
  readonly #deps: CallRecordsDeps;
  readonly #refusals = new Map<string, { at: number; more: number }>();
  readonly #writing = new Set<Promise<void>>();

  constructor(deps: CallRecordsDeps) {
    this.#deps = deps;
  }

  refused(ending: Ending): void {
    const { actor, server, subject, error } = ending;
    const key = JSON.stringify([actor.id ?? actor.name, server, subject, error]);
    const now = this.#deps.clock().getTime();
    const before = this.#refusals.get(key);
    if (before !== undefined && now - before.at < quietMs) {
      before.more += 1;
      return;
    }
    if (this.#refusals.size >= maxRemembered) this.#refusals.clear();
    this.#refusals.set(key, { at: now, more: 0 });
    this.#write("gateway.refused", "refused", ending, before === undefined ? {} : { before: before.more });
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
