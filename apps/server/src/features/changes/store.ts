import { roleSchema } from "@ciclo/contract";
import { z } from "zod";
import { fromJson } from "../../db/json.ts";
import type { ChangeSummary } from "@ciclo/contract";
import { type Insertable, type Selectable, sql, type Updateable } from "kysely";
import type { Queries } from "../../db/dialect.ts";
import type { ApprovalTable, ChangePlanTable, LiveHeadTable } from "../../db/schema.ts";
import { decodeCursor } from "../../lib/page.ts";
import type { Requirement } from "../../domain/approvals.ts";
import type { Vote } from "../../lib/votes.ts";

export type Change = Selectable<ChangePlanTable>;
export type Approval = Omit<Selectable<ApprovalTable>, "requirements"> & { requirements: Requirement[] };

const requirementsSchema = z.array(
  z.object({
    rule: z.string(),
    required: z.int(),
    roles: z.array(roleSchema),
    self_approval: z.enum(["never", "only_approver", "always"]),
    expires_after: z.string(),
  }),
);

/** Inserts a record; false when the plan has one of this kind already. */
export async function insertChange(queries: Queries, record: Insertable<ChangePlanTable>): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await queries
    .insertInto("change_plans")
    .values(record)
    .onConflict((oc) => oc.columns(["plan_id", "kind"]).doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

export async function updateChange(
  queries: Queries,
  id: string,
  values: Updateable<ChangePlanTable>,
): Promise<void> {
  await queries.updateTable("change_plans").set(values).where("id", "=", id).execute();
}

export const findChange = (queries: Queries, id: string): Promise<Change | undefined> =>
  queries.selectFrom("change_plans").selectAll().where("id", "=", id).executeTakeFirst();

/** A record that must be there: an approval or operation names it. */
export async function mustFindChange(queries: Queries, id: string): Promise<Change> {
  const record = await findChange(queries, id);
  if (record === undefined) throw new Error(`there is no change record ${id}`);
  return record;
}

export const findByPlan = (
  queries: Queries,
  planId: string,
  kind: "submission" | "rollback",
): Promise<Change | undefined> =>
  queries
    .selectFrom("change_plans")
    .selectAll()
    .where("plan_id", "=", planId)
    .where("kind", "=", kind)
    .executeTakeFirst();

/** The change whose pull request a webhook speaks of. */
export const findOpenByBranch = (queries: Queries, branch: string): Promise<Change | undefined> =>
  queries
    .selectFrom("change_plans")
    .selectAll()
    .where("branch", "=", branch)
    .where("kind", "=", "submission")
    .executeTakeFirst();

export async function deleteChange(queries: Queries, id: string): Promise<void> {
  await queries.deleteFrom("change_plans").where("id", "=", id).execute();
}

/** Deletes a record with the votes that were asked for it. */
export async function deleteWithApproval(queries: Queries, id: string): Promise<void> {
  const approval = await findApproval(queries, "change_record_id", id);
  if (approval !== undefined) {
    await queries.deleteFrom("approval_votes").where("approval_id", "=", approval.id).execute();
    await queries.deleteFrom("approvals").where("id", "=", approval.id).execute();
  }
  await deleteChange(queries, id);
}

export type ChangeFilter = {
  cursor?: string | undefined;
  limit: number;
  status?: string | undefined;
  outcome?: string | undefined;
  actor?: string | undefined;
  intent?: string | undefined;
  search?: string | undefined;
};

const summaryColumns = [
  "id as record_id",
  "plan_id",
  "kind",
  "summary",
  "intent",
  "actor",
  "mode",
  "status",
  "outcome",
  "branch",
  "base_branch",
  "commit_sha",
  "left_at",
  "created_at",
  "updated_at",
] as const;

/** Whether a rollback has taken a submission back, and stands. */
const takenBack = sql<boolean>`exists (
  select 1 from change_plans as later
  where later.plan_id = change_plans.plan_id and later.kind = 'rollback' and later.left_at is null
    and later.outcome in ('rolled_back', 'canary_failed')
)`;

/** 1 for a submission that a rollback has taken back. */
const isUndone = sql<number>`case when kind = 'submission' and ${takenBack} then 1 else 0 end`.as("undone");

export const findLiveHead = (queries: Queries, branch: string): Promise<LiveHeadTable | undefined> =>
  queries.selectFrom("live_heads").selectAll().where("branch", "=", branch).executeTakeFirst();

export async function setLiveHead(
  queries: Queries,
  head: Omit<LiveHeadTable, "landed_since">,
): Promise<void> {
  const { commit_sha, seen_at } = head;
  await queries
    .insertInto("live_heads")
    .values({ ...head, landed_since: null })
    .onConflict((oc) => oc.column("branch").doUpdateSet({ commit_sha, seen_at, landed_since: null }))
    .execute();
}

/** A commit of the console's own came to the branch. */
export async function noteLanding(queries: Queries, branch: string, commit: string | null): Promise<void> {
  if (commit === null) return;
  await queries
    .updateTable("live_heads")
    .set({ landed_since: commit })
    .where("branch", "=", branch)
    .execute();
}

/** Of a change that landed and was not taken back, or of its rollback: the commit that the live branch has to hold. */
export type Standing = Pick<Change, "id" | "plan_id" | "kind" | "base_branch" | "left_at"> & {
  /** Null of a rollback of what the branch did not hold then. */
  commit: string | null;
  /** Of a rollback: the commit that it takes back. */
  landed: string;
};

const gone = '%"gone":true%';

/** What the live branch has to hold: all of it, or only what it is known to have lost. */
export async function standing(queries: Queries, branch: string, which: "all" | "left"): Promise<Standing[]> {
  let rows = queries
    .selectFrom("change_plans")
    .select(["id", "plan_id", "kind", "base_branch", "left_at"])
    .select(sql<string | null>`case when kind = 'rollback' then commit_sha else landed_sha end`.as("commit"))
    .select(sql<string>`landed_sha`.as("landed"))
    .where("base_branch", "=", branch)
    .where("landed_sha", "is not", null)
    .where((eb) =>
      eb.or([
        eb.and([eb("kind", "=", "submission"), eb("outcome", "=", "applied"), eb.not(takenBack)]),
        eb.and([
          eb("kind", "=", "rollback"),
          eb("outcome", "in", ["rolled_back", "canary_failed"]),
          eb.or([eb("commit_sha", "is not", null), eb("metadata", "like", gone)]),
        ]),
      ]),
    );
  if (which === "left")
    rows = rows.where((eb) =>
      eb.or([
        eb("left_at", "is not", null),
        eb.and([eb("kind", "=", "rollback"), eb("commit_sha", "is", null)]),
      ]),
    );
  return rows.orderBy("created_at").execute();
}

/** Rows behind a cursor, newest first. */
function before(cursor: string) {
  const [at = "", id = ""] = decodeCursor(cursor, 2);
  return sql<boolean>`(created_at, id) < (${at}, ${id})`;
}

/** Rows whose summary, plan id or branch holds the text, upper or lower case. */
function mentions(search: string) {
  const pattern = `%${search.toLowerCase().replace(/[\\%_]/g, String.raw`\$&`)}%`;
  return sql<boolean>`lower(summary || ' ' || plan_id || ' ' || branch) like ${pattern} escape ${"\\"}`;
}

/** Newest first; one row more than asked for tells that another page follows. */
export async function listChanges(queries: Queries, filter: ChangeFilter): Promise<ChangeSummary[]> {
  let rows = queries.selectFrom("change_plans").select([...summaryColumns, isUndone]);
  if (filter.status !== undefined) rows = rows.where("status", "=", filter.status);
  if (filter.outcome !== undefined) rows = rows.where("outcome", "=", filter.outcome);
  if (filter.actor !== undefined) rows = rows.where("actor", "=", filter.actor);
  if (filter.intent !== undefined) rows = rows.where("intent", "=", filter.intent);
  if (filter.search !== undefined) rows = rows.where(mentions(filter.search));
  if (filter.cursor !== undefined) {
    rows = rows.where(before(filter.cursor));
  }
  const found = await rows
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(filter.limit + 1)
    .execute();
  return found.map((row) => ({ ...row, undone: row.undone === 1 })) as ChangeSummary[];
}

export async function insertApproval(queries: Queries, approval: Approval): Promise<void> {
  const requirements = JSON.stringify(approval.requirements);
  await queries
    .insertInto("approvals")
    .values({ ...approval, requirements })
    .execute();
}

const parseApproval = (row: Selectable<ApprovalTable>): Approval => ({
  ...row,
  requirements: fromJson(requirementsSchema, row.requirements),
});

export async function findApproval(
  queries: Queries,
  key: "id" | "change_record_id",
  value: string,
): Promise<Approval | undefined> {
  const row = await queries.selectFrom("approvals").selectAll().where(key, "=", value).executeTakeFirst();
  return row === undefined ? undefined : parseApproval(row);
}

export async function listApprovals(
  queries: Queries,
  filter: { status?: string | undefined; cursor?: string | undefined; limit: number },
): Promise<Approval[]> {
  let rows = queries.selectFrom("approvals").selectAll();
  if (filter.status !== undefined) rows = rows.where("status", "=", filter.status);
  if (filter.cursor !== undefined) {
    rows = rows.where(before(filter.cursor));
  }
  const found = await rows
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(filter.limit + 1)
    .execute();
  return found.map(parseApproval);
}

export async function expiredApprovals(queries: Queries, now: string): Promise<Approval[]> {
  const rows = await queries
    .selectFrom("approvals")
    .selectAll()
    .where("status", "=", "pending")
    .where("expires_at", "<=", now)
    .limit(100)
    .execute();
  return rows.map(parseApproval);
}

/** Ends a pending approval; false when it has ended already. */
export async function resolveApproval(
  queries: Queries,
  id: string,
  status: string,
  at: string,
): Promise<boolean> {
  const { numUpdatedRows } = await queries
    .updateTable("approvals")
    .set({ status, resolved_at: at })
    .where("id", "=", id)
    .where("status", "=", "pending")
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

export async function insertVote(queries: Queries, approvalId: string, vote: Vote): Promise<void> {
  await queries
    .insertInto("approval_votes")
    .values({ ...vote, approval_id: approvalId, roles: JSON.stringify(vote.roles) })
    .execute();
}

export async function votesOf(queries: Queries, approvalId: string): Promise<Vote[]> {
  const rows = await queries
    .selectFrom("approval_votes")
    .selectAll()
    .where("approval_id", "=", approvalId)
    .orderBy("at")
    .execute();
  return rows.map((row) => ({
    user_id: row.user_id,
    actor: row.actor,
    reason: row.reason,
    at: row.at,
    decision: z.enum(["approve", "reject"]).parse(row.decision),
    roles: fromJson(z.array(z.string()), row.roles),
  }));
}

export async function findAnswer(queries: Queries, userId: string, key: string) {
  return queries
    .selectFrom("idempotency_keys")
    .select(["request_hash", "response"])
    .where("user_id", "=", userId)
    .where("key", "=", key)
    .executeTakeFirst();
}

/** Deletes kept answers from before a time; see domain/retention.ts. */
export async function deleteAnswersBefore(queries: Queries, before: string, limit: number): Promise<number> {
  const old = await queries
    .selectFrom("idempotency_keys")
    .select(["user_id", "key"])
    .where("created_at", "<", before)
    .limit(limit)
    .execute();
  for (const { user_id, key } of old) {
    await queries
      .deleteFrom("idempotency_keys")
      .where("user_id", "=", user_id)
      .where("key", "=", key)
      .execute();
  }
  return old.length;
}

export async function keepAnswer(
  queries: Queries,
  answer: { user_id: string; key: string; request_hash: string; response: string; created_at: string },
): Promise<void> {
  await queries.insertInto("idempotency_keys").values(answer).execute();
}
