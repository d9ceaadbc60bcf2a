import type { Text } from "@ciclo/contract";
import type { WorkerTrouble } from "../domain/feature.ts";
import { AsyncLocalStorage } from "node:async_hooks";
import { Refusal } from "../errors.ts";
import type { Logger } from "./logger.ts";

/**
 * Runs work outside the context of whoever asks for it: without the id of their request and
 * without the lock they hold. What goes on in the background belongs to neither.
 */
export const detached: <T>(work: () => T) => T = AsyncLocalStorage.snapshot();

/** A pass of background work. The signal is aborted when the work should end early. */
export type Pass = (signal: AbortSignal) => Promise<void>;

/**
 * Runs one pass at a time. Callers that arrive during a pass share the next one, which begins after
 * they asked. Each pass runs detached.
 */
export class Rounds {
  readonly #pass: Pass;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #next: PromiseWithResolvers<void> | null = null;

  constructor(pass: Pass) {
    this.#pass = pass;
  }

  get stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Resolves when a pass that began after this call has ended; rejects with what it threw, or when stopped before. */
  run(): Promise<void> {
    if (this.stopped) return Promise.reject(this.#stopping.signal.reason);
    this.#next ??= Promise.withResolvers();
    const { promise } = this.#next;
    if (this.#running === null) this.#begin();
    return promise;
  }

  /** Starts no further pass, aborts the signal of the one under way and waits for its end. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the console stops"));
    this.#next?.reject(this.#stopping.signal.reason);
    this.#next = null;
    await this.#running;
  }

  #begin(): void {
    const asked = this.#next;
    if (asked === null || this.stopped) return;
    this.#next = null;
    this.#running = detached(async () => {
      // Whoever asks for another pass in the first part of this one must find it running.
      await Promise.resolve();
      try {
        await this.#pass(this.#stopping.signal);
        asked.resolve();
      } catch (error) {
        asked.reject(error);
      }
      this.#running = null;
      this.#begin();
    });
  }
}

export type WorkerOptions = {
  /** How logs and health name it. */
  name: Text;
  logger: Logger;
  pass: Pass;
  /** Milliseconds between the end of a pass and the start of the next. Without it a pass runs only when asked for. */
  everyMs?: number;
  /** The wait after a failed pass, in milliseconds: `firstMs`, doubled with each further failure up to `longestMs`. */
  retry?: { firstMs: number; longestMs: number };
};

const defaultRetry = { firstMs: 1000, longestMs: 30_000 };

/**
 * A named piece of background work: the only way to do anything at intervals or behind an answer.
 * A failed pass is logged and tried again, with a growing wait.
 */
export class Worker {
  readonly name: Text;
  readonly #options: WorkerOptions;
  readonly #rounds: Rounds;
  #timer: NodeJS.Timeout | null = null;
  #dueAt = Infinity;
  #failures = 0;
  #error: unknown = null;
  #started = false;

  constructor(options: WorkerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#rounds = new Rounds((signal) => this.#pass(signal));
  }

  get started(): boolean {
    return this.#started && !this.#rounds.stopped;
  }

  /** The worker itself where its latest pass failed; nothing while that went well. */
  troubles(): WorkerTrouble[] {
    return this.#failures === 0 ? [] : [{ name: this.name, failures: this.#failures, error: this.#error }];
  }

  /**
   * Runs the first pass now and the others when they are due. Until then `wake` does nothing.
   * Resolves when the first has ended, well or not.
   */
  async start(): Promise<void> {
    this.#started = true;
    // The failure has been logged by the pass itself, which also plans the retry.
    await this.#rounds.run().catch(() => undefined);
  }

  /**
   * Has a pass run soon, if the worker has been started: at once, or, after one that failed, when it is tried again.
   * Whoever wakes it does not learn how it ends.
   */
  wake(): void {
    if (this.#failures === 0) this.#wakeNow();
  }

  /** Has a pass run within so many milliseconds: several callers within that time get one pass together. */
  wakeWithin(ms: number): void {
    if (this.started && this.#failures === 0) this.#schedule(ms);
  }

  #wakeNow(): void {
    if (this.started) void this.start();
  }

  /** Resolves when a pass that began after this call has ended; rejects with what it threw. Also before `start`. */
  run(): Promise<void> {
    return this.#rounds.run();
  }

  /** Starts no further pass, aborts the signal of the one under way and waits for its end. */
  async stop(): Promise<void> {
    this.#clear();
    await this.#rounds.stop();
    this.#clear();
  }

  async #pass(signal: AbortSignal): Promise<void> {
    this.#clear();
    const { everyMs } = this.#options;
    try {
      await this.#options.pass(signal);
      this.#failures = 0;
      if (everyMs !== undefined) this.#schedule(everyMs);
    } catch (error) {
      this.#failures += 1;
      this.#error = error;
      const waitMs = this.#retryMs();
      this.#log(error, waitMs);
      this.#schedule(waitMs);
      throw error;
    }
  }

  #retryMs(): number {
    const { firstMs, longestMs } = this.#options.retry ?? defaultRetry;
    return Math.min(longestMs, firstMs * 2 ** Math.min(20, this.#failures - 1));
  }

  #log(error: unknown, retryInMs: number): void {
    // What stops under way may fail; that it did says nothing.
    if (this.#rounds.stopped) return;
    const level = error instanceof Refusal ? "warn" : "error";
    const facts = { err: error, worker: this.name.en, failures: this.#failures };
    this.#options.logger[level](
      this.#started ? { ...facts, retry_in_ms: retryInMs } : facts,
      `${this.name.en} failed${this.#started ? "; it is tried again" : ""}`,
    );
  }

  #schedule(ms: number): void {
    const dueAt = performance.now() + ms;
    if (!this.started || dueAt >= this.#dueAt) return;
    this.#clear();
    this.#dueAt = dueAt;
    this.#timer = setTimeout(() => this.#wakeNow(), ms).unref();
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#dueAt = Infinity;
  }
}

/**
 * Single pieces of work that go on behind an answer. Each runs detached; a failure is logged with
 * its name, and `stop` waits for all that are under way.
 */
export class Tasks {
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Aborted when the console stops. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Starts the work, unless the console stops. Resolves at its end, however it ends. */
  run(name: string, work: Pass): Promise<void> {
    if (this.signal.aborted) return Promise.resolve();
    const task = detached(async () => {
      try {
        await work(this.#stopping.signal);
      } catch (error) {
        this.#logger.error({ err: error, task: name }, `${name} failed`);
      }
    });
    const tracked = task.finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
    return tracked;
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the console stops"));
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
