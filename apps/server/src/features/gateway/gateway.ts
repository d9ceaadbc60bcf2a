import type { IncomingMessage, ServerResponse } from "node:http";
import { consoleHeader } from "../../lib/console-header.ts";
import { Buffered } from "../../lib/buffered.ts";
import { ownServerId, text } from "@ciclo/contract";
import type { Database } from "../../db/dialect.ts";
import { Refusal } from "../../errors.ts";
import type { HoldAnswer } from "../../domain/access.ts";
import { type Actor, callerKey } from "../../domain/actor.ts";
import type { LiveServer } from "../../domain/servers.ts";
import type { Logger } from "../../lib/logger.ts";
import { Aggregate, type AggregateDeps, callOwn, targetOf } from "./aggregate.ts";
import { Bridge, type Caller, methodNotFound } from "./bridge.ts";
import { Callers, type CallersDeps, type Known } from "../../lib/callers.ts";
import { ClientNames } from "./client-names.ts";
import { challengeFor, type EdgeOptions, type Route, routeOf, sendMetadata } from "./edge.ts";
import { isMeantForUs, readBody, sendJson } from "../../lib/node-http.ts";
import { Guard, type GuardDeps } from "./guard.ts";
import { CallerLimits } from "./limits.ts";
import {
  errorBody,
  GatewayRefusal,
  isModern,
  oddityOf,
  refusalBody,
  rpcCodes,
  type RpcMessage,
} from "./messages.ts";
import { subjectOf } from "./methods.ts";
import { localeOf, refusalOf, sendRefusal, waitHeader } from "./refusals.ts";
import { ServerRoute, type ServerRouteDeps } from "./server-route.ts";
import { IdSeal } from "./sessions.ts";

export type GatewayDeps = GuardDeps &
  CallersDeps &
  EdgeOptions &
  Omit<AggregateDeps, "guard" | "onError"> &
  Omit<ServerRouteDeps, "guard" | "seal" | "limits" | "onError"> & {
    /** Ends an answer as soon as its caller may no longer have it. */
    hold: HoldAnswer;
    database: Pick<Database, "isInDoubt" | "ping">;
    /** What this console names itself by. */
    ownId: string;
    sessionKey: Buffer;
    logger: Logger;
  };

type McpRoute = Extract<Route, { kind: "mcp" }>;

/** The door through which IDEs and agents reach MCP servers. Stands beside the API, on the bare HTTP server. */
export class Gateway {
  readonly #deps: GatewayDeps;
  readonly #guard: Guard;
  readonly #callers: Callers;
  readonly #servers: ServerRoute;
  readonly #aggregate: Aggregate;
  readonly #own: Bridge;
  readonly #clients = new ClientNames();
  readonly #limits = new CallerLimits();
  /** Answers that never end by themselves: what somebody listens to. */
  readonly #standing = new Set<ServerResponse>();

  constructor(deps: GatewayDeps) {
    this.#deps = deps;
    this.#guard = new Guard(deps);
    this.#callers = new Callers(deps);
    const onError = (error: Error): void =>
      deps.logger.debug({ err: error }, "the gateway refused a message");
    const seal = new IdSeal(deps.sessionKey);
    const limits = this.#limits;
    this.#servers = new ServerRoute({ ...deps, guard: this.#guard, seal, limits, onError });
    this.#aggregate = new Aggregate({ ...deps, guard: this.#guard, onError });
    this.#own = new Bridge(
      () => ({
        info: { name: "ciclo", version: deps.version },
        capabilities: { tools: {} },
        answer: async (asked) => {
          if (asked.method === "tools/call")
            return callOwn({ guard: this.#guard, own: deps.own }, asked, String(asked.params.name));
          if (asked.method !== "tools/list") throw methodNotFound(asked.method);
          const { actor } = asked.caller;
          return {
            tools: deps.own
              .list(actor)
              .filter(({ name }) => this.#guard.allows(actor, ownServerId, "tools", [name])),
          };
        },
      }),
      onError,
    );
  }

  /** Answers a request of one of its routes. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = routeOf(request.url ?? "");
    // So that no console becomes a server of its own. What is passed through has it in its head, which costs less.
    const passes = request.method === "POST" && route?.kind === "mcp" && route.server !== null;
    if (!passes) response.setHeader(consoleHeader, this.#deps.ownId);
    if (!isMeantForUs(request, this.#deps)) {
      sendJson(
        response,
        403,
        errorBody(undefined, rpcCodes.policy_denied, "Host or Origin is not this console's"),
      );
      return;
    }
    if (route?.kind === "metadata") {
      sendMetadata(request, response, route.resource, this.#deps);
      return;
    }
    if (route === null) return;
    let message: RpcMessage | null = null;
    try {
      const startedAt = performance.now();
      // A call that cannot be counted is not made.
      if (this.#deps.database.isInDoubt()) await this.#deps.database.ping();
      const { actor, until } = await this.#enter(request);
      const hold = (asked: RpcMessage | null): (() => void) =>
        this.#deps.hold({
          recheck: () => this.#recheck(request, route, asked),
          until,
          end: () => void response.destroy(),
        });
      if (request.method !== "POST") {
        response.once("close", hold(null));
        await this.#session(request, response, route, actor);
        return;
      }
      const body = await this.#read(request, response);
      if (body === null) return;
      message = body.message;
      response.once("close", hold(message));
      if (message.method === "subscriptions/listen") this.#listen(response, route, actor);
      await this.#post({ request, response, route, actor, startedAt, ...body });
    } catch (error) {
      this.#refuse(request, response, route, message, error);
    }
  }

  /** Takes in that servers, tools or policies changed. */
  serversChanged(): void {
    this.#aggregate.changed();
    for (const live of this.#deps.servers()) this.#servers.toolsChanged(live);
  }

  /** Takes in that something about access may have changed. */
  accessChanged(): void {
    this.#callers.forget();
  }

  /** Ends what somebody listens to, so that the server can stop. Calls go on. */
  closeStreams(): void {
    for (const response of this.#standing) response.destroy();
  }

  /** Resolves when what was to be recorded of calls is recorded. */
  settled(): Promise<void> {
    return this.#guard.records.settled();
  }

  #listen(response: ServerResponse, { server }: McpRoute, { id, name }: Actor): void {
    response.once("close", this.#limits.enterStream(id ?? name, server ?? ownServerId));
    this.#stand(response);
  }

  #stand(response: ServerResponse): void {
    this.#standing.add(response);
    response.once("close", () => this.#standing.delete(response));
  }

  /** Throws once a caller may no longer have the answer to what it asked. */
  async #recheck(request: IncomingMessage, { server }: McpRoute, asked: RpcMessage | null): Promise<void> {
    // What is remembered of the caller may be what has just changed.
    const { actor } = await this.#ask(request);
    if (server !== null && server !== ownServerId) this.#find(server, actor);
    const subject = asked === null ? null : subjectOf(asked);
    if (subject?.asks !== "use") return;
    const { kind, names } = subject;
    const called = targetOf(server, names[0] ?? "");
    const wanted = kind === "tools" ? [called.name] : names;
    if (!this.#guard.allows(actor, called.server, kind, wanted)) throw noServer(called.server);
  }

  async #enter(request: IncomingMessage): Promise<Known> {
    return this.#callers.known(request.headers.authorization) ?? this.#ask(request);
  }

  #ask({ headers, socket }: IncomingMessage): Promise<Known> {
    return this.#callers.ask(headers.authorization, socket.remoteAddress ?? "local");
  }

  async #read(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<{ message: RpcMessage; body: Buffer } | null> {
    const buffered = new Buffered();
    response.once("close", () => buffered.letGo());
    const body = await readBody(request, this.#deps.maxBodyBytes, buffered);
    if (body === null) {
      const said = `The body is over ${this.#deps.maxBodyBytes} bytes`;
      sendJson(response, 413, errorBody(undefined, rpcCodes.invalidRequest, said), { connection: "close" });
      return null;
    }
    let message: unknown;
    try {
      message = JSON.parse(body.toString("utf8"));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      sendJson(
        response,
        400,
        errorBody(undefined, rpcCodes.parseError, `The body is no JSON: ${error.message}`),
      );
      return null;
    }
    if (typeof message !== "object" || message === null || Array.isArray(message)) {
      const said = "The body must be one JSON-RPC message; batches are not taken";
      sendJson(response, 400, errorBody(undefined, rpcCodes.invalidRequest, said));
      return null;
    }
    const { method, params } = message as RpcMessage;
    const odd = oddityOf(message);
    if (odd !== null) {
      sendJson(response, 400, errorBody(undefined, rpcCodes.invalidRequest, odd));
      return null;
    }
    if (method === "tools/call" && !isToolName(params?.name)) {
      const said = `params.name must be a string of 1 to ${maxToolName} characters`;
      sendJson(response, 400, errorBody((message as RpcMessage).id, rpcCodes.invalidParams, said));
      return null;
    }
    return { message: message as RpcMessage, body };
  }

  async #post(posted: {
    request: IncomingMessage;
    response: ServerResponse;
    route: McpRoute;
    actor: Actor;
    startedAt: number;
    message: RpcMessage;
    body: Buffer;
  }): Promise<void> {
    const { request, response, route, actor, message } = posted;
    const modern = isModern(message, headerOf(request, "mcp-protocol-version"));
    const client = this.#clients.of(message, request.headers, callerKey(actor), request.url ?? "");
    const caller: Caller = { actor, locale: localeOf(request), client };
    if (route.server === null) await this.#aggregate.post(request, response, message, modern, caller);
    else if (route.server === ownServerId) {
      response.setHeader(consoleHeader, this.#deps.ownId);
      await this.#own.serve(request, response, message, caller);
    } else await this.#servers.post({ ...posted, ...caller, live: this.#find(route.server, actor), modern });
  }

  async #session(
    request: IncomingMessage,
    response: ServerResponse,
    route: McpRoute,
    actor: Actor,
  ): Promise<void> {
    const { method } = request;
    if (route.server === null || route.server === ownServerId || (method !== "GET" && method !== "DELETE")) {
      response.writeHead(405, { allow: "POST" }).end();
      return;
    }
    const live = this.#find(route.server, actor);
    if (method === "GET") this.#stand(response);
    await this.#servers.session({ request, response, live, actor, locale: localeOf(request) }, method);
  }

  #find(id: string, actor: Actor): LiveServer {
    const live = this.#deps.find(id);
    // Who may not use a server need not learn that it is there.
    if (live === undefined) throw noServer(id);
    if (!this.#guard.mayEnter(actor, id)) {
      this.#guard.records.refused({ actor, server: id, subject: "", error: "policies/access.yaml" });
      throw noServer(id);
    }
    return live;
  }

  #refuse(
    request: IncomingMessage,
    response: ServerResponse,
    route: McpRoute,
    message: RpcMessage | null,
    error: unknown,
  ): void {
    if (response.headersSent || response.destroyed) return;
    response.setHeader(consoleHeader, this.#deps.ownId);
    const locale = localeOf(request);
    if (error instanceof GatewayRefusal) {
      const isModernly = message !== null && isModern(message, headerOf(request, "mcp-protocol-version"));
      const status = isModernly ? (modernStatus[error.code] ?? 200) : 200;
      sendJson(response, status, refusalBody(message?.id, error, locale), waitHeader(error.retryAfter));
      return;
    }
    const challenge = challengeFor(request, route.server, this.#deps);
    sendRefusal(request, response, message, refusalOf(error, this.#deps.logger), challenge);
  }
}

/** Since 2026-07-28 what is wrong with a request itself is said by HTTP as well. */
const modernStatus: Partial<Record<GatewayRefusal["code"], number>> = {
  method_denied: 404,
  params_denied: 400,
};

const maxToolName = 256;
const isToolName = (name: unknown): boolean =>
  typeof name === "string" && name.length > 0 && name.length <= maxToolName;

const noServer = (id: string): Refusal =>
  new Refusal(
    "not_found",
    text(
      `There is no server ${id} here, or it is not yours to use`,
      `Não há servidor ${id} aqui, ou você não pode usá-lo`,
    ),
    { quiet: true },
  );

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}
