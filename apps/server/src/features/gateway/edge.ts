import type { IncomingMessage, ServerResponse } from "node:http";
import { sendJson } from "../../lib/node-http.ts";
import type { OwnAddresses } from "../../lib/own-addresses.ts";

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
