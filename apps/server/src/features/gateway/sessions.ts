import { createHmac, timingSafeEqual } from "node:crypto";

const macBytes = 16;

/** What a server names by an id that its callers hand back. */
export type Sealed = "session" | "event";

/**
 * Ids of servers, bound to who may use them: the server's own id with a MAC over it, the caller and the server.
 * A session or an event of somebody else's is one that does not exist.
 */
export class IdSeal {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  seal(kind: Sealed, id: string, userId: string, server: string): string {
    return `${id}.${this.#mac(kind, id, userId, server).toString("base64url")}`;
  }

  /** The server's own id; null when it was not sealed for this caller and server. */
  open(kind: Sealed, sealed: string, userId: string, server: string): string | null {
    const cut = sealed.lastIndexOf(".");
    if (cut < 1) return null;
    const id = sealed.slice(0, cut);
    const given = Buffer.from(sealed.slice(cut + 1), "base64url");
    const expected = this.#mac(kind, id, userId, server);
    return given.length === macBytes && timingSafeEqual(given, expected) ? id : null;
  }

  #mac(kind: Sealed, id: string, userId: string, server: string): Buffer {
    const text = JSON.stringify([kind, id, userId, server]);
    return createHmac("sha256", this.#key).update(text).digest().subarray(0, macBytes);
  }
}
