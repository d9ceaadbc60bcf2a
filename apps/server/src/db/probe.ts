import { type Kysely, sql } from "kysely";
import type { Refusal } from "../errors.ts";
import type { Tables } from "./schema.ts";

const fillerBytes = 100_000;

/**
 * Whether a database does its work. A disk that is full, or a standby, still answers reads: once a step was
 * refused for the state of the database, only a write that succeeds says that it is well again.
 */
export class DatabaseProbe {
  #isInDoubt = false;

  get isInDoubt(): boolean {
    return this.#isInDoubt;
  }

  /** Notes that a step was refused for the state of the database. */
  note(refusal: Refusal): Refusal {
    this.#isInDoubt = true;
    return refusal;
  }

  /** Throws `database_unavailable` where the database does not answer, or does not take writes. */
  async ping(queries: Kysely<Tables>): Promise<void> {
    await sql`select 1`.execute(queries);
    if (!this.#isInDoubt) return;
    await queries
      .insertInto("write_probes")
      .values({ id: 1, filler: "x".repeat(fillerBytes) })
      .onConflict((oc) => oc.column("id").doNothing())
      .execute();
    await queries.deleteFrom("write_probes").execute();
    this.#isInDoubt = false;
  }
}
