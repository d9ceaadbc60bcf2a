import type { Clock } from "../../lib/clock.ts";

type Window = { failures: number; endsAt: number };

/**
 * Counts failures per address in fixed windows. It is asked only after a
 * credential has failed, so it cannot lock a valid one out.
 */
export class FailureLimiter {
  readonly #windows = new Map<string, Window>();
  readonly #clock: Clock;
  readonly #options: { failures: number; windowMs: number; addresses: number };

  constructor(clock: Clock, options = { failures: 20, windowMs: 60_000, addresses: 10_000 }) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Notes a failure. Says how long to wait when there were too many, and whether this is the first over. */
  fail(address: string): { retryAfterSeconds: number; first: boolean } | null {
    const now = this.#clock().getTime();
    const window = this.#windowOf(address, now);
    window.failures += 1;
    const over = window.failures - this.#options.failures;
    if (over <= 0) return null;
    return { retryAfterSeconds: Math.max(1, Math.ceil((window.endsAt - now) / 1000)), first: over === 1 };
  }

  #windowOf(address: string, now: number): Window {
    const known = this.#windows.get(address);
    if (known !== undefined && known.endsAt > now) return known;
    this.#windows.delete(address);
    if (this.#windows.size >= this.#options.addresses) {
      const [oldest] = this.#windows.keys();
      if (oldest !== undefined) this.#windows.delete(oldest);
    }
    const window = { failures: 0, endsAt: now + this.#options.windowMs };
    this.#windows.set(address, window);
    return window;
  }
}
