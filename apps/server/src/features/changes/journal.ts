import type { OperationKind } from "../../domain/operations.ts";
import { fromJson, textSchema } from "../../db/json.ts";
import { type Text, text } from "@ciclo/contract";
import type { Queries, AuditedTransaction } from "../../db/dialect.ts";
import { Refusal } from "../../errors.ts";
import { type RecordEntry, system } from "../../domain/actor.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import type { EventBus } from "../../lib/events.ts";
import type { Logger } from "../../lib/logger.ts";
import * as journal from "./journal-store.ts";
import { backOffMs } from "./rules.ts";
import * as store from "./store.ts";

/** One effect outside the database. It must find its own work done when it is run again. */
export type Step = {
  name: string;
  run(record: store.Change, results: ReadonlyMap<string, journal.StepResult>): Promise<journal.StepResult>;
};

/** The steps of an operation, and what is written, in one transaction, when the last has ended. */
export type Procedure = {
  steps: readonly Step[];
  finish(
    tx: { queries: Queries; record: RecordEntry; at: string },
    change: store.Change,
    results: ReadonlyMap<string, journal.StepResult>,
  ): Promise<void>;
};

export type JournalDeps = {
  queries: Queries;
  transaction: AuditedTransaction;
  clock: Clock;
  logger: Logger;
  procedures: Record<OperationKind, Procedure>;
  /** Called after each journal write. Crash tests stop the process here. */
  onJournal?: ((operation: OperationKind, point: string) => void) | undefined;
  bus: Pick<EventBus, "publish">;
};

/**
 * Runs a record's unfinished operation to its end. Call it holding the change's lock.
 * A step that fails leaves the operation waiting, with the reason, for another attempt.
 */
export async function runOperation(deps: JournalDeps, operation: journal.Operation): Promise<void> {
  const { steps, finish } = deps.procedures[operation.kind];
  const note = (point: string): void => deps.onJournal?.(operation.kind, point);
  const results = await journal.endedSteps(deps.queries, operation.id);
  const change = await store.mustFindChange(deps.queries, operation.record_id);
  note("begun");
  let ended: { step: string; result: journal.StepResult } | null = null;
  for (const step of steps.filter(({ name }) => !results.has(name))) {
    const at = stamp(deps.clock());
    const before = ended;
    await deps.transaction(async (queries) => {
      if (before !== null) await journal.endStep(queries, operation.id, before.step, before.result, at);
      await journal.startStep(queries, operation.id, step.name, at);
    });
    note(`${step.name}:started`);
    try {
      const result = await step.run(change, results);
      results.set(step.name, result);
      ended = { step: step.name, result };
    } catch (error) {
      await postpone(deps, operation, change, reasonOf(deps, error));
      return;
    }
    note(`${step.name}:done`);
  }
  const at = stamp(deps.clock());
  await deps.transaction(async (queries, record) => {
    if (ended !== null) await journal.endStep(queries, operation.id, ended.step, ended.result, at);
    if (await journal.endOperation(queries, operation.id, at)) {
      await finish({ queries, record, at }, change, results);
    }
  });
  note("finished");
  void deps.bus.publish("change.ended", { planId: change.plan_id });
}

/** What a waiting operation waits for. A bug waits too, said as such, rather than being tried at every turn. */
function reasonOf({ logger }: JournalDeps, error: unknown): Text {
  if (error instanceof Refusal) return error.detail;
  logger.error({ err: error }, "a step failed");
  return text("a step failed here; see the log", "um passo falhou aqui; veja o log");
}

async function postpone(
  deps: JournalDeps,
  operation: journal.Operation,
  change: store.Change,
  reason: Text,
): Promise<void> {
  const now = deps.clock();
  const attempts = operation.attempts + 1;
  const isNew = operation.last_error !== JSON.stringify(reason);
  await deps.transaction(async (queries, record) => {
    await journal.postpone(queries, operation.id, {
      attempts,
      next_attempt_at: stamp(new Date(now.getTime() + backOffMs(attempts))),
      last_error: JSON.stringify(reason),
      updated_at: stamp(now),
    });
    if (operation.kind !== "discard") {
      await store.updateChange(queries, change.id, { status: "in_progress", updated_at: stamp(now) });
    }
    // Each reason once: a forge that is down all night leaves one line, not hundreds.
    if (!isNew) return;
    await record({
      actor: system,
      action: "change.waiting",
      resource: `change:${change.plan_id}`,
      status: "failed",
      planId: change.plan_id,
      metadata: { operation: operation.kind, reason: reason.en },
    });
  });
}

/** The reason an operation waits for, as it was last written down. */
export function waitingReason(operation: journal.Operation | undefined): Text | null {
  if (operation === undefined || operation.last_error === null) return null;
  return fromJson(textSchema, operation.last_error);
}
