import { text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import type { RpcMessage } from "./messages.ts";

/** Streams that one caller may hold open with one server, and with all of them. */
const maxStreamsOfServer = 32;
const maxStreams = 128;
/** Resources that one caller may follow within a session. */
const maxSubscriptions = 200;
/** Sessions whose subscriptions are remembered; those that were used longest ago are forgotten first. */
const maxSessions = 10_000;

/** What one caller may hold at once: a caller who holds more leaves less to the others. */
export class CallerLimits {
  /** Open streams by caller, and by caller and server. */
  readonly #streams = new Map<string, number>();
  /** Addresses of resources by session. */
  readonly #subscriptions = new Map<string, Set<string>>();

  /** Counts a stream. Refuses beyond the limit; returns what takes it off the count, once. */
  enterStream(caller: string, server: string): () => void {
    const keys = [
      [`${caller} ${server}`, maxStreamsOfServer],
      [caller, maxStreams],
    ] as const;
    for (const [key, most] of keys)
      if ((this.#streams.get(key) ?? 0) >= most) throw tooManyStreams(server, most);
    for (const [key] of keys) this.#streams.set(key, (this.#streams.get(key) ?? 0) + 1);
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      for (const [key] of keys) {
        const left = (this.#streams.get(key) ?? 1) - 1;
        if (left === 0) this.#streams.delete(key);
        else this.#streams.set(key, left);
      }
    };
  }

  /** Refuses a message that would follow more than one may. */
  mayFollow({ method, params }: RpcMessage, session: string): void {
    if (method === "subscriptions/listen") {
      const { resourceSubscriptions } = (params?.["notifications"] ?? {}) as {
        resourceSubscriptions?: unknown[];
      };
      if ((resourceSubscriptions?.length ?? 0) > maxSubscriptions) throw tooManySubscriptions();
    }
    if (method !== "resources/subscribe") return;
    const followed = this.#subscriptions.get(session);
    const isFull = followed !== undefined && followed.size >= maxSubscriptions;
    if (isFull && !followed.has(String(params?.["uri"]))) throw tooManySubscriptions();
  }

  /** Takes note of what a message follows, or no longer does. Refuses beyond the limit. */
  follow(message: RpcMessage, session: string): void {
    this.mayFollow(message, session);
    const { method, params } = message;
    if (method !== "resources/subscribe" && method !== "resources/unsubscribe") return;
    const followed = this.#subscriptions.get(session) ?? new Set();
    const uri = String(params?.["uri"]);
    if (method === "resources/unsubscribe") followed.delete(uri);
    else followed.add(uri);
    // Behind those that were used before it.
    this.#subscriptions.delete(session);
    if (followed.size > 0) this.#subscriptions.set(session, followed);
    const [oldest] = this.#subscriptions.keys();
    if (this.#subscriptions.size > maxSessions && oldest !== undefined) this.#subscriptions.delete(oldest);
  }

  /** A session has been ended. */
  forget(session: string): void {
    this.#subscriptions.delete(session);
  }
}

const tooManyStreams = (server: string, most: number): Refusal =>
  new Refusal(
    "rate_limited",
    text(
      `You have ${most} open streams (the latest of server ${server}), which is the limit. Close one`,
      `Você tem ${most} conexões abertas (a última com o servidor ${server}), que é o limite. Feche uma`,
    ),
    { quiet: true },
  );

const tooManySubscriptions = (): Refusal =>
  new Refusal(
    "rate_limited",
    text(
      `You follow ${maxSubscriptions} resources in this session, which is the limit. Unsubscribe from one`,
      `Você acompanha ${maxSubscriptions} recursos nesta sessão, que é o limite. Cancele um deles`,
    ),
    { quiet: true },
  );
