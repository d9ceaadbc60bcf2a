import { consoleHeader } from "../../lib/console-header.ts";
import { type Mask, maskResult } from "../../lib/mask-values.ts";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Locale, Text } from "@ciclo/contract";
import { text } from "@ciclo/contract";
import type { ServerCapabilities } from "@modelcontextprotocol/server";
import { Refusal } from "../../errors.ts";
import type { Actor } from "../../domain/actor.ts";
import type { Connection, LiveServer } from "../../domain/servers.ts";
import { Bridge, type BridgedRequest } from "./bridge.ts";
import type { ClientName } from "./client-names.ts";
import { type Guard, type Metered } from "./guard.ts";
import type { CallerLimits } from "./limits.ts";
import { GatewayRefusal, refusalBody, type RpcMessage } from "./messages.ts";
import { answerMetered, isLate, outcomeOf, refusedOutcome } from "./outcomes.ts";
import { bodyToPass } from "./passed-body.ts";
import { relay, type RelayJob } from "./relay.ts";
import type { IdSeal, Sealed } from "./sessions.ts";
import { filtered, infoInWords, visible } from "./lists.ts";
import type { Pass, Said } from "./said.ts";
import { subjectOf } from "./methods.ts";
import { askUpstream, timedOut, withCallKey } from "./upstream.ts";

export type ServerRouteDeps = {
  guard: Guard;
  ownId: string;
  seal: IdSeal;
  limits: CallerLimits;
  callMsOf(server: LiveServer["server"]): number;
  explainStatus(status: number): Text;
  explainFailure(error: unknown, mask: Mask): Text;
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

export type Posted = Entered & {
  client: ClientName | null;
  message: RpcMessage;
  body: Buffer;
  modern: boolean;
  startedAt: number;
};

const probeMs = 5000;
/** Answered with what a server says of itself. */
const greetings = new Set(["initialize", "server/discover"]);

/**
 * The unprefixed route of one server. Where caller and server speak the same revisions over
 * streamable HTTP, bytes are passed through; else a bridge stands between them.
 */
export class ServerRoute {
  readonly #deps: ServerRouteDeps;
  readonly #bridges = new WeakMap<LiveServer["link"], Bridge>();

  readonly #ownHeaders: Readonly<Record<string, string>>;

  constructor(deps: ServerRouteDeps) {
    this.#deps = deps;
    this.#ownHeaders = { [consoleHeader]: deps.ownId };
  }

  async post(posted: Posted): Promise<void> {
    const { link } = posted.live;
    // Before anything is waited for, or what is found here may be closed before it is used.
    link.hold();
    try {
      await this.#post(posted);
    } finally {
      link.release();
    }
  }

  async #post(posted: Posted): Promise<void> {
    const { live, message, request, response, actor, locale, client, modern } = posted;
    const isCall = message.method === "tools/call";
    const tool = isCall ? String(message.params?.name) : null;
    const call = metered(posted, tool);
    let entered: { connection: Connection; sessionId: string | undefined; body: Buffer };
    try {
      const connection = live.link.connection ?? (await live.link.connected());
      if (!headersAgree(posted) || !(await this.#passesThrough(live, connection, modern))) {
        response.setHeader(consoleHeader, this.#deps.ownId);
        await this.#bridgeOf(live).serve(request, response, message, { actor, locale, client });
        return;
      }
      const body = bodyToPass(message, posted.body);
      if (body === null) throw ambiguous();
      entered = { connection, sessionId: this.#sessionOf(posted), body };
      this.#deps.limits.mayFollow(message, sessionKey(actor.id ?? actor.name, live, entered.sessionId));
      await this.#deps.guard.admit(actor, live, message, call);
      this.#deps.limits.follow(message, sessionKey(actor.id ?? actor.name, live, entered.sessionId));
      live.link.enter();
    } catch (error) {
      if (message.id !== undefined) this.#deps.guard.meter(call, posted.startedAt, refusedOutcome(error));
      throw error;
    }
    try {
      const { connection, sessionId, body } = entered;
      const relayed = await relay(this.#job({ ...posted, body }, connection, sessionId), response);
      call.dispatched = relayed.kind !== "cancelled" || relayed.dispatched;
      if (message.id !== undefined)
        this.#deps.guard.meter(call, posted.startedAt, outcomeOf(relayed, live.link.mask));
      if (relayed.kind === "failed") throw this.#failure(live, relayed);
    } finally {
      live.link.leave();
    }
  }

  /** A session's stream of messages from the server, or its end: only where sessions are passed through. */
  async session(entered: Entered, method: "GET" | "DELETE"): Promise<void> {
    const { live, response, actor } = entered;
    const connection = live.link.connection ?? (await live.link.connected());
    if (!(await this.#passesThrough(live, connection, false))) {
      response.writeHead(405, { allow: "POST" }).end();
      return;
    }
    const sessionId = this.#sessionOf(entered);
    const job = this.#job({ ...entered, message: null, body: null, method }, connection, sessionId);
    const caller = actor.id ?? actor.name;
    const leave = method === "GET" ? this.#deps.limits.enterStream(caller, live.server.id) : () => {};
    if (method === "DELETE") this.#deps.limits.forget(sessionKey(caller, live, sessionId));
    try {
      const relayed = await relay(job, response);
      if (relayed.kind === "failed") throw this.#failure(live, relayed);
    } finally {
      leave();
    }
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
    return link.speaksLegacy(() => asksLegacy(connection, server.url ?? "", link.credentials));
  }

  #sessionOf(entered: Entered): string | undefined {
    return this.#opened("session", entered, "mcp-session-id", noSession);
  }

  /** What a header names of a server's, if it was given to this caller. */
  #opened(kind: Sealed, { request, actor, live }: Entered, header: string, none: Text): string | undefined {
    const sealed = request.headers[header];
    if (typeof sealed !== "string" || sealed === "") return undefined;
    const id = this.#deps.seal.open(kind, sealed, actor.id ?? actor.name, live.server.id);
    if (id === null) throw new Refusal("not_found", none, { quiet: true });
    return id;
  }

  #job(
    of: Entered & { message: RpcMessage | null; body: Buffer | null; method?: "GET" | "DELETE" },
    { http }: Connection,
    sessionId: string | undefined,
  ): RelayJob {
    const { live, actor } = of;
    if (http === null) throw new Error(`server ${live.server.id} is not reached by HTTP`);
    const isListening = of.message?.method === "subscriptions/listen";
    const seal = (kind: Sealed, id: string): string =>
      this.#deps.seal.seal(kind, id, actor.id ?? actor.name, live.server.id);
    return {
      ownHeaders: of.method === undefined ? this.#ownHeaders : {},
      agent: of.method === "GET" ? http.streams : http.agent,
      url: new URL(live.server.url ?? ""),
      method: of.method ?? "POST",
      awaits: of.message?.method !== undefined && of.message.id !== undefined && !isListening,
      body: of.body,
      headers: of.request.headers,
      sessionId,
      lastEventId: this.#opened("event", of, "last-event-id", noEvent),
      seal,
      credentials: live.link.credentials,
      mask: live.link.mask,
      timeoutMs: of.method === "GET" ? 0 : this.#deps.callMsOf(live.server),
      deadlineMs: of.method === "GET" || isListening ? 0 : this.#deps.callMsOf(live.server),
      lastWord: (error) =>
        of.message?.id === undefined
          ? null
          : refusalBody(of.message.id, this.#failure(live, { status: null, error }), of.locale),
      pass: this.#passTo(of),
    };
  }

  /** What a caller may have of what the server says in one of its answers, or in a session's own stream. */
  #passTo({ live, actor, message, method }: Entered & { message: RpcMessage | null; method?: string }): Pass {
    const { guard } = this.#deps;
    const asked = message?.method ?? "";
    // What a session's stream replays may be a list as well.
    const isFiltered =
      method === "GET" || greetings.has(asked) || (message !== null && subjectOf(message)?.asks === "list");
    return (said) => {
      if (said.method !== undefined) return guard.mayHear(actor, live.server.id, said) ? said : null;
      // An answer to another request would be let through by the words for this one.
      if (method !== "GET" && !isAnswerTo(said, message)) return null;
      return isFiltered ? filtered(said, guard.show(actor, live)) : said;
    };
  }

  #failure(
    { server, link }: LiveServer,
    { status, error }: { status: number | null; error: Error | null },
  ): GatewayRefusal {
    if (isLate(error)) return timedOut(server.id, this.#deps.callMsOf(server));
    const why =
      status === null ? this.#deps.explainFailure(error, link.mask) : this.#deps.explainStatus(status);
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
        info:
          serverInfo !== null && this.#deps.guard.passesTexts()
            ? serverInfo
            : infoInWords(serverInfo ?? {}, live.server.id),
        instructions: this.#deps.guard.passesTexts()
          ? maskResult(client.getInstructions(), live.link.mask)
          : undefined,
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
      client: asked.caller.client,
      era: live.link.era ?? "legacy",
      requestBytes: size,
      price: tool === null ? null : (live.server.price?.per_call_usd ?? null),
      dispatched: false,
    };
    return answerMetered(guard, call, asked.signal, async () => {
      await guard.admit(actor, live, { jsonrpc: "2.0", ...asked }, call);
      live.link.enter();
      try {
        call.dispatched = true;
        const named = tool === null ? asked : { ...asked, params: withCallKey(asked.params, call) };
        const result = await askUpstream(this.#deps, live.link, named, callMsOf(live.server));
        const isFiltered = subjectOf({ jsonrpc: "2.0", ...asked })?.asks === "list";
        return isFiltered ? visible(result, guard.show(actor, live)) : result;
      } finally {
        live.link.leave();
      }
    });
  }
}

const sessionKey = (caller: string, { server }: LiveServer, session: string | undefined): string =>
  `${caller} ${server.id} ${session ?? ""}`;

/** Whether it answers a request, by a result or an error. An error may be one that the server could not tell the request of. */
const isAnswerTo = ({ id, error, result }: Said, message: RpcMessage | null): boolean =>
  message?.method !== undefined &&
  message.id !== undefined &&
  (error !== undefined || result !== undefined) &&
  (id === message.id || (error !== undefined && id == null));

const metered = ({ live, actor, client, message, modern, body }: Posted, tool: string | null): Metered => ({
  server: live.server.id,
  tool,
  method: message.method ?? "response",
  actor,
  client,
  era: modern ? "modern" : "legacy",
  requestBytes: body.length,
  price: tool === null ? null : (live.server.price?.per_call_usd ?? null),
  dispatched: false,
});

/** Whether the headers of a message say what it says itself. One whose do not is explained by the bridge. */
function headersAgree({ modern, message, request: { headers } }: Posted): boolean {
  if (!modern) return true;
  const [method, name] = [headers["mcp-method"], headers["mcp-name"]];
  const named = message.params?.name ?? message.params?.uri;
  return (
    (method === undefined || method === message.method) &&
    (name === undefined || named === undefined || name === named)
  );
}

const ambiguous = (): Refusal =>
  new Refusal(
    "invalid_payload",
    text(
      "A member of the message differs from one of the protocol by its case alone. Write it as the protocol does",
      "Um membro da mensagem difere de um do protocolo só por maiúsculas. Escreva-o como o protocolo",
    ),
  );

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

const noEvent = text(
  "No such event here. Open a new stream",
  "Não há esse evento aqui. Abra uma nova conexão",
);

const noSession = text(
  "No such session here. Initialise again",
  "Não há essa sessão aqui. Inicialize de novo",
);
