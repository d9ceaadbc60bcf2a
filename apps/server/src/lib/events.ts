import { detached } from "./background.ts";
import type { Logger } from "./logger.ts";

/** What features tell each other. Each is a hint within this process: what holds stands in the tables and in git. */
export type Events = {
  /** An operation of a change has come to its end. */
  "change.ended": { planId: string };
  /** The live configuration, or the tools of its servers, are not what they were. */
  "live.moved": undefined;
  /** Somebody pushed to the live branch, or may have. */
  "live.pushed": undefined;
  /** The forge says that something about a branch moved, or a pull request of it. */
  "forge.moved": { branch: string };
  /** A key's value came into use or went out of it. */
  "keys.changed": undefined;
  /** A user, role, token or session is not what it was. */
  "access.changed": undefined;
  /** Entries appeared in the audit log, whoever wrote them: another node, a local command, or this process. */
  "audit.appeared": { actions: readonly string[] };
  /** A transaction that may have recorded something was committed. */
  "audit.committed": undefined;
};

type Listener<E extends keyof Events> = (event: Events[E]) => void | Promise<void>;

/** The typed bus between features. */
export class EventBus {
  readonly #logger: Logger;
  readonly #listeners: { [E in keyof Events]?: Listener<E>[] } = {};

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  on<E extends keyof Events>(name: E, listener: Listener<E>): void {
    const known: Listener<E>[] = (this.#listeners[name] ??= []);
    known.push(listener);
  }

  /**
   * Tells all listeners, outside the context of the caller. Resolves when they have taken it in. Never rejects:
   * what a listener throws is logged, and is no concern of who published.
   */
  async publish<E extends keyof Events>(
    name: E,
    ...[event]: Events[E] extends undefined ? [] : [Events[E]]
  ): Promise<void> {
    const listeners: readonly Listener<E>[] = this.#listeners[name] ?? [];
    await Promise.all(
      listeners.map((listener) =>
        detached(async () => {
          try {
            await listener(event as Events[E]);
          } catch (error) {
            this.#logger.error({ err: error, event: name }, `a listener of ${name} failed`);
          }
        }),
      ),
    );
  }
}
