import { createHmac, timingSafeEqual } from "node:crypto";

const macBytes = 16;

/**
 * Session ids of servers, bound to who may use them: the server's own id with a MAC over it,
 * the caller and the server. A session of somebody else's is one that does not exist.
 */
export class SessionSeal {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  seal(sessionId: string, userId: string, server: string): string {
    return `${sessionId}.${this.#mac(sessionId, userId, server).toString("base64url")}`;
  }

  /** The server's own id; null when it was not sealed for this caller and server. */
  open(sealed: string, userId: string, server: string): string | null {
    const cut = sealed.lastIndexOf(".");
    if (cut < 1) return null;
    const sessionId = sealed.slice(0, cut);
    const given = Buffer.from(sealed.slice(cut + 1), "base64url");
    const expected = this.#mac(sessionId, userId, server);
    return given.length === macBytes && timingSafeEqual(given, expected) ? sessionId : null;
  }

  #mac(sessionId: string, userId: string, server: string): Buffer {
    const text = JSON.stringify([sessionId, userId, server]);
    return createHmac("sha256", this.#key).update(text).digest().subarray(0, macBytes);
  }
}
