import type { Locale, Text } from "@ciclo/contract";

/** JSON-RPC as the gateway reads and writes it (MCP, base protocol). */

export type RpcId = string | number;
export type RpcMessage = {
  jsonrpc: "2.0";
  id?: RpcId;
  method?: string;
  params?: { name?: unknown; arguments?: unknown; _meta?: Record<string, unknown> } & Record<string, unknown>;
};

/** What a message is not by JSON-RPC 2.0 and MCP's base protocol, as a sentence; null for a sound one. */
export function oddityOf(message: object): string | null {
  const { jsonrpc, id, method } = message as Record<string, unknown>;
  if (jsonrpc !== "2.0") return 'jsonrpc must be "2.0"';
  if (method !== undefined && typeof method !== "string") return "method must be a string";
  if (id === undefined) {
    const isNotification = method?.startsWith("notifications/") === true;
    return isNotification ? null : "Only notifications have no id; give the request one";
  }
  // A number that JSON readers round is answered under another one.
  return typeof id === "string" || Number.isSafeInteger(id)
    ? null
    : "id must be a string, or a whole number of at most 2^53 - 1";
}

/** Error codes of the gateway itself, in the range that JSON-RPC leaves to implementations. */
export const rpcCodes = {
  invalidRequest: -32600,
  invalidParams: -32602,
  parseError: -32700,
  policy_denied: -32001,
  /** As one that is not there, which is what callers know how to take (JSON-RPC 2.0, section 5.1). */
  method_denied: -32601,
  params_denied: -32602,
  tool_withheld: -32001,
  rate_limited: -32003,
  budget_exceeded: -32003,
  server_unavailable: -32004,
  timeout: -32004,
} as const;

export type GatewayCode = Exclude<keyof typeof rpcCodes, "invalidRequest" | "invalidParams" | "parseError">;

/** Why the gateway does not let a call through, or could not bring it to its end. */
export class GatewayRefusal extends Error {
  readonly code: GatewayCode;
  readonly detail: Text;
  readonly retryAfter: number | undefined;
  constructor(code: GatewayCode, detail: Text, retryAfter?: number) {
    super(detail.en);
    this.code = code;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }

  get rpcCode(): number {
    return rpcCodes[this.code];
  }

  data(): { code: GatewayCode; retry_after_s?: number } {
    return this.retryAfter === undefined
      ? { code: this.code }
      : { code: this.code, retry_after_s: this.retryAfter };
  }
}

export const refusalBody = (id: RpcId | undefined, refusal: GatewayRefusal, locale: Locale): string =>
  errorBody(id, refusal.rpcCode, refusal.detail[locale], refusal.data());

export const errorBody = (id: RpcId | undefined, code: number, message: string, data?: object): string =>
  JSON.stringify({
    jsonrpc: "2.0",
    id: id ?? null,
    error: { code, message, ...(data === undefined ? {} : { data }) },
  });

const versionKey = "io.modelcontextprotocol/protocolVersion";
const firstModern = "2026-07-28";

/** Whether a message claims a revision without sessions: by its envelope, or by its header where it has none. */
export function isModern(message: RpcMessage, versionHeader: string | undefined): boolean {
  const claimed = message.params?._meta?.[versionKey];
  return typeof claimed === "string" ? claimed >= firstModern : (versionHeader ?? "") >= firstModern;
}
