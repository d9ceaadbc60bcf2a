import { text } from "@ciclo/contract";
import type { Connection } from "../../domain/servers.ts";
import { Refusal } from "../../errors.ts";
import { detached, type Tasks } from "../../lib/background.ts";

export type CallerConnectionsDeps = {
  serverId: string;
  connect(caller: string): Promise<Connection>;
  tasks: Pick<Tasks, "run">;
  /** How long a call may take, in milliseconds: for so long a connection that was used is not taken from its caller. */
  callMs: number;
};

type Own = { connection: Promise<Connection>; usedAt: number; timer: NodeJS.Timeout };

const most = 32;
const idleMs = 5 * 60_000;

/** A server's connections where each caller has one of their own: `session: per_caller`. */
export class CallerConnections {
  readonly #deps: CallerConnectionsDeps;
  readonly #own = new Map<string, Own>();
  #closed = false;

  constructor(deps: CallerConnectionsDeps) {
    this.#deps = deps;
  }

  /** A caller's connection, made when there is none. Refuses where too many have one. */
  async of(caller: string): Promise<Connection> {
    const known = this.#own.get(caller);
    if (known !== undefined) {
      known.usedAt = performance.now();
      known.timer.refresh();
      return known.connection;
    }
    this.#makeRoom();
    const connection = detached(() => this.#deps.connect(caller));
    const timer = detached(() => setTimeout(() => this.#endSoon(caller, own), idleMs).unref());
    const own: Own = { connection, usedAt: performance.now(), timer };
    this.#own.set(caller, own);
    try {
      const made = await connection;
      made.onEnd(() => this.#forget(caller, own));
      return made;
    } catch (error) {
      this.#forget(caller, own);
      throw error;
    }
  }

  /** Replaces a connection that failed. */
  async renew(caller: string, failed: Connection): Promise<Connection> {
    const own = this.#own.get(caller);
    if (own !== undefined && (await own.connection) === failed) this.#endSoon(caller, own);
    return this.of(caller);
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#own].map(([caller, own]) => this.#end(caller, own)));
  }

  /** Takes the connection that was used longest ago from its caller, if no call of theirs can be under way. */
  #makeRoom(): void {
    if (this.#closed) throw noRoom(this.#deps.serverId);
    if (this.#own.size < most) return;
    const oldest = [...this.#own].toSorted(([, a], [, b]) => a.usedAt - b.usedAt)[0];
    if (oldest === undefined || performance.now() - oldest[1].usedAt < this.#deps.callMs)
      throw noRoom(this.#deps.serverId);
    this.#endSoon(...oldest);
  }

  #endSoon(caller: string, own: Own): void {
    this.#forget(caller, own);
    void this.#deps.tasks.run("ending a caller's connection", () => this.#end(caller, own));
  }

  async #end(caller: string, own: Own): Promise<void> {
    this.#forget(caller, own);
    const [made] = await Promise.allSettled([own.connection]);
    if (made.status === "fulfilled") await made.value.close();
  }

  #forget(caller: string, own: Own): void {
    clearTimeout(own.timer);
    if (this.#own.get(caller) === own) this.#own.delete(caller);
  }
}

const noRoom = (id: string): Refusal =>
  new Refusal(
    "rate_limited",
    text(
      `${most} callers have a session of server ${id}, which is the limit. Try again in a minute`,
      `${most} pessoas têm uma sessão do servidor ${id}, que é o limite. Tente de novo em um minuto`,
    ),
    { retryAfter: 60, quiet: true },
  );
