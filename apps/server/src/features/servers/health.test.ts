import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Health, nextHealth, retryMs, unknownHealth } from "./health.ts";

const slowMs = 100;
const look = fc.oneof(
  fc.constant({ ok: false, ms: null }),
  fc.record({ ok: fc.constant(true), ms: fc.integer({ min: 0, max: 250 }) }),
);
const after = (looks: readonly { ok: boolean; ms: number | null }[], from: Health = unknownHealth): Health =>
  looks.reduce((health, each) => nextHealth(health, each, slowMs), from);
const good = { ok: true, ms: 10 };
const bad = { ok: false, ms: null };
const slow = { ok: true, ms: slowMs + 1 };

describe("health", () => {
  it("is down after three failures in a row, whatever was before", () => {
    fc.assert(
      fc.property(fc.array(look), (looks) => {
        expect(after([...looks, bad, bad, bad]).state).toBe("down");
      }),
    );
  });

  it("is healthy after two good answers in a row, whatever was before", () => {
    fc.assert(
      fc.property(fc.array(look), (looks) => {
        expect(after([...looks, good, good]).state).toBe("healthy");
      }),
    );
  });

  it("is never healthy right after a failure or a slow answer", () => {
    fc.assert(
      fc.property(fc.array(look), fc.constantFrom(bad, slow), (looks, last) => {
        expect(after([...looks, last]).state).not.toBe("healthy");
      }),
    );
  });

  it("goes from healthy to down only by way of degraded", () => {
    fc.assert(
      fc.property(fc.array(look), look, (looks, last) => {
        const before = after(looks);
        const now = nextHealth(before, last, slowMs);
        expect(before.state === "healthy" && now.state === "down").toBe(false);
      }),
    );
  });

  it("tries again later each time, up to a minute", () => {
    expect([1, 2, 3, 6, 7, 50].map(retryMs)).toEqual([1000, 2000, 4000, 32_000, 60_000, 60_000]);
  });
});
