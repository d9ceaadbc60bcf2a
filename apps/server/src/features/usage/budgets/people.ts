import type { Queries } from "../../../db/dialect.ts";
import { type Policies, runOwner } from "./bindings.ts";
import { usersIn } from "./purse-store.ts";

/**
 * People as budgets name them: by name, id or e-mail. The ledger knows ids and names; two people may share a name, and
 * an e-mail is another one's some day.
 */
export class People {
  readonly #queries: Queries;
  #ids = new Map<string, string>();
  #names = new Map<string, string>();
  #of: Policies | null = null;
  #resolved: Policies = new Map();
  hasMet = false;

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  /** Reads who there is. */
  async meet(): Promise<void> {
    const users = await usersIn(this.#queries);
    const ids = new Map(users.map(({ id, email }) => [email.toLowerCase(), id]));
    this.#names = new Map(users.map(({ id, name }) => [id, name]));
    this.hasMet = true;
    const isSame =
      ids.size === this.#ids.size && [...ids].every(([email, id]) => this.#ids.get(email) === id);
    if (isSame) return;
    this.#ids = ids;
    this.#of = null;
  }

  /** What a holder is called: people's purses are kept by id. */
  nameOf(holder: string): string {
    const [run = "", owner] = holder.split(runOwner);
    return owner === undefined ? this.#nameOf(holder) : `${run} · ${this.#nameOf(owner)}`;
  }

  #nameOf(person: string): string {
    return this.#names.get(person) ?? person;
  }

  /** Policies with ids in place of e-mails. The same object for the same policies. */
  resolved(policies: Policies): Policies {
    if (policies === this.#of) return this.#resolved;
    this.#of = policies;
    this.#resolved = new Map(
      [...policies].map(([id, policy]) => {
        const people = policy.kind === "budget" ? policy.scope?.people : undefined;
        if (policy.kind !== "budget" || people === undefined) return [id, policy];
        const known = people.map((person) => this.#ids.get(person.toLowerCase()) ?? person);
        return [id, { ...policy, scope: { ...policy.scope, people: known } }];
      }),
    );
    return this.#resolved;
  }
}
