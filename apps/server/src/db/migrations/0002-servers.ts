import { sql } from "kysely";
import type { Migration } from "kysely/migration";
import { type Builder, index, textTable } from "./builders.ts";

/** MCP servers: tools as seen, keys, usage, canaries. */
export const servers: Migration = {
  async up(db: Builder) {
    await textTable(db, "tool_definitions", "hash definition first_seen_at")
      .addPrimaryKeyConstraint("tool_definitions_pk", ["hash"])
      .execute();
    await textTable(db, "server_drifts", "server_id fingerprint at")
      .addPrimaryKeyConstraint("server_drifts_pk", ["server_id"])
      .execute();
    await keys(db);
    await usage(db);
    await textTable(
      db,
      "canaries",
      "id record_id plan_id status servers policy samples detail? started_at ended_at?",
    )
      .addPrimaryKeyConstraint("canaries_pk", ["id"])
      .addUniqueConstraint("canaries_once", ["record_id"])
      .execute();
    await index(db, "canaries", ["status"]);
  },
};

async function keys(db: Builder): Promise<void> {
  await textTable(db, "data_keys", "id master_id wrapped created_at")
    .addPrimaryKeyConstraint("data_keys_pk", ["id"])
    .execute();
  await textTable(
    db,
    "keys",
    "provider name created_at created_by revoked_at? renewal? renew_after? renew_error?",
  )
    .addPrimaryKeyConstraint("keys_pk", ["provider", "name"])
    .execute();
  await textTable(
    db,
    "key_versions",
    "provider name state data_key_id sealed created_at created_by active_since? expires_at?",
  )
    .addColumn("version", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("key_versions_pk", ["provider", "name", "version"])
    .execute();
  await textTable(
    db,
    "key_rotations",
    "id provider name status forced detail servers actor started_at ended_at?",
  )
    .addColumn("version", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("key_rotations_pk", ["id"])
    .execute();
  await index(db, "key_rotations", ["provider", "name", "started_at"]);
  // Moves on with each change of a value, so that every node sees that there is one.
  await db.schema
    .createTable("key_revision")
    .addColumn("id", "integer", (c) => c.primaryKey())
    .addColumn("revision", "bigint", (c) => c.notNull())
    .execute();
  await sql`insert into key_revision (id, revision) values (1, 0)`.execute(db);
}

async function usage(db: Builder): Promise<void> {
  await textTable(
    db,
    "usage_events",
    "id at kind server tool? method actor_id? actor_name status error? era request_id?",
  )
    .addColumn("ms", "double precision", (c) => c.notNull())
    .addColumn("request_bytes", "integer", (c) => c.notNull())
    .addColumn("response_bytes", "integer", (c) => c.notNull())
    .addColumn("cost_usd", "double precision")
    .addPrimaryKeyConstraint("usage_events_pk", ["id"])
    .execute();
  await index(db, "usage_events", ["at"]);
  await index(db, "usage_events", ["server", "at"]);
}
