import { policyFileSchema, policyOf, type PolicyOf, type RetentionSubject } from "@ciclo/contract";
import type { AuditedTransaction } from "../../db/dialect.ts";
import { system } from "../../domain/actor.ts";
import type { ConfigRepository } from "../../domain/config-repository.ts";
import type { Purge } from "../../domain/retention.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { type Clock, durationMs, stamp } from "../../lib/clock.ts";

export type RetentionDeps = {
  transaction: AuditedTransaction;
  clock: Clock;
  repository: Pick<ConfigRepository, "refresh" | "snapshot">;
  /** What each subject's own feature deletes. */
  subjects: Record<RetentionSubject, Purge>;
};

export type RetentionService = {
  /** Deletes what has been kept for long enough, some at a time, until the signal says to stop. */
  purge(signal: AbortSignal): Promise<void>;
};

type RetentionPolicy = PolicyOf<"retention">;

/** In one statement: small enough that no caller waits for it. */
const batch = 500;

export function createRetentionService(deps: RetentionDeps): RetentionService {
  return {
    async purge(signal) {
      const { repository, clock, subjects } = deps;
      const policy = retentionOf(await repository.snapshot(await repository.refresh()));
      if (policy === null) return;
      const deleted: Partial<Record<RetentionSubject, number>> = {};
      try {
        for (const [subject, purge] of Object.entries(subjects) as [RetentionSubject, Purge][]) {
          const before = stamp(new Date(clock().getTime() - durationMs(policy[subject])));
          await all(purge, before, signal, (count) => (deleted[subject] = (deleted[subject] ?? 0) + count));
        }
      } finally {
        // What is gone is on record, also where the rest failed.
        if (Object.keys(deleted).length > 0) await record(deps, deleted);
      }
    },
  };
}

/** The policy in force. Null where it is there and cannot be used: what is deleted cannot be brought back. */
export function retentionOf({
  policies,
  unusable,
}: Pick<Snapshot, "policies" | "unusable">): RetentionPolicy | null {
  return policyOf(policies, "retention") ?? (unusable.has("retention") ? null : builtIn);
}

const builtIn = policyFileSchema.parse({
  id: "retention",
  kind: "retention",
  title: "Built-in default",
}) as RetentionPolicy;

async function all(
  purge: Purge,
  before: string,
  signal: AbortSignal,
  onDeleted: (count: number) => void,
): Promise<void> {
  for (let count = batch; count === batch && !signal.aborted;) {
    count = await purge(before, batch);
    if (count > 0) onDeleted(count);
  }
}

const record = ({ transaction }: RetentionDeps, deleted: Readonly<Record<string, number>>): Promise<void> =>
  transaction((_, write) =>
    write({
      actor: system,
      action: "retention.applied",
      resource: "policy:retention",
      status: "succeeded",
      metadata: { deleted },
    }),
  );
