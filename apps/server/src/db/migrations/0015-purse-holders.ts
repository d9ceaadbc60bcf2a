import { sql } from "kysely";
import type { Builder } from "./builders.ts";

/**
 * Holders of purses are named without their case, and runs with whose they are. Purses with other names begin again with what
 * the ledger says was spent.
 */
export const purseHolders = {
  async up(db: Builder): Promise<void> {
    const held = sql`select id from budget_purses where meter_id in
      (select id from budget_meters where meter like '%"per":"%')`;
    await sql`delete from budget_leases where purse_id in (${held})`.execute(db);
    await sql`delete from budget_purses where id in (${held})`.execute(db);
  },
};
