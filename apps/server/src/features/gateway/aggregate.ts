import type { Mask } from "../../lib/mask-values.ts";
import type { IncomingMessage, ServerResponse } from "node:http";
import { classifyInboundRequest, SERVER_INFO_META_KEY } from "@modelcontextprotocol/server";
import { ownServerId, type Text } from "@ciclo/contract";
import type { Actor } from "../../domain/actor.ts";
import type { LiveServer } from "../../domain/servers.ts";
import { Bridge, type BridgedRequest, type Caller, methodNotFound } from "./bridge.ts";
import { sendJson } from "../../lib/node-http.ts";
import { type Guard, type Metered, noTool, type Outcome } from "./guard.ts";
import type { RpcMessage } from "./messages.ts";
import type { OwnServer } from "./own-server.ts";
import { answerMetered } from "./outcomes.ts";
import { askUpstream, withCallKey } from "./upstream.ts";

export type AggregateDeps = {
  guard: Guard;
  own: OwnServer;
  version: string;
  servers(): readonly LiveServer[];
  find(id: string): LiveServer | undefined;
  callMsOf(server: LiveServer["server"]): number;
  explainFailure(error: unknown, mask: Mask): Text;
  onError(error: Error): void;
};

/** Between a server's id and its tool's name. Ids hold no underscore, so the first one parts them. */
const separator = "__";
const maxName = 128;
/** How long a caller may hold on to the list, in milliseconds. */
const listTtlMs = 5000;

/** Whose tool a call is for: by its route, or by its name where the route is that of all servers. Pure. */
export function targetOf(route: string | null, name: string): { server: string; name: string } {
  const cut = route === null ? name.indexOf(separator) : -1;
  return cut < 0
    ? { server: route ?? ownServerId, name }
    : { server: name.slice(0, cut), name: name.slice(cut + separator.length) };
}

/** All servers as one: their tools as `server__tool`, and the console's own. */
export class Aggregate {
  readonly #deps: AggregateDeps;
  readonly #bridge: Bridge;
  /** The list as JSON, by what a caller may see. Rebuilt when servers or tools change. */
  readonly #lists = new Map<string, string>();

  constructor(deps: AggregateDeps) {
    this.#deps = deps;
    this.#bridge = new Bridge(
      () => ({
        info: { name: "ciclo", version: deps.version },
        instructions: "Tools of all servers that Ciclo governs, as server__tool.",
        capabilities: { tools: { listChanged: true } },
        answer: (request) => this.#answer(request),
      }),
      deps.onError,
    );
  }

  /** Forgets the lists, and tells those who listen. */
  changed(): void {
    this.#lists.clear();
    this.#bridge.toolsChanged();
  }

  async post(
    request: IncomingMessage,
    response: ServerResponse,
    message: RpcMessage,
    modern: boolean,
    caller: Caller,
  ): Promise<void> {
    // The one answer that grows with the fleet is not recreated for each caller.
    if (message.method === "tools/list" && message.id !== undefined && isSound(request, message, modern)) {
      const startedAt = performance.now();
      this.#deps.guard.paceList(caller.actor);
      const meta = JSON.stringify({ [SERVER_INFO_META_KEY]: { name: "ciclo", version: this.#deps.version } });
      const beside = `"resultType":"complete","ttlMs":${listTtlMs},"cacheScope":"private","_meta":${meta},`;
      const result = `{${modern ? beside : ""}"tools":${this.#listFor(caller.actor)}}`;
      const body = `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":${result}}`;
      sendJson(response, 200, body);
      const asked = { method: "tools/list", params: message.params ?? {}, caller };
      const outcome: Outcome = { status: "ok", error: null, responseBytes: body.length };
      this.#deps.guard.meter(meteredCall(asked, ownServerId, null), startedAt, outcome);
      return;
    }
    await this.#bridge.serve(request, response, message, caller);
  }

  async #answer(asked: BridgedRequest) {
    const { method, params, caller } = asked;
    if (method === "tools/list") {
      return answerMetered(
        this.#deps.guard,
        meteredCall(asked, ownServerId, null),
        asked.signal,
        async () => ({
          tools: JSON.parse(this.#listFor(caller.actor)) as never[],
          ttlMs: listTtlMs,
          cacheScope: "private",
        }),
      );
    }
    if (method !== "tools/call") throw methodNotFound(method);
    const name = String(params.name);
    if (this.#deps.own.has(name)) return callOwn(this.#deps, asked, name);
    const cut = name.indexOf(separator);
    const live = cut < 0 ? undefined : this.#deps.find(name.slice(0, cut));
    if (live === undefined) {
      const call = meteredCall(asked, ownServerId, name.slice(0, maxName));
      return answerMetered(this.#deps.guard, call, asked.signal, () => Promise.reject(noTool(name)));
    }
    return this.#callServer(asked, live, name.slice(cut + separator.length));
  }

  async #callServer(asked: BridgedRequest, live: LiveServer, tool: string) {
    const { guard, callMsOf } = this.#deps;
    const { actor } = asked.caller;
    const call = meteredCall(asked, live.server.id, tool, live.server.price?.per_call_usd);
    live.link.hold();
    try {
      return await answerMetered(guard, call, asked.signal, async () => {
        // Its tools are known once it has been connected to.
        await live.link.connected();
        const message = { jsonrpc: "2.0", method: "tools/call", params: { name: tool } } as const;
        await guard.admit(actor, live, message, call);
        live.link.enter();
        try {
          call.dispatched = true;
          const params = withCallKey({ ...asked.params, name: tool }, call);
          return await askUpstream(this.#deps, live.link, { ...asked, params }, callMsOf(live.server));
        } finally {
          live.link.leave();
        }
      });
    } finally {
      live.link.release();
    }
  }

  /** The tools that a caller may see, as a JSON array. */
  #listFor(actor: Actor): string {
    const key = `${actor.roles.join(",")}${actor.run === undefined ? "" : " run"}`;
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const { guard, own, servers } = this.#deps;
    const mine = own.list(actor).filter(({ name }) => guard.allows(actor, ownServerId, "tools", [name]));
    const tools = servers().flatMap((live) =>
      live.link.tools.flatMap(({ name, offered }) =>
        offered !== null && guard.maySee(actor, live, name)
          ? [
              JSON.stringify({
                ...(live.link.shown(offered.tool) ?? offered.tool),
                name: `${live.server.id}${separator}${name}`,
              }),
            ]
          : [],
      ),
    );
    const list = `[${[...mine.map((each) => JSON.stringify(each)), ...tools].join(",")}]`;
    this.#lists.set(key, list);
    return list;
  }
}

/** Whether headers and envelope are those of the message's era. What is not is explained by the bridge. */
function isSound({ headers }: IncomingMessage, message: RpcMessage, modern: boolean): boolean {
  const header = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === "string" ? value : undefined;
  };
  const classified = classifyInboundRequest({
    httpMethod: "POST",
    body: message,
    ...given("protocolVersionHeader", header("mcp-protocol-version")),
    ...given("mcpMethodHeader", header("mcp-method")),
    ...given("mcpNameHeader", header("mcp-name")),
  });
  return classified.kind === (modern ? "modern" : "legacy");
}

const given = <K extends string>(name: K, value: string | undefined): Partial<Record<K, string>> =>
  value === undefined ? {} : ({ [name]: value } as Record<K, string>);

/** Calls a tool of the console itself, as policy lets the caller. */
export function callOwn(
  { guard, own }: Pick<AggregateDeps, "guard" | "own">,
  asked: BridgedRequest,
  name: string,
) {
  const { actor } = asked.caller;
  const call = meteredCall(asked, ownServerId, name);
  return answerMetered(guard, call, asked.signal, async () => {
    await guard.admitOwn(actor, name, call);
    return own.call(name, asked.params.arguments, asked.caller);
  });
}

const meteredCall = (
  { method, params, caller }: Pick<BridgedRequest, "method" | "params" | "caller">,
  server: string,
  tool: string | null,
  price?: number,
): Metered => ({
  server,
  tool,
  method,
  actor: caller.actor,
  client: caller.client,
  era: "modern",
  requestBytes: Buffer.byteLength(JSON.stringify(params)),
  price: price ?? null,
  dispatched: false,
});
