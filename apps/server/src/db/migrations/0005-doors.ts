import { sql } from "kysely";
import { type Builder, textTable } from "./builders.ts";

/** Keys that come with a plan wait with it; and of a key's values one at most is in use. */
export const doors = {
  async up(db: Builder): Promise<void> {
    await textTable(
      db,
      "offered_keys",
      "plan_id provider name user_id user_name data_key_id sealed created_at stored_at?",
    )
      .addColumn("version", "integer")
      .addPrimaryKeyConstraint("offered_keys_pk", ["plan_id", "provider", "name", "user_id"])
      .execute();
    // What an older version may have left: the newest of several, and none of a key that is revoked.
    await sql`update key_versions set state = 'retired', sealed = '' where state in ('active', 'staged') and (
      exists (select 1 from keys k where k.provider = key_versions.provider and k.name = key_versions.name and k.revoked_at is not null)
      or (state = 'active' and version < (select max(v.version) from key_versions v
        where v.provider = key_versions.provider and v.name = key_versions.name and v.state = 'active')))`.execute(
      db,
    );
    await sql`create unique index key_versions_in_use on key_versions (provider, name) where state = 'active'`.execute(
      db,
    );
  },
};
