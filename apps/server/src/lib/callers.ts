import type { Authenticated, Credentials } from "../domain/access.ts";
import type { Actor } from "../domain/actor.ts";
import { Refusal } from "../errors.ts";
import { hashToken } from "./crypto.ts";

export type CallersDeps = {
  authenticate(credentials: Credentials): Promise<Authenticated>;
};

/** Who calls, and until when the token may be used (ISO 8601); null where it does not end. */
export type Known = { actor: Actor; until: string | null };

/** A token that was cut off by another process is taken for no longer than this. */
const keptMs = 1000;
const maxKept = 10_000;

/**
 * Who calls, by bearer token. Remembered for a second, so that a busy client is not looked up
 * for each call; forgotten at once when this process changes anything about access.
 */
export class Callers {
  readonly #deps: CallersDeps;
  readonly #known = new Map<string, Known & { keptUntil: number }>();

  constructor(deps: CallersDeps) {
    this.#deps = deps;
  }

  forget(): void {
    this.#known.clear();
  }

  /** The caller as remembered; null when there is need to ask. */
  known(authorization: string | undefined): Known | null {
    if (authorization === undefined) return null;
    const entry = this.#known.get(hashToken(authorization));
    return entry !== undefined && entry.keptUntil > performance.now() ? entry : null;
  }

  /** Asks who a token belongs to. Throws a `Refusal`. */
  async ask(authorization: string | undefined, address: string): Promise<Known> {
    const { actor, until } = await this.#deps.authenticate({
      authorization,
      cookie: undefined,
      csrfToken: undefined,
      writes: true,
      address,
    });
    if (actor.roles.length === 0) throw new Refusal("insufficient_permission", noRoles);
    const known = { actor, until };
    if (this.#known.size >= maxKept) this.#known.clear();
    this.#known.set(hashToken(authorization ?? ""), { ...known, keptUntil: performance.now() + keptMs });
    return known;
  }
}

const noRoles = {
  en: "Insufficient permission: this user has no role. Ask an admin for one",
  "pt-BR": "Permissão insuficiente: este usuário não tem papel. Peça um a um admin",
};
