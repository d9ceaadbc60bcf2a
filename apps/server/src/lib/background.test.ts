import { AsyncLocalStorage } from "node:async_hooks";
import { text } from "@ciclo/contract";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Refusal } from "../errors.ts";
import { Rounds, Tasks, Worker } from "./background.ts";
import type { Logger } from "./logger.ts";

type Line = { level: "warn" | "error"; message: string };

function recordingLogger(): { logger: Logger; lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: Line["level"]) => (_: object, message: string) => void lines.push({ level, message });
  return { logger: { warn: at("warn"), error: at("error") } as unknown as Logger, lines };
}

/** Lets everything run that waits for nothing but other promises. */
const settled = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("rounds", () => {
  it("never overlap, also where the first part of a pass asks for another", async () => {
    let atOnce = 0;
    let most = 0;
    let passes = 0;
    const rounds: Rounds = new Rounds(async () => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      passes += 1;
      if (passes < 5) void rounds.run();
      await Promise.resolve();
      atOnce -= 1;
    });
    await rounds.run();
    await settled();
    expect({ passes, most }).toEqual({ passes: 5, most: 1 });
  });

  it("go on behind a pass that throws before it waits for anything", async () => {
    const rounds = new Rounds(() => {
      throw new Error("at once");
    });
    await expect(rounds.run()).rejects.toThrow("at once");
    await expect(rounds.run()).rejects.toThrow("at once");
  });

  it("tell those who asked when they are stopped before their pass", async () => {
    const gate = Promise.withResolvers<void>();
    const rounds = new Rounds(() => gate.promise);
    const first = rounds.run();
    const second = rounds.run().catch(String);
    const stopped = rounds.stop();
    gate.resolve();
    await Promise.all([first, stopped]);
    expect(await second).toContain("stops");
    await expect(rounds.run()).rejects.toThrow("stops");
  });

  it("run one pass at a time, and callers meanwhile share the next", async () => {
    const gates: PromiseWithResolvers<void>[] = [];
    const rounds = new Rounds(() => {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      return gate.promise;
    });
    const ended: string[] = [];
    const ask = (name: string) => void rounds.run().then(() => ended.push(name));
    ask("first");
    ask("second");
    ask("third");
    await settled();
    expect(gates).toHaveLength(1);
    gates[0]?.resolve();
    await settled();
    expect(ended).toEqual(["first"]);
    expect(gates).toHaveLength(2);
    gates[1]?.resolve();
    await settled();
    expect(ended).toEqual(["first", "second", "third"]);
    expect(gates).toHaveLength(2);
  });

  it("never overlap, and every caller gets a pass that began after it asked", async () => {
    vi.useRealTimers();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(5), { minLength: 1, maxLength: 30 }), async (pauses) => {
        let begun = 0;
        let ended = 0;
        const rounds = new Rounds(async () => {
          begun += 1;
          expect(begun).toBe(ended + 1);
          for (let turn = 0; turn < 3; turn += 1) await Promise.resolve();
          ended += 1;
        });
        const asked: Promise<void>[] = [];
        for (const pause of pauses) {
          const before = begun;
          asked.push(rounds.run().then(() => expect(ended).toBeGreaterThan(before)));
          for (let turn = 0; turn < pause; turn += 1) await Promise.resolve();
        }
        await Promise.all(asked);
        expect(begun).toBe(ended);
      }),
    );
  });

  it("tell a failure to those who asked for that pass, and go on", async () => {
    let passes = 0;
    const rounds = new Rounds(async () => {
      passes += 1;
      if (passes === 1) throw new Error("no");
    });
    const [first, second] = [rounds.run(), rounds.run()];
    await expect(first).rejects.toThrow("no");
    await expect(second).resolves.toBeUndefined();
  });
});

describe("a worker", () => {
  it("runs at once, then when it is due, and stops waiting for the pass under way", async () => {
    const { logger } = recordingLogger();
    let passes = 0;
    const gate = Promise.withResolvers<void>();
    let aborted = false;
    const worker = new Worker({
      name: text("test", "teste"),
      logger,
      everyMs: 1000,
      async pass(signal) {
        passes += 1;
        if (passes < 3) return;
        await gate.promise;
        aborted = signal.aborted;
      },
    });
    worker.wake();
    expect(passes).toBe(0);
    void worker.start();
    await settled();
    expect(passes).toBe(1);
    await vi.advanceTimersByTimeAsync(999);
    expect(passes).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(passes).toBe(2);
    await vi.advanceTimersByTimeAsync(1000);
    expect(passes).toBe(3);
    let isStopped = false;
    const stopped = worker.stop().then(() => (isStopped = true));
    await settled();
    expect(isStopped).toBe(false);
    gate.resolve();
    await stopped;
    expect(aborted).toBe(true);
    worker.wake();
    await expect(worker.run()).rejects.toThrow("stops");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(passes).toBe(3);
  });

  it("tries a failed pass again with a growing, bounded wait, and says what it waits for", async () => {
    const { logger, lines } = recordingLogger();
    const at: number[] = [];
    let fails = true;
    const worker = new Worker({
      name: text("test", "teste"),
      logger,
      retry: { firstMs: 100, longestMs: 400 },
      async pass() {
        at.push(Date.now());
        if (fails)
          throw at.length === 1 ? new Refusal("internal", text("for now", "por ora")) : new Error("broken");
      },
    });
    void worker.start();
    await settled();
    // Whoever wakes it meanwhile does not shorten the wait.
    for (let count = 0; count < 20; count += 1) worker.wake();
    worker.wakeWithin(1);
    await vi.advanceTimersByTimeAsync(1500);
    expect(at.map((time) => time - (at[0] ?? 0))).toEqual([0, 100, 300, 700, 1100, 1500]);
    expect(worker.troubles()).toMatchObject([{ name: text("test", "teste"), failures: 6 }]);
    expect(lines[0]).toEqual({ level: "warn", message: "test failed; it is tried again" });
    expect(lines[1]?.level).toBe("error");
    fails = false;
    await vi.advanceTimersByTimeAsync(400);
    expect(worker.troubles()).toEqual([]);
    const passes = at.length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(at).toHaveLength(passes);
    await worker.stop();
  });

  it("gives one pass to those who want one within a time", async () => {
    let passes = 0;
    const worker = new Worker({
      name: text("test", "teste"),
      logger: recordingLogger().logger,
      pass: async () => void (passes += 1),
    });
    void worker.start();
    await settled();
    worker.wakeWithin(250);
    await vi.advanceTimersByTimeAsync(100);
    worker.wakeWithin(250);
    await vi.advanceTimersByTimeAsync(150);
    expect(passes).toBe(2);
    await vi.advanceTimersByTimeAsync(1000);
    expect(passes).toBe(2);
    await worker.stop();
  });

  it("works outside the context of whoever wakes it", async () => {
    const context = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const worker = new Worker({
      name: text("test", "teste"),
      logger: recordingLogger().logger,
      everyMs: 100,
      pass: async () => void seen.push(context.getStore()),
    });
    context.run("somebody's request", () => void worker.start());
    await vi.advanceTimersByTimeAsync(250);
    await context.run("another's", () => worker.run());
    expect(seen).toEqual([undefined, undefined, undefined, undefined]);
    await worker.stop();
  });
});

describe("tasks", () => {
  it("run outside the caller's context, log what fails, and are waited for", async () => {
    const context = new AsyncLocalStorage<string>();
    const { logger, lines } = recordingLogger();
    const tasks = new Tasks(logger);
    const gate = Promise.withResolvers<void>();
    const seen: (string | undefined)[] = [];
    context.run("a request", () => {
      void tasks.run("first", async () => {
        await gate.promise;
        seen.push(context.getStore());
      });
      void tasks.run("second", () => Promise.reject(new Error("no")));
    });
    let isStopped = false;
    const stopped = tasks.stop().then(() => (isStopped = true));
    await settled();
    expect(isStopped).toBe(false);
    expect(tasks.signal.aborted).toBe(true);
    gate.resolve();
    await stopped;
    expect(seen).toEqual([undefined]);
    expect(lines).toEqual([{ level: "error", message: "second failed" }]);
  });
});
