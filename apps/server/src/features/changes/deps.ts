import type { Plan, Preview, ToolChange } from "@ciclo/contract";
import type { Database, Queries, AuditedTransaction } from "../../db/dialect.ts";
import type { LocalFieldError } from "../../errors.ts";
import type { Actor, RecordEntry } from "../../domain/actor.ts";
import type { Requirement } from "../../domain/approvals.ts";
import type { ConfigRepository } from "../../domain/config-repository.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import type { EventBus } from "../../lib/events.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/logger.ts";
import type { Forge } from "../../lib/forge/forge.ts";
import type { Procedure } from "./journal.ts";
import type { OperationKind } from "../../domain/operations.ts";
import type { Change } from "./store.ts";

export type StoredPlan = { plan: Plan; patch: string; thread_id: string | null; user_id: string };

export type OnBehalfOf = { name: string; email: string | null };

/** What the changes feature needs of the rest. */
export type ChangesDeps = {
  database: Database;
  transaction: AuditedTransaction;
  clock: Clock;
  logger: Logger;
  repository: ConfigRepository;
  forge: Forge | null;
  findPlan(id: string): Promise<StoredPlan | undefined>;
  preview(plan: Plan, author: string): Preview;
  /** Why files may not be written on a commit. */
  checkFiles(snapshot: Snapshot, files: ReadonlyMap<string, string | null>): Promise<LocalFieldError[]>;
  /** Credentials in what people write in words, by name and line. */
  findSecrets(texts: ReadonlyMap<string, string | null>): Promise<LocalFieldError[]>;
  planFiles(plan: Plan): Map<string, string | null>;
  patchProblems(patch: string): LocalFieldError[];
  requirementsFor(snapshot: Snapshot, paths: Iterable<string>): Requirement[];
  allowsDirect(snapshot: Snapshot, paths: Iterable<string>): boolean;
  /** The roles that each of the users who are active holds now; everybody, when none are named. */
  activeRoles(queries: Queries, userIds?: readonly string[]): Promise<Map<string, readonly string[]>>;
  /** How a plan changes the tools, in the form in which models see them. */
  toolChanges(plan: Plan): Promise<ToolChange[]>;
  /** Keys that came with a plan which is being submitted. */
  keysOfPlan(
    actor: Actor,
    plan: { planId: string; authorId: string },
  ): Promise<{
    store(queries: Queries, record: RecordEntry): Promise<void>;
    told(): Promise<void>;
  }>;
  /** Plans probes of what a landed change or a rollback touches, in the transaction that ends it. */
  planCanary(queries: Queries, change: Change): Promise<void>;
  onJournal?: ((operation: OperationKind, point: string) => void) | undefined;
  bus: Pick<EventBus, "publish">;
};

/** `ChangesDeps` with the procedures that operations run. */
export type Context = ChangesDeps & {
  queries: Queries;
  procedures: Record<OperationKind, Procedure>;
};
