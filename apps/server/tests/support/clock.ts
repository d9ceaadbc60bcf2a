import type { Clock } from "../../src/lib/clock.ts";

/** A clock that moves on by a millisecond each time it is read, so that order is certain. */
export function countingClock(start = "2026-01-01T00:00:00.000Z"): Clock {
  let now = Date.parse(start);
  return () => new Date((now += 1));
}

/** A clock that a test moves. */
export function settableClock(
  start = "2026-01-01T00:00:00.000Z",
): Clock & { advance(ms: number): void; set(time: string): void } {
  let now = Date.parse(start);
  const clock = () => new Date(now);
  return Object.assign(clock, {
    advance: (ms: number) => void (now += ms),
    set: (time: string) => void (now = Date.parse(time)),
  });
}
