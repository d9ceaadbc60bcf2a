import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Client, Transport } from "@modelcontextprotocol/client";
import { type HandshakeStepName, type PolicyOf, type RegistryServer, type Text, text } from "@ciclo/contract";
import {
  guardedLookup,
  hostOf,
  type NetworkRules,
  resolveAllowed,
  type ResolveHost,
  urlProblem,
} from "../../lib/outbound.ts";
import { commandProblem } from "./commands.ts";
import { explainFailure, maskValues } from "./explain.ts";
import { secretsOf } from "./specs.ts";
import type { StepReport } from "../../domain/servers.ts";
import { inspectTool } from "./tools.ts";
import type { ListedTool, OfferedTool, HttpConnections, Connection } from "../../domain/servers.ts";
import { StdioTransport } from "./transports/stdio.ts";

/** A server with the values of its headers (HTTP, WebSocket) or environment (stdio). */
export type Target = { server: RegistryServer; values: Readonly<Record<string, string>> };

export type ConnectDeps = {
  network(): NetworkRules;
  commands(): PolicyOf<"commands"> | null;
  resolve: ResolveHost;
  /** Version of the console, as it tells servers. */
  version: string;
  /** What a server's process gets beside its own environment. */
  environment: Readonly<Record<string, string | undefined>>;
  /** A private folder for a server's process. */
  folderOf(serverId: string): Promise<string>;
};

export type ConnectOptions = {
  signal?: AbortSignal;
  onStep?(step: StepReport): void;
  onLog?(line: string): void;
};

/** A handshake that failed at a step. `detail` says why, in both languages. */
export class HandshakeError extends Error {
  readonly step: HandshakeStepName;
  readonly detail: Text;
  constructor(step: HandshakeStepName, detail: Text, cause: unknown) {
    super(detail.en, { cause });
    this.step = step;
    this.detail = detail;
  }
}

const defaultConnectMs = { stdio: 60_000, streamable_http: 15_000, sse: 15_000, websocket: 15_000 } as const;
const defaultCallMs = 60_000;
const defaultMemoryMb = 1024;
const probeMs = 5000;
const maxPages = 100;
const maxTools = 5000;

export const connectMsOf = ({ transport, timeouts }: RegistryServer): number =>
  timeouts?.connect_ms ?? defaultConnectMs[transport];
export const callMsOf = ({ timeouts }: RegistryServer): number => timeouts?.call_ms ?? defaultCallMs;

/**
 * Shakes hands with a server: resolve → connect → negotiate → list_tools → done, each step
 * told as it goes. Takes `timeouts.connect_ms` in all. Throws `HandshakeError`; nothing is left open then.
 */
export async function connect(
  deps: ConnectDeps,
  target: Target,
  options: ConnectOptions = {},
): Promise<Connection> {
  const { server, values } = target;
  const limit = AbortSignal.timeout(connectMsOf(server));
  const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
  const mask = maskValues(secretsOf(server, values));
  const handshake = { deps, target, signal, mask, onLog: (line: string) => options.onLog?.(mask(line)) };
  const step = stepper(options, signal, mask);
  await step("resolve", () => resolve(handshake));
  let opening: Promise<Told<Opened>> | null = null;
  try {
    const opened = await step("connect", () => (opening = open(handshake)));
    const client = await step("negotiate", () => negotiate(handshake, opened.value));
    const connection = describe(client, opened.value);
    const tools = await step("list_tools", () => listed(connection, signal));
    await step("done", async () => ({ value: null, detail: text("Ready", "Pronto") }));
    return { ...connection, tools: tools.value };
  } catch (error) {
    await closeOpened(opening);
    throw error;
  }
}

/** Closes what was opened, or still is being opened when the handshake is given up. */
async function closeOpened(opening: Promise<Told<Opened>> | null): Promise<void> {
  const [outcome] = await Promise.allSettled([opening]);
  if (outcome.status === "fulfilled") await outcome.value?.value.close();
}

type Told<T> = { value: T; detail: Text };
type Stepper = <T>(step: HandshakeStepName, work: () => Promise<Told<T>>) => Promise<Told<T>>;

function stepper(options: ConnectOptions, signal: AbortSignal, mask: (said: string) => string): Stepper {
  return async (step, work) => {
    const start = performance.now();
    const tell = (status: StepReport["status"], detail: Text): void =>
      options.onStep?.({
        step,
        status,
        ms: status === "running" ? null : Math.round((performance.now() - start) * 10) / 10,
        detail,
      });
    tell("running", text("", ""));
    try {
      const told = await abortable(work(), signal);
      tell("ok", told.detail);
      return told;
    } catch (error) {
      const detail = explainFailure(error, mask);
      tell("failed", detail);
      throw error instanceof HandshakeError ? error : new HandshakeError(step, detail, error);
    }
  };
}

/** Rejects as soon as the signal says so, whatever the work does. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason as Error);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  // The work may fail after it was given up.
  work.catch(() => {});
  return Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener("abort", abort));
}

type Handshake = {
  deps: ConnectDeps;
  target: Target;
  signal: AbortSignal;
  mask: (said: string) => string;
  onLog: (line: string) => void;
};

/** Whether policy lets the server be reached, and where it is. */
async function resolve({ deps, target: { server } }: Handshake): Promise<Told<null>> {
  if (server.command !== undefined) {
    const line = [server.command, ...(server.args ?? [])].join(" ");
    const problem = commandProblem({ command: server.command, args: server.args ?? [] }, deps.commands());
    if (problem !== null) throw problem;
    return { value: null, detail: text(`Runs ${line}`, `Executa ${line}`) };
  }
  const url = new URL(server.url ?? "");
  const rules = deps.network();
  const problem = urlProblem(url, rules);
  if (problem !== null) throw problem;
  const addresses = (await resolveAllowed(hostOf(url), rules, deps.resolve)).join(", ");
  return { value: null, detail: text(`${url.host} is at ${addresses}`, `${url.host} está em ${addresses}`) };
}

/** What a connection stands on. */
type Opened = {
  /** A transport to try; asked again when the first try has spoilt it. */
  transport(): Promise<Transport>;
  http: HttpConnections | null;
  stdio: StdioTransport | null;
  client: Client | null;
  close(): Promise<void>;
};

async function open(handshake: Handshake): Promise<Told<Opened>> {
  const { server } = handshake.target;
  return server.transport === "stdio"
    ? openStdio(handshake)
    : openRemote(handshake, new URL(server.url ?? ""));
}

async function openStdio({ deps, target, signal, onLog }: Handshake): Promise<Told<Opened>> {
  const { server, values } = target;
  const folder = await deps.folderOf(server.id);
  const launch = async (): Promise<StdioTransport> => {
    const transport = new StdioTransport({
      command: server.command ?? "",
      args: server.args ?? [],
      env: { ...deps.environment, ...values },
      folder,
      memoryMb: server.limits?.memory_mb ?? defaultMemoryMb,
      onLog,
    });
    await transport.launch();
    return transport;
  };
  let launching: Promise<StdioTransport> | null = null;
  const opened: Opened = {
    async transport() {
      if (opened.stdio === null || opened.stdio.ended !== null) {
        signal.throwIfAborted();
        launching = launch();
        opened.stdio = await launching;
      }
      return opened.stdio;
    },
    http: null,
    stdio: null,
    client: null,
    async close() {
      // A process that is just being started is there all the same.
      await Promise.allSettled([launching]);
      await closeQuietly(opened.client, opened.stdio, null);
    },
  };
  await opened.transport();
  const pid = opened.stdio?.pid ?? "";
  return { value: opened, detail: text(`Process ${pid} runs`, `O processo ${pid} executa`) };
}

async function openRemote({ deps, target, signal }: Handshake, url: URL): Promise<Told<Opened>> {
  const { server, values: headers } = target;
  const lookup = guardedLookup(deps.network, deps.resolve);
  const isTls = /^(https|wss):$/.test(url.protocol);
  await touch(url, isTls, lookup, signal);
  const [connectMs, callMs] = [connectMsOf(server), callMsOf(server)];
  // What speaks HTTP is heavy, and loaded with the first server that is reached by it.
  const { openHttp } = await import("../../lib/http.ts");
  const { WebSocketTransport } = await import("./transports/websocket.ts");
  const { SSEClientTransport, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  const http = server.transport === "websocket" ? null : openHttp({ lookup, connectMs, callMs });
  const options = { requestInit: { headers }, ...(http === null ? {} : { fetch: http.fetch }) };
  const opened: Opened = {
    async transport() {
      if (server.transport === "websocket")
        return new WebSocketTransport(url, { headers, lookup, connectMs });
      return server.transport === "sse"
        ? new SSEClientTransport(url, options)
        : new StreamableHTTPClientTransport(url, options);
    },
    http: server.transport === "streamable_http" ? http : null,
    stdio: null,
    client: null,
    close: () => closeQuietly(opened.client, null, http),
  };
  return {
    value: opened,
    detail: isTls ? text("Connected, with TLS", "Conectado, com TLS") : text("Connected", "Conectado"),
  };
}

/** Opens a connection and lets it go: whether anything is there, and its certificate will do. */
function touch(
  url: URL,
  isTls: boolean,
  lookup: ReturnType<typeof guardedLookup>,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve: done, reject } = Promise.withResolvers<void>();
  const host = hostOf(url);
  const port = Number(url.port) || (isTls ? 443 : 80);
  const servername = /[a-z]/i.test(host) && !host.includes(":") ? { servername: host } : {};
  const socket = isTls
    ? connectTls({ host, port, lookup, ...servername }, () => done())
    : connectTcp({ host, port, lookup }, () => done());
  socket.on("error", reject);
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  return promise.finally(() => {
    signal.removeEventListener("abort", abort);
    socket.destroy();
  });
}

/** Settles on a protocol revision: the newest that both speak. */
async function negotiate(
  { deps, target: { server }, signal }: Handshake,
  opened: Opened,
): Promise<Told<Client>> {
  const attempt = async (mode: "auto" | "legacy"): Promise<Client> => {
    const { Client: SdkClient } = await import("@modelcontextprotocol/client");
    const client = new SdkClient(
      { name: "ciclo", version: deps.version },
      { versionNegotiation: { mode, probe: { timeoutMs: probeMs } }, inputRequired: { autoFulfill: false } },
    );
    opened.client = client;
    await client.connect(await opened.transport(), { signal, timeout: connectMsOf(server) });
    return client;
  };
  const client = await attempt("auto")
    .catch(async (error: unknown) => {
      // A server that ends or hangs up at a question it does not know is one of before.
      if (server.transport !== "stdio" || opened.stdio?.ended == null || signal.aborted) throw error;
      return attempt("legacy");
    })
    .catch((error: unknown) => {
      throw opened.stdio?.ended == null ? error : new HandshakeError("negotiate", opened.stdio.ended, error);
    });
  const revision = client.getNegotiatedProtocolVersion() ?? "";
  const info = client.getServerVersion();
  const who = info === undefined ? "" : `${info.name} ${info.version}, `;
  return {
    value: client,
    detail: text(`${who}protocol ${revision}`, `${who}protocolo ${revision}`),
  };
}

function describe(told: Told<Client>, opened: Opened): Omit<Connection, "tools"> {
  const client = told.value;
  const info = client.getServerVersion();
  let onEnd: ((why: Text) => void) | null = null;
  let isAskedTo = false;
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's client is no event target
  client.onclose = () => {
    if (!isAskedTo) onEnd?.(opened.stdio?.ended ?? connectionEnded);
  };
  return {
    client,
    era: client.getProtocolEra() ?? "legacy",
    protocolVersion: client.getNegotiatedProtocolVersion() ?? "",
    serverInfo: info === undefined ? null : { name: info.name, version: info.version },
    http: opened.http,
    pid: opened.stdio?.pid ?? null,
    listTools: (signal) => listTools(client, signal),
    onEnd(listener) {
      onEnd = listener;
    },
    async close() {
      isAskedTo = true;
      await opened.close();
    },
  };
}

const connectionEnded = text("the connection ended", "a conexão terminou");

async function listed(
  connection: Pick<Connection, "listTools">,
  signal: AbortSignal,
): Promise<Told<OfferedTool[]>> {
  const tools = await connection.listTools(signal);
  const count = tools.length;
  return { value: tools, detail: text(`${count} tools`, `${count} ferramentas`) };
}

async function listTools(client: Client, signal?: AbortSignal): Promise<OfferedTool[]> {
  if (client.getServerCapabilities()?.tools === undefined) return [];
  const tools: ListedTool[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    const params = cursor === undefined ? {} : { cursor };
    const result = await client.request(
      { method: "tools/list", params },
      { ...(signal === undefined ? {} : { signal }), timeout: defaultCallMs },
    );
    tools.push(...(result.tools as ListedTool[]));
    if (tools.length > maxTools) break;
    if (result.nextCursor === undefined || result.nextCursor === cursor) return tools.map(inspectTool);
    cursor = result.nextCursor;
  }
  throw new HandshakeError(
    "list_tools",
    text(
      `It lists more than ${maxTools} tools, or never ends listing`,
      `Lista mais de ${maxTools} ferramentas, ou nunca termina`,
    ),
    null,
  );
}

/** Ends what is there. That the other side is gone already is no failure. */
async function closeQuietly(
  client: Client | null,
  stdio: StdioTransport | null,
  http: HttpConnections | null,
): Promise<void> {
  await Promise.allSettled([client?.close(), stdio?.close()]);
  // Not waited for: a stream that the server holds open would keep it.
  void http?.agent.destroy();
  void http?.streams.destroy();
}
