import { type RawBuilder, sql } from "kysely";
import type { Migration } from "kysely/migration";
import { type Builder, index, textTable } from "./builders.ts";
import type { DatabaseKind } from "./index.ts";

/** Defaults let a row be inserted by hand, as the runbook does. */
const defaults: Record<DatabaseKind, { id: RawBuilder<string>; now: RawBuilder<string> }> = {
  sqlite: {
    id: sql`(lower(hex(randomblob(16))))`,
    now: sql`(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))`,
  },
  postgres: {
    id: sql`(gen_random_uuid()::text)`,
    now: sql`(to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`,
  },
};

export const initial = (kind: DatabaseKind): Migration => ({
  async up(db: Builder) {
    await access(db, kind);
    await audit(db);
    await assistant(db);
    await changes(db);
  },
});

async function access(db: Builder, kind: DatabaseKind): Promise<void> {
  const { id, now } = defaults[kind];
  await db.schema
    .createTable("users")
    .addColumn("id", "text", (c) => c.primaryKey().defaultTo(id))
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("email", "text", (c) => c.notNull().unique())
    .addColumn("api_token_hash", "text", (c) => c.unique())
    .addColumn("token_expires_at", "text")
    .addColumn("token_last_used_at", "text")
    .addColumn("disabled_at", "text")
    .addColumn("created_at", "text", (c) => c.notNull().defaultTo(now))
    .addColumn("updated_at", "text", (c) => c.notNull().defaultTo(now))
    .execute();
  await textTable(db, "roles", "id name").addPrimaryKeyConstraint("roles_pk", ["id"]).execute();
  await sql`insert into roles (id, name) values
    ('viewer', 'viewer'), ('planner', 'planner'), ('approver', 'approver'), ('admin', 'admin')`.execute(db);
  await db.schema
    .createTable("user_roles")
    .addColumn("user_id", "text", (c) => c.notNull().references("users.id"))
    .addColumn("role_id", "text", (c) => c.notNull().references("roles.id"))
    .addColumn("assigned_at", "text", (c) => c.notNull().defaultTo(now))
    .addColumn("assigned_by", "text")
    .addPrimaryKeyConstraint("user_roles_pk", ["user_id", "role_id"])
    .execute();
  await textTable(db, "sessions", "id_hash user_id expires_at created_at")
    .addPrimaryKeyConstraint("sessions_pk", ["id_hash"])
    .execute();
  await textTable(db, "sign_in_links", "link_hash user_id expires_at used_at?")
    .addPrimaryKeyConstraint("sign_in_links_pk", ["link_hash"])
    .execute();
}

async function audit(db: Builder): Promise<void> {
  await textTable(
    db,
    "audit_events",
    "id at actor_id? actor_name actor_roles action resource status plan_id? metadata prev_hash hash",
  )
    .addColumn("seq", "bigint", (c) => c.primaryKey())
    .execute();
  await index(db, "audit_events", ["plan_id", "seq"]);
  await index(db, "audit_events", ["actor_name", "seq"]);
  await index(db, "audit_events", ["action", "seq"]);
  await textTable(db, "audit_head", "hash")
    .addColumn("id", "integer", (c) => c.primaryKey())
    .addColumn("seq", "bigint", (c) => c.notNull())
    .execute();
  await sql`insert into audit_head (id, seq, hash) values (1, 0, '')`.execute(db);
  await textTable(db, "audit_checkpoints", "root frontier note signed_at")
    .addColumn("size", "bigint", (c) => c.primaryKey())
    .execute();
}

async function assistant(db: Builder): Promise<void> {
  await textTable(db, "threads", "id user_id title pending? created_at updated_at")
    .addPrimaryKeyConstraint("threads_pk", ["id"])
    .execute();
  await index(db, "threads", ["user_id", "updated_at"]);
  await textTable(db, "thread_messages", "id thread_id role text answer? at")
    .addColumn("position", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("thread_messages_pk", ["id"])
    .addUniqueConstraint("thread_messages_order", ["thread_id", "position"])
    .execute();
  await textTable(db, "plans", "id thread_id? user_id intent payload plan patch created_at")
    .addPrimaryKeyConstraint("plans_pk", ["id"])
    .execute();
}

async function changes(db: Builder): Promise<void> {
  await textTable(
    db,
    "change_plans",
    "id plan_id kind thread_id? intent summary actor actor_email? actor_id? mode status outcome? branch " +
      "base_branch base_commit commit_sha? landed_sha? diff_stat diff_patch risks pull_request? metadata " +
      "created_at updated_at",
  )
    .addPrimaryKeyConstraint("change_plans_pk", ["id"])
    .addUniqueConstraint("change_plans_once", ["plan_id", "kind"])
    .execute();
  await index(db, "change_plans", ["created_at", "id"]);
  await index(db, "change_plans", ["status", "created_at", "id"]);
  await textTable(
    db,
    "approvals",
    "id plan_id change_record_id status patch_sha256 base_commit policy_version binding requirements " +
      "expires_at created_at resolved_at?",
  )
    .addPrimaryKeyConstraint("approvals_pk", ["id"])
    .addUniqueConstraint("approvals_once", ["change_record_id"])
    .execute();
  await index(db, "approvals", ["status", "created_at", "id"]);
  await textTable(db, "approval_votes", "approval_id user_id actor roles decision reason? at")
    .addPrimaryKeyConstraint("approval_votes_pk", ["approval_id", "user_id"])
    .execute();
  await textTable(
    db,
    "operations",
    "id record_id plan_id kind status next_attempt_at last_error? created_at updated_at",
  )
    .addColumn("attempts", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("operations_pk", ["id"])
    .addUniqueConstraint("operations_once", ["record_id", "kind"])
    .execute();
  await index(db, "operations", ["status", "next_attempt_at"]);
  await textTable(db, "operation_steps", "operation_id step status result? started_at ended_at?")
    .addPrimaryKeyConstraint("operation_steps_pk", ["operation_id", "step"])
    .execute();
  await textTable(db, "idempotency_keys", "user_id key request_hash response created_at")
    .addPrimaryKeyConstraint("idempotency_keys_pk", ["user_id", "key"])
    .execute();
}
