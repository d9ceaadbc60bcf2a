import { type CanaryState, canaryStates, type Text } from "@ciclo/contract";
import { z } from "zod";
import { fromJson, textSchema } from "../../db/json.ts";
import type { Selectable } from "kysely";
import type { Queries } from "../../db/dialect.ts";
import type { CanaryTable } from "../../db/schema.ts";
import type { CanaryPolicy, Probed, Sample } from "./rules.ts";

export type StoredCanary = Omit<
  Selectable<CanaryTable>,
  "status" | "servers" | "policy" | "samples" | "detail"
> & {
  detail: Text | null;
  status: CanaryState;
  /** Of a new one: all servers, as they were when the change landed. Then those that it touches. */
  servers: Probed[];
  /** Null until it is known whether there is anything to probe. */
  policy: CanaryPolicy | null;
  samples: Sample[];
};

const probedSchema = z.array(z.object({ id: z.string(), before: z.string().nullable() }));
const samplesSchema = z.array(
  z.object({ server: z.string(), at: z.string(), ok: z.boolean(), ms: z.number().nullable() }),
);
const policySchema = z.object({
  probes: z.number(),
  interval_s: z.number(),
  max_latency_ms: z.number(),
  max_error_rate: z.number(),
});

const parse = (row: Selectable<CanaryTable>): StoredCanary => ({
  ...row,
  status: z.enum(canaryStates).parse(row.status),
  servers: fromJson(probedSchema, row.servers),
  policy: fromJson(policySchema.nullable(), row.policy),
  samples: fromJson(samplesSchema, row.samples),
  detail: fromJson(textSchema.nullable(), row.detail),
});

/** Inserts a canary; one of the same record stays. */
export async function insertCanary(queries: Queries, canary: StoredCanary): Promise<void> {
  const { servers, policy, samples } = canary;
  await queries
    .insertInto("canaries")
    .values({
      ...canary,
      servers: JSON.stringify(servers),
      policy: JSON.stringify(policy),
      samples: JSON.stringify(samples),
      detail: canary.detail === null ? null : JSON.stringify(canary.detail),
    })
    .onConflict((oc) => oc.column("record_id").doNothing())
    .execute();
}

export async function updateCanary(
  queries: Queries,
  id: string,
  values: Partial<{
    status: CanaryState;
    servers: Probed[];
    policy: CanaryPolicy;
    samples: Sample[];
    detail: Text;
    started_at: string;
    ended_at: string | null;
  }>,
): Promise<void> {
  const { servers, policy, samples, detail, ...rest } = values;
  await queries
    .updateTable("canaries")
    .set({
      ...rest,
      ...(servers === undefined ? {} : { servers: JSON.stringify(servers) }),
      ...(policy === undefined ? {} : { policy: JSON.stringify(policy) }),
      ...(samples === undefined ? {} : { samples: JSON.stringify(samples) }),
      ...(detail === undefined ? {} : { detail: JSON.stringify(detail) }),
    })
    .where("id", "=", id)
    .execute();
}

export async function findCanary(queries: Queries, id: string): Promise<StoredCanary | undefined> {
  const row = await queries.selectFrom("canaries").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : parse(row);
}

/** The newest of a plan's change and its rollback. */
export async function newestOf(queries: Queries, planId: string): Promise<StoredCanary | undefined> {
  const row = await queries
    .selectFrom("canaries")
    .selectAll()
    .where("plan_id", "=", planId)
    .orderBy("started_at", "desc")
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : parse(row);
}

export async function withStatus(queries: Queries, ...states: CanaryState[]): Promise<StoredCanary[]> {
  const rows = await queries
    .selectFrom("canaries")
    .selectAll()
    .where("status", "in", states)
    .orderBy("started_at")
    .limit(200)
    .execute();
  return rows.map(parse);
}

export async function deleteCanary(queries: Queries, id: string): Promise<void> {
  await queries.deleteFrom("canaries").where("id", "=", id).execute();
}

/** Whether what a canary judges is not live any more: a submission that a rollback has taken back since. */
export async function isTakenBack(queries: Queries, canary: StoredCanary): Promise<boolean> {
  const rollback = await queries
    .selectFrom("change_plans")
    .select("id")
    .where("plan_id", "=", canary.plan_id)
    .where("id", "!=", canary.record_id)
    .where("kind", "=", "rollback")
    .where("left_at", "is", null)
    .where("outcome", "in", ["rolled_back", "canary_failed"])
    .executeTakeFirst();
  return rollback !== undefined;
}

/** What a canary knows of its change: the row of its submission, or of its rollback. */
export const findChange = (queries: Queries, changeId: string) =>
  queries
    .selectFrom("change_plans")
    .select(["kind", "base_commit", "commit_sha", "landed_sha"])
    .where("id", "=", changeId)
    .executeTakeFirst();
