import {
  analysisSchema,
  checkReportSchema,
  type CycleArtifact,
  type CycleCheckpoint,
  cycleCheckpoints,
  type CyclePullRequest,
  cyclePullRequestSchema,
  type CycleRollback,
  cycleRollbackSchema,
  type CycleStage,
  cycleStages,
  type CycleState,
  cycleStates,
  type CycleWait,
  cycleWaits,
  deliveryPlanSchema,
  documentationSchema,
  executionSchema,
  type Locale,
  type Text,
} from "@ciclo/contract";
import type { Insertable, Selectable } from "kysely";
import { z } from "zod";
import type { Queries } from "../../db/dialect.ts";
import { fromJson, textSchema } from "../../db/json.ts";
import type { CycleArtifactTable, CycleTable } from "../../db/schema.ts";
import { decodeCursor, encodeCursor, type Page, toPage } from "../../lib/page.ts";
import { type FoundRecipe, foundRecipeSchema } from "./gates/recipe.ts";

export type StoredCycle = Omit<
  Selectable<CycleTable>,
  "state" | "stage" | "waits_for" | "reason" | "recipe" | "locale" | "replay" | "pull_request" | "rollback"
> & {
  state: CycleState;
  stage: CycleStage;
  waits_for: CycleWait | null;
  reason: Text | null;
  recipe: FoundRecipe | null;
  locale: Locale;
  /** Whether its models are a replay: nobody answered, prepared replies did. */
  replay: boolean;
  pull_request: CyclePullRequest | null;
  rollback: CycleRollback | null;
};

const parse = (row: Selectable<CycleTable>): StoredCycle => ({
  ...row,
  state: z.enum(cycleStates).parse(row.state),
  stage: z.enum(cycleStages).parse(row.stage),
  waits_for: z.enum(cycleWaits).nullable().parse(row.waits_for),
  reason: fromJson(textSchema.nullable(), row.reason),
  recipe: fromJson(foundRecipeSchema.nullable(), row.recipe),
  locale: z.enum(["en", "pt-BR"]).parse(row.locale),
  replay: row.replay !== 0,
  pull_request: fromJson(cyclePullRequestSchema.nullable(), row.pull_request),
  rollback: fromJson(cycleRollbackSchema.nullable(), row.rollback),
});

const written = (values: Partial<StoredCycle>): Partial<Insertable<CycleTable>> => {
  const { replay, reason, recipe, pull_request, rollback, ...rest } = values;
  const held = Object.entries({ reason, recipe, pull_request, rollback })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, value === null ? null : JSON.stringify(value)]);
  return {
    ...rest,
    ...(replay === undefined ? {} : { replay: Number(replay) }),
    ...(Object.fromEntries(held) as Partial<Insertable<CycleTable>>),
  };
};

export async function insertCycle(queries: Queries, cycle: StoredCycle): Promise<void> {
  await queries
    .insertInto("cycles")
    .values(written(cycle) as Insertable<CycleTable>)
    .execute();
}

export async function findCycle(queries: Queries, id: string): Promise<StoredCycle | undefined> {
  const row = await queries.selectFrom("cycles").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : parse(row);
}

export type CyclesQuery = {
  cursor?: string | undefined;
  limit: number;
  state?: CycleState | undefined;
  /** Those that wait for somebody. */
  waiting?: boolean | undefined;
};

export async function listCycles(
  queries: Queries,
  { cursor, limit, state, waiting }: CyclesQuery,
): Promise<Page<StoredCycle>> {
  let select = queries.selectFrom("cycles").selectAll();
  if (state !== undefined) select = select.where("state", "=", state);
  if (waiting === true)
    select = select.where((eb) =>
      eb.or([
        eb("state", "=", "waiting"),
        eb("id", "in", eb.selectFrom("cycle_permissions").select("cycle_id").where("answer", "is", null)),
      ]),
    );
  if (cursor !== undefined) {
    const [at = "", id = ""] = decodeCursor(cursor, 2);
    select = select.where((eb) =>
      eb.or([eb("created_at", "<", at), eb.and([eb("created_at", "=", at), eb("id", "<", id)])]),
    );
  }
  const rows = await select
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1)
    .execute();
  return toPage(rows.map(parse), limit, (row) => encodeCursor(row.created_at, row.id));
}

/** Repositories of the newest cycles, each once, the last one used first. */
export async function repositoriesOf(queries: Queries, cycles: number): Promise<string[]> {
  const rows = await queries
    .selectFrom("cycles")
    .select("repository")
    .orderBy("created_at", "desc")
    .limit(cycles)
    .execute();
  return [...new Set(rows.map(({ repository }) => repository))];
}

/** Repositories of cycles that have not ended, or of which anything has happened since a time. */
export async function repositoriesInUse(queries: Queries, since: string): Promise<string[]> {
  const rows = await queries
    .selectFrom("cycles")
    .select("repository")
    .distinct()
    .where((eb) =>
      eb.or([eb("ended_at", "is", null), eb("state", "=", "rolling_back"), eb("updated_at", ">=", since)]),
    )
    .execute();
  return rows.map(({ repository }) => repository);
}

/** Cycles that were started within a stretch of time, the oldest first. */
export async function cyclesBetween(
  queries: Queries,
  { from, to }: { from: string; to: string },
  limit: number,
): Promise<StoredCycle[]> {
  const rows = await queries
    .selectFrom("cycles")
    .selectAll()
    .where("created_at", ">=", from)
    .where("created_at", "<", to)
    .orderBy("created_at")
    .orderBy("id")
    .limit(limit)
    .execute();
  return rows.map(parse);
}

/**
 * Changes a cycle that is at the version that was read, and counts that on. False where somebody changed it since: nothing was
 * written then. `held` also asks that a node still holds it.
 */
export async function updateCycle(
  queries: Queries,
  { id, version }: Pick<StoredCycle, "id" | "version">,
  values: Partial<StoredCycle>,
  held?: string,
): Promise<boolean> {
  let update = queries
    .updateTable("cycles")
    .set({ ...written(values), version: version + 1 })
    .where("id", "=", id)
    .where("version", "=", version);
  if (held !== undefined) update = update.where("held_by", "=", held);
  const { numUpdatedRows } = await update.executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Cycles that have work to do, and that no other node is known to work on; the one that has waited longest first. */
export async function dueCycles(
  queries: Queries,
  { node, now }: { node: string; now: string },
  limit: number,
): Promise<string[]> {
  const rows = await queries
    .selectFrom("cycles")
    .select("id")
    .where("state", "=", "running")
    .where((eb) =>
      eb.or([eb("held_until", "is", null), eb("held_until", "<", now), eb("held_by", "=", node)]),
    )
    .orderBy("updated_at")
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id);
}

/**
 * Cycles whose branch or pull request may have something to be done about it outside their stages, the newest first: those that wait
 * for reviewers or the forge, have ended since `since`, or are being taken back.
 */
export async function cyclesToPublish(
  queries: Queries,
  { since }: { since: string },
  limit: number,
): Promise<StoredCycle[]> {
  const rows = await queries
    .selectFrom("cycles")
    .selectAll()
    .where((eb) =>
      eb.or([
        eb("state", "=", "rolling_back"),
        eb.and([
          eb("state", "=", "waiting"),
          eb("stage", "in", ["check", "merge"]),
          eb("waits_for", "in", ["decision", "forge"]),
        ]),
        eb.and([
          eb("state", "in", ["rejected", "cancelled"]),
          eb("stage", "in", ["check", "merge"]),
          eb("withdrawn_at", "is", null),
          eb("ended_at", ">", since),
        ]),
        eb.and([
          eb("state", "=", "completed"),
          eb("pull_request", "like", '%"has_manifest":false%'),
          eb("ended_at", ">", since),
        ]),
      ]),
    )
    .orderBy("updated_at", "desc")
    .limit(limit)
    .execute();
  return rows.map(parse);
}

/** Has a node hold a cycle, if no other does. */
export async function holdCycle(
  queries: Queries,
  id: string,
  { node, now, until }: { node: string; now: string; until: string },
): Promise<boolean> {
  const { numUpdatedRows } = await queries
    .updateTable("cycles")
    .set({ held_by: node, held_until: until })
    .where("id", "=", id)
    .where("state", "=", "running")
    .where((eb) =>
      eb.or([eb("held_until", "is", null), eb("held_until", "<", now), eb("held_by", "=", node)]),
    )
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

export async function letGoOfCycle(queries: Queries, id: string, node: string): Promise<void> {
  await queries
    .updateTable("cycles")
    .set({ held_by: null, held_until: null })
    .where("id", "=", id)
    .where("held_by", "=", node)
    .execute();
}

export type ArtifactKind = CycleArtifact["kind"];

export type StoredArtifact = Omit<Selectable<CycleArtifactTable>, "kind" | "content" | "findings"> & {
  kind: ArtifactKind;
  content: unknown;
  findings: { path: string; message: Text }[];
};

const findingsSchema = z.array(z.object({ path: z.string(), message: textSchema }));
const kinds = ["analysis", "plan", "execution", "documentation", "check"] as const satisfies ArtifactKind[];

const contents: Record<ArtifactKind, z.ZodType> = {
  analysis: analysisSchema,
  plan: deliveryPlanSchema,
  execution: executionSchema,
  documentation: documentationSchema,
  check: checkReportSchema,
};

/** All versions of all artefacts of a cycle, the oldest first. */
export async function artifactsOf(queries: Queries, cycleId: string): Promise<StoredArtifact[]> {
  const rows = await queries
    .selectFrom("cycle_artifacts")
    .selectAll()
    .where("cycle_id", "=", cycleId)
    .orderBy("created_at")
    .orderBy("version")
    .execute();
  return rows.map((row) => ({
    ...row,
    kind: z.enum(kinds).parse(row.kind),
    // What an earlier version wrote lacks what came since.
    content: contents[z.enum(kinds).parse(row.kind)].parse(JSON.parse(row.content)),
    findings: fromJson(findingsSchema, row.findings),
  }));
}

export async function insertArtifact(
  queries: Queries,
  artifact: Omit<StoredArtifact, "content"> & { json: string },
): Promise<void> {
  const { json, findings, ...rest } = artifact;
  await queries
    .insertInto("cycle_artifacts")
    .values({ ...rest, content: json, findings: JSON.stringify(findings) })
    .execute();
}

export type StoredDecision = {
  id: string;
  cycle_id: string;
  checkpoint: CycleCheckpoint | "rollback";
  subject: string;
  decision: "approve" | "reject" | "send_back";
  comment: string | null;
  user_id: string;
  user_name: string;
  roles: string[];
  at: string;
  voided_at: string | null;
};

/** Decisions about a cycle, the oldest first. */
export async function decisionsOf(queries: Queries, cycleId: string): Promise<StoredDecision[]> {
  const rows = await queries
    .selectFrom("cycle_decisions")
    .selectAll()
    .where("cycle_id", "=", cycleId)
    .orderBy("at")
    .orderBy("id")
    .execute();
  return rows.map((row) => ({
    ...row,
    checkpoint: z.enum([...cycleCheckpoints, "rollback"]).parse(row.checkpoint),
    decision: z.enum(["approve", "reject", "send_back"]).parse(row.decision),
    roles: fromJson(z.array(z.string()), row.roles),
  }));
}

export async function insertDecision(queries: Queries, decision: StoredDecision): Promise<void> {
  await queries
    .insertInto("cycle_decisions")
    .values({ ...decision, roles: JSON.stringify(decision.roles) })
    .execute();
}

/** Voids what was decided: at the named checkpoints, it counts no more. */
export async function voidDecisions(
  queries: Queries,
  cycleId: string,
  checkpoints: readonly StoredDecision["checkpoint"][],
  at: string,
): Promise<void> {
  if (checkpoints.length === 0) return;
  await queries
    .updateTable("cycle_decisions")
    .set({ voided_at: at })
    .where("cycle_id", "=", cycleId)
    .where("checkpoint", "in", [...checkpoints])
    .where("voided_at", "is", null)
    .execute();
}
