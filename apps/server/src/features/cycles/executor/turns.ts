import type { Execution } from "@ciclo/contract";
import { inputOf } from "../../../domain/tokens.ts";
import type { Cost, MeteredCall } from "../../../domain/usage.ts";

type Turn = Execution["turns"][number];

/** What an agent used in each of its turns, as the ledger has it. Turns follow one another; a call belongs to the one that it began in. */
export class Turns {
  readonly #turns: (Pick<Turn, "item"> & { from: number; to: number })[] = [];
  readonly #calls: { began: number; call: MeteredCall; cost: Cost }[] = [];
  #from = Date.now();

  hear(call: MeteredCall, cost: Cost): void {
    this.#calls.push({ began: Date.parse(call.at) - (call.ms ?? 0), call, cost });
  }

  /** Ends a turn, and begins the next. `item` is the part of the work that it was for. */
  end(item: string | null): void {
    const to = Date.now();
    this.#turns.push({ item, from: this.#from, to });
    this.#from = to;
  }

  all(): Turn[] {
    return this.#turns.map(({ item, from, to }, index) => {
      const isFirst = index === 0;
      const isLast = index === this.#turns.length - 1;
      const of = this.#calls.filter(({ began }) => (isFirst || began >= from) && (isLast || began < to));
      const sum = (value: (one: (typeof of)[number]) => number): number =>
        of.reduce((total, one) => total + value(one), 0);
      return {
        item,
        ms: to - from,
        calls: of.length,
        input_tokens: sum(({ call: { usage } }) => (usage === null ? 0 : inputOf(usage.tokens))),
        output_tokens: sum(({ call: { usage } }) => usage?.tokens.output ?? 0),
        usd: sum(({ cost: { nanoUsd } }) => (nanoUsd ?? 0) / 1e9),
        unknown_calls: of.filter(({ cost: { nanoUsd } }) => nanoUsd === null).length,
      };
    });
  }
}
