import type { Clock } from "../../../lib/clock.ts";

type Bucket = { tokens: number; at: number };

const minuteMs = 60_000;
const maxCallers = 50_000;

/** A bucket a caller and policy: so many calls a minute, and as many at once after a pause. */
export class CallRates {
  readonly #buckets = new Map<string, Bucket>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes one call. Seconds to wait where there is none left; 0 when it was taken. */
  take(key: string, perMinute: number): number {
    const now = this.#clock().getTime();
    const bucket = this.#buckets.get(key) ?? { tokens: perMinute, at: now };
    const tokens = Math.min(perMinute, bucket.tokens + ((now - bucket.at) * perMinute) / minuteMs);
    if (!this.#buckets.has(key) && this.#buckets.size >= maxCallers) this.#buckets.clear();
    this.#buckets.set(key, { tokens: tokens < 1 ? tokens : tokens - 1, at: now });
    return tokens < 1 ? Math.max(1, Math.ceil(((1 - tokens) * minuteMs) / perMinute / 1000)) : 0;
  }
}
