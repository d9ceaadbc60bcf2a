import { sha256 } from "../../lib/crypto.ts";
import { statusOf } from "./outcome.ts";
import type { Forwarded } from "./forward.ts";
import type { Call } from "./records.ts";

/** Requests that failed, and may be sent again. */
const maxKept = 2000;

/**
 * Ties the retries of a client to the call that failed first. Clients count their retries, and send the same bytes again; only
 * what failed is looked at, so that calls that succeed pay nothing for it.
 */
export class Retries {
  /** The operation by who sent which bytes where. The oldest is forgotten first. */
  readonly #failed = new Map<string, string>();

  /** Names the operation of a call that is a retry. */
  begin(call: Call, body: Buffer | null): void {
    if ((call.attempt ?? 1) === 1 || body === null) return;
    const operation = this.#failed.get(nameOf(call, body));
    if (operation !== undefined) call.operation = operation;
  }

  /** Remembers a call that failed. It is an operation of its own where it retries nothing. */
  ended(call: Call, body: Buffer | null, ended: Forwarded | null): void {
    const status = statusOf(ended);
    if (body === null || status === "ok" || status === "partial") return;
    call.operation ??= call.key;
    const name = nameOf(call, body);
    this.#failed.delete(name);
    this.#failed.set(name, call.operation);
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > maxKept && oldest !== undefined) this.#failed.delete(oldest);
  }
}

const nameOf = ({ subject, path, provider, session }: Call, body: Buffer): string =>
  JSON.stringify([subject.actorId, subject.run, provider.id, path.path, session, sha256(body)]);
