import { text } from "@ciclo/contract";
import { Refusal } from "../errors.ts";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Buffered } from "./buffered.ts";
import { isLocalOrigin, isOwnHost, type OwnAddresses } from "./own-addresses.ts";

/** What the routes need that stand on the bare HTTP server, beside the API. */

/** Whether a request is meant for this console: its `Host`, and `Origin` if it has one. */
export function isMeantForUs({ headers }: IncomingMessage, addresses: OwnAddresses): boolean {
  const { host, origin } = headers;
  if (!isOwnHost(host, addresses)) return false;
  return origin === undefined || origin === addresses.publicUrl || isLocalOrigin(origin, host);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response
    .writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
      ...headers,
    })
    .end(body);
}

/** Lets the rest of a request go by: who still sends would not see that it was answered. */
export function discard(request: IncomingMessage): void {
  request.removeAllListeners("data");
  request.resume();
}

const idleMs = 15_000;

const stalled = new Refusal(
  "invalid_payload",
  text(
    `Nothing of the body came for ${idleMs / 1000} s. Send it again`,
    `Nada do corpo chegou por ${idleMs / 1000} s. Envie de novo`,
  ),
  { quiet: true },
);

/** The body, or null when it is over the limit; the rest is not read then. */
export function readBody(
  request: IncomingMessage,
  maxBytes: number,
  buffered: Buffered,
): Promise<Buffer | null> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | null>();
  const parts: Buffer[] = [];
  let size = 0;
  // What comes in holds memory that others need: who stops sending gives it back.
  const idle = setTimeout(() => reject(stalled), idleMs).unref();
  const stopWaiting = (): void => clearTimeout(idle);
  // Whoever awaits the body hears what went wrong.
  promise.then(stopWaiting, stopWaiting);
  request.on("data", (part: Buffer) => {
    idle.refresh();
    size += part.length;
    if (size > maxBytes) {
      request.pause();
      resolve(null);
      return;
    }
    try {
      buffered.keep(part.length);
    } catch (error) {
      request.pause();
      reject(error);
      return;
    }
    parts.push(part);
  });
  request.on("end", () => resolve(parts.length === 1 ? (parts[0] ?? null) : Buffer.concat(parts)));
  request.on("error", reject);
  return promise;
}
