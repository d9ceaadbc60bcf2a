import type { AuditedTransaction, Database } from "../../../db/dialect.ts";
import { system } from "../../../domain/actor.ts";
import type { Tasks } from "../../../lib/background.ts";
import { type Binding, limitsOf, type Policies } from "./bindings.ts";
import type { PurseName } from "./purse-store.ts";
import * as store from "./purse-store.ts";

export type ThresholdsDeps = {
  database: Pick<Database, "kind">;
  transaction: AuditedTransaction;
  tasks: Tasks;
  policies(): Policies;
  nameOf(holder: string): string;
};

/** A limit, and the parts of it that have been reported. */
type Told = { most: number; parts: readonly number[] };

const mostKept = 10_000;

/** Records in the audit log when spending reaches a part of a limit: once a period, and again when the limit changes. */
export class Thresholds {
  readonly #deps: ThresholdsDeps;
  /** As the database has them: most calls cross nothing. */
  readonly #told = new Map<string, Told>();

  constructor(deps: ThresholdsDeps) {
    this.#deps = deps;
  }

  /** Looks at a purse as it stands; `told` is what its row says of that, where it was read. */
  look(name: PurseName, spent: number, told?: string): void {
    const budget = this.#deps.policies().get(name.meter.policy);
    if (budget?.kind !== "budget") return;
    const binding = limitsOf(budget, name.holder).find((one) => one.meterId === name.meterId);
    if (binding === undefined) return;
    const reached = reachedBy(binding, spent);
    const known = told === undefined ? this.#told.get(name.id) : parsed(told);
    const isKnown =
      reached.length === 0
        ? known === undefined || known.parts.length === 0
        : known?.most === binding.most && same(next(known, binding, reached).parts, known.parts);
    if (isKnown) return;
    void this.#deps.tasks.run("recording a budget's thresholds", () => this.#tell(name, binding, spent));
  }

  async #tell(name: PurseName, binding: Binding, spent: number): Promise<void> {
    const { transaction, database, nameOf } = this.#deps;
    const { budget, meter } = binding;
    const now = await transaction(async (on, record) => {
      const said = await store.toldOf(on, database.kind, name.id);
      if (said === null) return null;
      const known = parsed(said);
      const told = next(known, binding, reachedBy(binding, spent));
      const before = known.most === binding.most ? known.parts : [];
      // Purses first, then the audit log: others lock them in this order, too.
      await store.setTold(on, name.id, [told.most, ...told.parts].join(" "));
      for (const part of told.parts.filter((one) => !before.includes(one)))
        await record({
          actor: system,
          action: part === 1 ? "budget.exceeded" : "budget.alert",
          resource: `policy:${budget.id}`,
          status: part === 1 && budget.on_exceeded !== "warn" ? "refused" : "succeeded",
          metadata: {
            limit: meter.limit,
            ...(name.holder === "" ? {} : { holder: nameOf(name.holder) }),
            period: name.window.key,
            part,
            ...amountFields(binding, spent),
            on_exceeded: budget.on_exceeded,
          },
        });
      return told;
    });
    if (now === null) return;
    if (this.#told.size >= mostKept) this.#told.clear();
    this.#told.set(name.id, now);
  }
}

const reachedBy = ({ budget, most }: Binding, spent: number): number[] =>
  [...new Set([...(budget.alert_at ?? []), 1])]
    .filter((part) => spent >= part * most)
    .toSorted((a, b) => a - b);

/** What has been reported once `reached` is, too. A rolling window forgets the parts that it has fallen below. */
function next(known: Told, { most, meter }: Binding, reached: readonly number[]): Told {
  const before = known.most === most ? known.parts : [];
  const kept = typeof meter.calendar === "object" ? before.filter((part) => reached.includes(part)) : before;
  return { most, parts: [...new Set([...kept, ...reached])].toSorted((a, b) => a - b) };
}

const same = (a: readonly number[], b: readonly number[]): boolean => a.join(" ") === b.join(" ");

function parsed(told: string): Told {
  const [most = -1, ...parts] = told === "" ? [] : told.split(" ").map(Number);
  return { most, parts };
}

const amountFields = ({ meter: { unit }, most }: Binding, spent: number): Record<string, number> =>
  unit === "tokens"
    ? { spent_tokens: spent, of_tokens: most }
    : { spent_usd: spent / 1e9, of_usd: most / 1e9 };
