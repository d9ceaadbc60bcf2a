import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Client, Transport } from "@modelcontextprotocol/client";
import { type PolicyOf, type RegistryServer, type Text, text } from "@ciclo/contract";
import { NotBeforeApproval, Refusal } from "../../errors.ts";
import type { HttpConnections } from "../../domain/servers.ts";
import {
  guardedLookup,
  hostOf,
  type NetworkRules,
  resolveAllowed,
  type ResolveHost,
  urlProblem,
} from "../../lib/outbound.ts";
import { findProgram } from "../../lib/programs.ts";
import type { CommandLine, Sandbox } from "../../lib/sandbox.ts";
import { allowedCommand } from "./commands.ts";
import type { Filled } from "./specs.ts";
import { StdioTransport } from "./transports/stdio.ts";

/** A server with what it is reached with. */
export type Target = { server: RegistryServer } & Filled;

export type ConnectDeps = {
  network(): NetworkRules;
  commands(): PolicyOf<"commands"> | null;
  resolve: ResolveHost;
  /** Version of the console, as it tells servers. */
  version: string;
  /** What the gateway of this console names itself by. */
  ownId: string;
  /** What a server's process gets beside its own environment. */
  environment: Readonly<Record<string, string | undefined>>;
  /** A private folder for a server's process. */
  folderOf(serverId: string, caller: string | null): Promise<string>;
  sandbox: Sandbox;
  /** Files and folders that no server's process may see. */
  hidden: readonly string[];
};

const defaultConnectMs = { stdio: 60_000, streamable_http: 15_000, sse: 15_000, websocket: 15_000 } as const;
export const defaultCallMs = 60_000;
const defaultMemoryMb = 1024;

export const connectMsOf = ({ transport, timeouts }: RegistryServer): number =>
  timeouts?.connect_ms ?? defaultConnectMs[transport];
export const callMsOf = ({ timeouts }: RegistryServer): number => timeouts?.call_ms ?? defaultCallMs;

export type Told<T> = { value: T; detail: Text };
export type Handshake = {
  deps: ConnectDeps;
  target: Target;
  signal: AbortSignal;
  mask: (said: string) => string;
  onLog: (line: string, isWhole: boolean) => void;
  unapproved: boolean;
  caller: string | null;
};

/** Whether policy lets the server be reached, and where it is. */
export async function resolve(handshake: Handshake): Promise<Told<Launch | null>> {
  const { deps, target } = handshake;
  const { server } = target;
  if (server.command !== undefined) {
    const launch = await resolveProgram(handshake, server.command);
    const line = [launch.program, ...(server.args ?? [])].join(" ");
    return { value: launch, detail: text(`Runs ${line}`, `Executa ${line}`) };
  }
  const url = new URL(server.url ?? "");
  const rules = deps.network();
  const problem = urlProblem(url, rules);
  if (problem !== null) throw problem;
  const addresses = (await resolveAllowed(hostOf(url), rules, deps.resolve)).join(", ");
  return { value: null, detail: text(`${url.host} is at ${addresses}`, `${url.host} está em ${addresses}`) };
}

/** What a process is started with. */
type Launch = { program: string; folder: string; wrap: ((line: CommandLine) => Promise<CommandLine>) | null };

async function resolveProgram(
  { deps, target, unapproved, caller }: Handshake,
  command: string,
): Promise<Launch> {
  const { server } = target;
  const allowed = allowedCommand(server, deps.commands());
  if (allowed instanceof Refusal) throw allowed;
  const sandbox = await deps.sandbox.state();
  if (unapproved && allowed.handshake === "after_approval") throw onlyAfterApproval;
  if (!sandbox.available && (unapproved || deps.sandbox.mode === "required"))
    throw needsSandbox(sandbox.why, unapproved);
  const program = await findProgram(command, deps.environment.PATH ?? "");
  if (program === null)
    throw Object.assign(new Error(`no program ${command}`), { code: "ENOENT", path: command });
  const folder = await deps.folderOf(server.id, caller);
  if (!sandbox.available) return { program, folder, wrap: null };
  const rules = { folder, writable: allowed.writes, hidden: deps.hidden, network: "host" } as const;
  return { program, folder, wrap: (line) => deps.sandbox.wrap(line, rules) };
}

const onlyAfterApproval = new NotBeforeApproval(
  "policy_denied",
  text(
    "policies/commands.yaml, allow: its entry says handshake: after_approval, so it is not started before",
    "policies/commands.yaml, allow: a entrada diz handshake: after_approval, então não é iniciado antes",
  ),
);

const needsSandbox = (why: Text, unapproved: boolean): Refusal =>
  new (unapproved ? NotBeforeApproval : Refusal)(
    "policy_denied",
    unapproved
      ? text(
          `Before approval a command runs only in the sandbox, and ${why.en}`,
          `Antes da aprovação um comando só executa na sandbox, e ${why["pt-BR"]}`,
        )
      : text(`CICLO_SANDBOX is required, and ${why.en}`, `CICLO_SANDBOX é required, e ${why["pt-BR"]}`),
  );

/** What a connection stands on. */
export type Opened = {
  /** A transport to try; asked again when the first try has spoilt it. */
  transport(): Promise<Transport>;
  http: HttpConnections | null;
  stdio: StdioTransport | null;
  client: Client | null;
  close(): Promise<void>;
};

/** Opens what a handshake goes over: a process, or connections. */
export const open = (handshake: Handshake, launch: Launch | null): Promise<Told<Opened>> =>
  launch === null
    ? openRemote(handshake, new URL(handshake.target.server.url ?? ""))
    : openStdio(handshake, launch);

async function openStdio(
  { deps, target, signal, onLog }: Handshake,
  { program, folder, wrap }: Launch,
): Promise<Told<Opened>> {
  const { server, values, args } = target;
  const launch = async (): Promise<StdioTransport> => {
    const transport = new StdioTransport({
      command: program,
      wrap,
      args,
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
  const http =
    server.transport === "websocket" ? null : openHttp({ lookup, ownId: deps.ownId, connectMs, callMs });
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
