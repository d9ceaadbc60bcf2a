import type { IncomingMessage, ServerResponse } from "node:http";
import { type NodeMcpRequestHandler, toNodeHandler } from "@modelcontextprotocol/node";
import {
  createMcpHandler,
  type McpHttpHandler,
  ProtocolError,
  ProtocolErrorCode,
  type Result,
  Server,
  type ServerContext,
  type ServerCapabilities,
} from "@modelcontextprotocol/server";
import type { Locale } from "@ciclo/contract";
import { type Actor, callerKey } from "../../domain/actor.ts";
import type { ClientName } from "./client-names.ts";
import { GatewayRefusal } from "./messages.ts";

/** Who is served, as handlers see it. */
export type Caller = { actor: Actor; locale: Locale; client: ClientName | null };

/** What a bridged endpoint offers: requests by method, answered from wherever they are answered. */
export type Bridged = {
  info: { name: string; version: string };
  instructions?: string | undefined;
  capabilities: ServerCapabilities;
  /** Answers one request. Throws `GatewayRefusal`, or an error with a JSON-RPC `code`. */
  answer(request: BridgedRequest): Promise<Result>;
};

export type BridgedRequest = {
  caller: Caller;
  method: string;
  params: Record<string, unknown>;
  signal: AbortSignal;
  onProgress: ((progress: Record<string, unknown>) => void) | null;
};

const methodsOf: Record<string, readonly string[]> = {
  tools: ["tools/list", "tools/call"],
  prompts: ["prompts/list", "prompts/get"],
  resources: ["resources/list", "resources/templates/list", "resources/read"],
  completions: ["completion/complete"],
};

/**
 * An MCP endpoint in both eras before something that is reached another way: a server of the
 * other era, a process, several servers at once. Messages are recreated by the SDK on this side.
 */
export class Bridge {
  readonly #handler: McpHttpHandler;
  readonly #serve: NodeMcpRequestHandler;
  readonly #underWay = new UnderWay();

  constructor(bridged: () => Bridged | Promise<Bridged>, onError: (error: Error) => void) {
    this.#handler = createMcpHandler(
      async ({ authInfo }) => serverFor(await bridged(), authInfo?.extra as Caller, this.#underWay),
      {
        onerror: onError,
      },
    );
    this.#serve = toNodeHandler(this.#handler);
  }

  /** Serves one HTTP request whose body is parsed already. */
  serve(request: IncomingMessage, response: ServerResponse, body: unknown, caller: Caller): Promise<void> {
    const { method, params } = body as { method?: unknown; params?: { requestId?: unknown } };
    // Each message has a server of the SDK of its own, which knows nothing of the others.
    if (method === "notifications/cancelled") this.#underWay.cancel(caller, params?.requestId);
    const auth = {
      token: "",
      clientId: caller.actor.id ?? caller.actor.name,
      scopes: [],
      extra: { ...caller },
    };
    return this.#serve(Object.assign(request, { auth }), response, body);
  }

  /** Tells who listens that the tools are not those they know. */
  toolsChanged(): void {
    this.#handler.notify.toolsChanged();
  }

  close(): Promise<void> {
    return this.#handler.close();
  }
}

/** Requests under way, to be given up when their caller says so. */
class UnderWay {
  readonly #requests = new Map<string, AbortController[]>();

  /** Gives a request up. Of several with one id, as sessions of one caller may have, it is not known which is meant. */
  cancel(caller: Caller, id: unknown): void {
    const [request, ...others] = this.#requests.get(keyOf(caller, id)) ?? [];
    if (others.length === 0) request?.abort();
  }

  /** Does work that ends early with its own signal, or when its caller gives it up. */
  async run<T>(
    { caller, id, signal }: { caller: Caller; id: unknown; signal: AbortSignal },
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const key = keyOf(caller, id);
    const request = new AbortController();
    this.#requests.set(key, [...(this.#requests.get(key) ?? []), request]);
    try {
      return await work(AbortSignal.any([signal, request.signal]));
    } finally {
      const others = (this.#requests.get(key) ?? []).filter((each) => each !== request);
      if (others.length === 0) this.#requests.delete(key);
      else this.#requests.set(key, others);
    }
  }
}

const keyOf = ({ actor }: Caller, id: unknown): string => JSON.stringify([callerKey(actor), id]);

function serverFor(bridged: Bridged, caller: Caller, underWay: UnderWay): Server {
  const { info, instructions, capabilities } = bridged;
  const server = new Server(info, { capabilities, ...(instructions === undefined ? {} : { instructions }) });
  for (const [capability, methods] of Object.entries(methodsOf)) {
    if (!(capability in capabilities)) continue;
    for (const method of methods) {
      server.setRequestHandler(method as "tools/list", async (request, context) => {
        const params = (request.params ?? {}) as Record<string, unknown>;
        const { signal: own, id } = context.mcpReq;
        try {
          const onProgress = progressTo(context, params);
          return (await underWay.run({ caller, id, signal: own }, (signal) =>
            bridged.answer({ caller, method, params, signal, onProgress }),
          )) as never;
        } catch (error) {
          throw error instanceof GatewayRefusal
            ? new ProtocolError(error.rpcCode, error.detail[caller.locale], error.data())
            : error;
        }
      });
    }
  }
  return server;
}

/** Passes progress on to a caller that asked for it, under its own token. */
function progressTo(
  { mcpReq }: ServerContext,
  params: Record<string, unknown>,
): ((progress: Record<string, unknown>) => void) | null {
  const meta = (params._meta ?? mcpReq._meta ?? {}) as { progressToken?: string | number };
  const { progressToken } = meta;
  if (progressToken === undefined) return null;
  return (progress) => {
    const notification = { method: "notifications/progress", params: { ...progress, progressToken } };
    // A caller that has left needs no progress.
    mcpReq.notify(notification as never).catch(() => {});
  };
}

export const methodNotFound = (method: string): ProtocolError =>
  new ProtocolError(ProtocolErrorCode.MethodNotFound, `Method not found: ${method}`);
