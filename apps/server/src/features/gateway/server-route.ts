import type { IncomingMessage, ServerResponse } from "node:http";
import type { Locale, Text } from "@ciclo/contract";
import { text } from "@ciclo/contract";
import type { ServerCapabilities } from "@modelcontextprotocol/server";
import { Refusal } from "../../errors.ts";
import type { Actor } from "../../lib/actor.ts";
import type { Connection } from "../servers/connect.ts";
import { Bridge, type BridgedRequest } from "./bridge.ts";
import { type Guard, type LiveServer, type Metered, type Outcome } from "./guard.ts";
import { GatewayRefusal, refusalBody, type RpcMessage } from "./messages.ts";
import { relay, type Relayed, type RelayJob } from "./relay.ts";
import type { SessionSeal } from "./sessions.ts";
import { filterToolList } from "./tool-lists.ts";
import { askUpstream, timedOut } from "./upstream.ts";

export type ServerRouteDeps = {
  guard: Guard;
  seal: SessionSeal;
  callMsOf(server: LiveServer["server"]): number;
  explainStatus(status: number): Text;
  explainFailure(error: unknown): Text;
  onError(error: Error): void;
};

/** One request to `/mcp/{server}`, let in and parsed. */
export type Entered = {
  request: IncomingMessage;
  response: ServerResponse;
  live: LiveServer;
  actor: Actor;
  locale: Locale;
};

export type Posted = Entered & { message: RpcMessage; body: Buffer; modern: boolean; startedAt: number };

const probeMs = 5000;

/**
 * The unprefixed route of one server. Where caller and server speak the same revisions over
 * streamable HTTP, bytes are passed through; else a bridge stands between them.
 */
export class ServerRoute {
  readonly #deps: ServerRouteDeps;
  readonly #bridges = new WeakMap<LiveServer["link"], Bridge>();

  constructor(deps: ServerRouteDeps) {
    this.#deps = deps;
  }

  async post(posted: Posted): Promise<void> {
    const { live, message, request, response, actor, locale } = posted;
    const connection = live.link.connection ?? (await live.link.connected());
    if (!(await this.#passesThrough(live, connection, posted.modern))) {
      await this.#bridgeOf(live).serve(request, response, message, { actor, locale });
      return;
    }
    const sessionId = this.#sessionOf(posted);
    const isCall = message.method === "tools/call";
    const tool = isCall ? String(message.params?.name) : null;
    const call = metered(posted, tool);
    try {
      if (isCall) await this.#deps.guard.admit(actor, live, tool ?? "");
      live.link.enter();
    } catch (error) {
      if (message.id !== undefined) this.#deps.guard.meter(call, posted.startedAt, refusedOutcome(error));
      throw error;
    }
    try {
      const relayed = await relay(this.#job(posted, connection, sessionId), response);
      const outcome = outcomeOf(relayed);
      if (message.id !== undefined) this.#deps.guard.meter(call, posted.startedAt, outcome);
      if (relayed.kind === "failed") throw this.#failure(live, relayed);
    } finally {
      live.link.leave();
    }
  }

  /** A session's stream of messages from the server, or its end: only where sessions are passed through. */
  async session(entered: Entered, method: "GET" | "DELETE"): Promise<void> {
    const { live, response } = entered;
    const connection = live.link.connection ?? (await live.link.connected());
    if (!(await this.#passesThrough(live, connection, false))) {
      response.writeHead(405, { allow: "POST" }).end();
      return;
    }
    const sessionId = this.#sessionOf(entered);
    const job = this.#job({ ...entered, message: null, body: null, method }, connection, sessionId);
    const relayed = await relay(job, response);
    if (relayed.kind === "failed") throw this.#failure(live, relayed);
  }

  /** Tells those who listen to a server through a bridge that its tools are other ones. */
  toolsChanged(live: LiveServer): void {
    this.#bridges.get(live.link)?.toolsChanged();
  }

  async #passesThrough(
    { link, server }: LiveServer,
    connection: Connection,
    modern: boolean,
  ): Promise<boolean> {
    if (connection.http === null) return false;
    if (modern || connection.era === "legacy") return modern === (connection.era === "modern");
    return link.speaksLegacy(() => asksLegacy(connection, server.url ?? "", link.spec.target?.values ?? {}));
  }

  #sessionOf({ request, actor, live }: Entered): string | undefined {
    const sealed = request.headers["mcp-session-id"];
    if (typeof sealed !== "string") return undefined;
    const sessionId = this.#deps.seal.open(sealed, actor.id ?? actor.name, live.server.id);
    if (sessionId === null) throw new Refusal("not_found", noSession, { quiet: true });
    return sessionId;
  }

  #job(
    of: Entered & { message: RpcMessage | null; body: Buffer | null; method?: "GET" | "DELETE" },
    { http }: Connection,
    sessionId: string | undefined,
  ): RelayJob {
    const { live, actor } = of;
    if (http === null) throw new Error(`server ${live.server.id} is not reached by HTTP`);
    const isList = of.message?.method === "tools/list";
    const keep = (name: string): boolean => this.#deps.guard.maySee(actor, live, name);
    return {
      http,
      url: new URL(live.server.url ?? ""),
      method: of.method ?? "POST",
      body: of.body,
      headers: of.request.headers,
      sessionId,
      seal: (id) => this.#deps.seal.seal(id, actor.id ?? actor.name, live.server.id),
      credentials: live.link.spec.target?.values ?? {},
      timeoutMs: of.method === "GET" ? 0 : this.#deps.callMsOf(live.server),
      lastWord: (error) =>
        of.message?.id === undefined
          ? null
          : refusalBody(of.message.id, this.#failure(live, { status: null, error }), of.locale),
      rewrite: isList ? (body, contentType) => filterToolList(body, contentType, keep) : null,
    };
  }

  #failure(
    { server }: LiveServer,
    { status, error }: { status: number | null; error: Error | null },
  ): GatewayRefusal {
    if (isLate(error)) return timedOut(server.id, this.#deps.callMsOf(server));
    const why = status === null ? this.#deps.explainFailure(error) : this.#deps.explainStatus(status);
    return new GatewayRefusal(
      "server_unavailable",
      text(`Server ${server.id}: ${why.en}`, `Servidor ${server.id}: ${why["pt-BR"]}`),
    );
  }

  #bridgeOf(live: LiveServer): Bridge {
    const known = this.#bridges.get(live.link);
    if (known !== undefined) return known;
    const bridge = new Bridge(async () => {
      const { client, serverInfo } = await live.link.connected();
      return {
        info: serverInfo ?? { name: live.server.id, version: "0" },
        instructions: client.getInstructions(),
        capabilities: bridgeable(client.getServerCapabilities() ?? {}),
        answer: (request) => this.#answer(live, request),
      };
    }, this.#deps.onError);
    this.#bridges.set(live.link, bridge);
    return bridge;
  }

  async #answer(live: LiveServer, asked: BridgedRequest) {
    const { guard, callMsOf } = this.#deps;
    const { actor } = asked.caller;
    const tool = asked.method === "tools/call" ? String(asked.params.name) : null;
    const size = Buffer.byteLength(JSON.stringify(asked.params));
    const call: Metered = {
      server: live.server.id,
      tool,
      method: asked.method,
      actor,
      era: live.link.era ?? "legacy",
      requestBytes: size,
      price: tool === null ? null : (live.server.price?.per_call_usd ?? null),
    };
    return answerMetered(guard, call, async () => {
      if (tool !== null) await guard.admit(actor, live, tool);
      live.link.enter();
      try {
        const result = await askUpstream(this.#deps, live.link, asked, callMsOf(live.server));
        return asked.method === "tools/list" ? this.#visible(live, actor, result) : result;
      } finally {
        live.link.leave();
      }
    });
  }

  #visible(live: LiveServer, actor: Actor, result: Record<string, unknown>) {
    const tools = result.tools as { name: string }[];
    return { ...result, tools: tools.filter(({ name }) => this.#deps.guard.maySee(actor, live, name)) };
  }
}

/** Runs a bridged request, and meters it however it ends. */
export async function answerMetered<T extends Record<string, unknown>>(
  guard: Guard,
  call: Metered,
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  try {
    const result = await work();
    const responseBytes = Buffer.byteLength(JSON.stringify(result));
    const status = result.isError === true ? "tool_error" : "ok";
    guard.meter(call, startedAt, { status, error: null, responseBytes });
    return result;
  } catch (error) {
    guard.meter(call, startedAt, refusedOutcome(error));
    throw error;
  }
}

function refusedOutcome(error: unknown): Outcome {
  const said = error instanceof Error ? error.message : "failed";
  if (error instanceof GatewayRefusal) {
    const status =
      error.code === "timeout" ? "timeout" : error.code === "server_unavailable" ? "error" : "refused";
    return { status, error: said, responseBytes: 0 };
  }
  const isAborted = error instanceof Error && error.name === "AbortError";
  const status = error instanceof Refusal ? "refused" : isAborted ? "cancelled" : "error";
  return { status, error: said, responseBytes: 0 };
}

const metered = ({ live, actor, message, modern, body }: Posted, tool: string | null): Metered => ({
  server: live.server.id,
  tool,
  method: message.method ?? "response",
  actor,
  era: modern ? "modern" : "legacy",
  requestBytes: body.length,
  price: tool === null ? null : (live.server.price?.per_call_usd ?? null),
});

function outcomeOf(relayed: Relayed): Outcome {
  if (relayed.kind === "cancelled") return { status: "cancelled", error: null, responseBytes: relayed.bytes };
  if (relayed.kind !== "answered") {
    const error = relayed.error?.message ?? `HTTP ${relayed.kind === "failed" ? relayed.status : ""}`;
    const responseBytes = relayed.kind === "broken" ? relayed.bytes : 0;
    return { status: isLate(relayed.error) ? "timeout" : "error", error, responseBytes };
  }
  const said = relayed.answer === null ? null : answerIn(relayed.answer, relayed.contentType);
  const error = said?.error?.message ?? null;
  const status =
    error !== null || relayed.status >= 400 ? "error" : said?.result?.isError === true ? "tool_error" : "ok";
  return { status, error, responseBytes: relayed.bytes };
}

const isLate = (error: unknown): boolean =>
  /^UND_ERR_(HEADERS|BODY)_TIMEOUT$/.test((error as { code?: string } | null)?.code ?? "");

type Answer = { error?: { message?: string }; result?: { isError?: boolean } };

/** The JSON-RPC answer in a small body; null where it is none. */
function answerIn(body: Buffer, contentType: string): Answer | null {
  // Most calls end well, and need not be read for it.
  if (!body.includes('"error"') && !body.includes('"isError"')) return null;
  const source = body.toString("utf8");
  const json = contentType.startsWith("text/event-stream") ? /^data: ?(\{.*)$/m.exec(source)?.[1] : source;
  if (json === undefined || json === "") return null;
  try {
    return JSON.parse(json) as Answer;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** What goes over a bridge: requests and their answers. Subscriptions and logging belong to a connection. */
function bridgeable({ tools, prompts, resources, completions }: ServerCapabilities): ServerCapabilities {
  return {
    ...(tools === undefined ? {} : { tools: { listChanged: true } }),
    ...(prompts === undefined ? {} : { prompts: {} }),
    ...(resources === undefined ? {} : { resources: {} }),
    ...(completions === undefined ? {} : { completions: {} }),
  };
}

/** Whether a server of today still answers `initialize`. The session that makes is ended again. */
async function asksLegacy(
  { http }: Connection,
  url: string,
  credentials: Readonly<Record<string, string>>,
): Promise<boolean> {
  if (http === null) return false;
  const response = await http.fetch(url, {
    method: "POST",
    headers: {
      ...credentials,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 0,
      method: "initialize",
      params: {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "ciclo", version: "0" },
      },
    }),
    signal: AbortSignal.timeout(probeMs),
  });
  const said = await response.text();
  const session = response.headers.get("mcp-session-id");
  if (session !== null) {
    const ended = await http.fetch(url, {
      method: "DELETE",
      headers: { ...credentials, "mcp-session-id": session },
    });
    await ended.body?.cancel();
  }
  return response.ok && said.includes('"protocolVersion"');
}

const noSession = text(
  "No such session here. Initialise again",
  "Não há essa sessão aqui. Inicialize de novo",
);
