import type { EventBus } from "../../lib/events.ts";

export type TailDeps = {
  bus: Pick<EventBus, "publish">;
  /** Sequence number of the newest entry. */
  latest(): Promise<number>;
  /** Which actions were recorded behind a sequence number, up to another. */
  actionsBetween(after: number, upTo: number): Promise<string[]>;
};

/** Tells the features what was recorded, whoever did: another node, a local command, or this process itself. */
export class Tail {
  readonly #deps: TailDeps;
  #seen: number | null = null;

  constructor(deps: TailDeps) {
    this.#deps = deps;
  }

  async look(): Promise<void> {
    const { bus, latest, actionsBetween } = this.#deps;
    const newest = await latest();
    const seen = this.#seen ?? newest;
    this.#seen = newest;
    if (newest > seen) await bus.publish("audit.appeared", { actions: await actionsBetween(seen, newest) });
  }
}
