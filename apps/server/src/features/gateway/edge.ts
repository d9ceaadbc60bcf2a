import type { IncomingMessage, ServerResponse } from "node:http";
import type { Buffered } from "../../lib/buffered.ts";
import { isLocalOrigin, isOwnHost, type OwnAddresses } from "../../lib/own-addresses.ts";

/** What stands before any call: where it comes from, how large it is, where to learn how to get in. */

export type EdgeOptions = OwnAddresses & { maxBodyBytes: number };

export const mcpPath = "/mcp";
const metadataPath = "/.well-known/oauth-protected-resource";

export type Route = { kind: "mcp"; server: string | null } | { kind: "metadata"; resource: string };

/** The gateway's route of a request; null for everything else. */
export function routeOf(url: string): Route | null {
  const query = url.indexOf("?");
  const path = query < 0 ? url : url.slice(0, query);
  if (path === mcpPath || path === "/mcp/") return { kind: "mcp", server: null };
  const server = /^\/mcp\/([a-z0-9-]{1,64})\/?$/.exec(path)?.[1];
  if (server !== undefined) return { kind: "mcp", server };
  if (path === metadataPath) return { kind: "metadata", resource: mcpPath };
  const resource = new RegExp(`^${metadataPath}(/mcp(?:/[a-z0-9-]{1,64})?)$`).exec(path)?.[1];
  return resource === undefined ? null : { kind: "metadata", resource };
}

/** Whether a request is meant for this console: its `Host`, and `Origin` if it has one. */
export function isMeantForUs({ headers }: IncomingMessage, addresses: OwnAddresses): boolean {
  const { host, origin } = headers;
  if (!isOwnHost(host, addresses)) return false;
  return origin === undefined || origin === addresses.publicUrl || isLocalOrigin(origin, host);
}

export const originOf = ({ headers }: IncomingMessage, { publicUrl }: EdgeOptions): string =>
  publicUrl ?? `http://${headers.host ?? "127.0.0.1"}`;

/** OAuth protected resource metadata (RFC 9728). Tokens are the console's own; no server grants others. */
export function sendMetadata(
  request: IncomingMessage,
  response: ServerResponse,
  resource: string,
  options: EdgeOptions,
): void {
  const origin = originOf(request, options);
  const metadata = {
    resource: `${origin}${resource}`,
    resource_name: "Ciclo",
    bearer_methods_supported: ["header"],
    resource_documentation: `${origin}/api/docs`,
  };
  sendJson(response, 200, JSON.stringify(metadata), { "access-control-allow-origin": "*" });
}

/** Where a caller without a token is told to look (RFC 9728 §5.1). */
export const challengeFor = (
  request: IncomingMessage,
  server: string | null,
  options: EdgeOptions,
): string => {
  const resource = server === null ? mcpPath : `${mcpPath}/${server}`;
  return `Bearer resource_metadata="${originOf(request, options)}${metadataPath}${resource}"`;
};

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

/** The body, or null when it is over the limit; the rest is not read then. */
export function readBody(
  request: IncomingMessage,
  maxBytes: number,
  buffered: Buffered,
): Promise<Buffer | null> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | null>();
  const parts: Buffer[] = [];
  let size = 0;
  request.on("data", (part: Buffer) => {
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
