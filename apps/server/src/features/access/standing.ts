import { Semaphore } from "../../lib/semaphore.ts";
import type { Clock } from "../../lib/clock.ts";
import type { StandingAnswer } from "../../domain/access.ts";

const recheckedAtOnce = 8;
/** A user who was changed by hand, past the audit log, is met within this time, in milliseconds. */
const allEveryMs = 10_000;

/** Answers that go on: each ends as soon as its caller may no longer have it. */
export class StandingAnswers {
  readonly #held = new Set<StandingAnswer>();
  readonly #clock: Clock;
  readonly #turns = new Semaphore(recheckedAtOnce);
  #askedAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keeps an eye on an answer. Returns what lets go of it, for when it has ended otherwise. */
  hold(answer: StandingAnswer): () => void {
    this.#held.add(answer);
    return () => this.#held.delete(answer);
  }

  /** Ends those whose credential has come to its end; now and then asks of all of them. */
  async look(): Promise<void> {
    const now = this.#clock().toISOString();
    for (const answer of this.#held) if (answer.until !== null && answer.until <= now) this.#end(answer);
    if (performance.now() - this.#askedAt >= allEveryMs) await this.recheck();
  }

  /** Asks of all of them again. */
  async recheck(): Promise<void> {
    this.#askedAt = performance.now();
    await Promise.all([...this.#held].map((answer) => this.#turns.run(() => this.#ask(answer))));
  }

  async #ask(answer: StandingAnswer): Promise<void> {
    if (!this.#held.has(answer)) return;
    try {
      await answer.recheck();
    } catch {
      // Whether because the caller may not, or because that cannot be found out: the door closes. Who may comes back.
      this.#end(answer);
    }
  }

  #end(answer: StandingAnswer): void {
    if (this.#held.delete(answer)) answer.end();
  }
}
