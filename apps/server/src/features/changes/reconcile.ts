import { Refusal } from "../../errors.ts";
import { stamp } from "../../lib/clock.ts";
import { expireOrSupersede } from "./decide.ts";
import type { Context } from "./deps.ts";
import { runOperation } from "./journal.ts";
import * as journal from "./journal-store.ts";
import * as store from "./store.ts";
import { runUnfinished } from "./submit.ts";

const tickMs = 1000;

/**
 * Finishes what was left: operations that a crash cut off or that wait for git or a
 * forge, and approvals whose time is over.
 */
export class Reconciler {
  readonly #context: Context;
  #timer: NodeJS.Timeout | null = null;
  #round: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Takes up everything unfinished now, then what falls due. */
  start(): Promise<void> {
    this.#round = this.#safely(() => this.run({ all: true })).then(() => this.#schedule());
    return this.#round;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#round;
  }

  /** One round. `all` also takes up what waits for its next attempt. */
  async run({ all }: { all: boolean }): Promise<void> {
    const { queries, clock } = this.#context;
    for (const approval of await store.expiredApprovals(queries, stamp(clock())))
      await this.#expire(approval);
    for (const operation of await journal.due(queries, all ? null : stamp(clock()))) {
      if (this.#stopped) return;
      await this.#safely(() => this.#resume(operation));
    }
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#round = this.#safely(() => this.run({ all: false })).then(() => this.#schedule());
    }, tickMs);
    this.#timer.unref();
  }

  async #resume(operation: journal.Operation): Promise<void> {
    const context = this.#context;
    await context.database.exclusively(`change:${operation.plan_id}`, async () => {
      const current = await journal.unfinished(context.queries, operation.record_id);
      if (current?.id !== operation.id) return;
      await runOperation(context, current);
      const next = await journal.unfinished(context.queries, operation.record_id);
      if (next !== undefined && next.id !== operation.id) await runUnfinished(context, operation.record_id);
    });
  }

  async #expire(approval: store.Approval): Promise<void> {
    const context = this.#context;
    await context.database.exclusively(`change:${approval.plan_id}`, async () => {
      await context.transaction(async (queries, record) => {
        const current = await store.findApproval(queries, "id", approval.id);
        const change = await store.findRecord(queries, approval.change_record_id);
        if (current?.status !== "pending" || change === undefined) return;
        await expireOrSupersede({ queries, record, at: stamp(context.clock()) }, current, change, "expired");
      });
      await runUnfinished(context, approval.change_record_id);
    });
  }

  /** One change that fails must not keep the others waiting. */
  async #safely(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const level = error instanceof Refusal ? "warn" : "error";
      this.#context.logger[level]({ err: error }, "reconciling failed; it is tried again");
    }
  }
}
