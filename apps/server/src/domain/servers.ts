import type {
  HandshakeStepName,
  ProtocolEra,
  RegistryServer,
  ServerState,
  Text,
  ToolState,
} from "@ciclo/contract";
import type { Client } from "@modelcontextprotocol/client";
import type { Dispatcher } from "undici";

/** A step of a handshake as it goes on: `running`, then `ok` or `failed`. */
export type StepReport = {
  step: HandshakeStepName;
  status: "running" | "ok" | "failed";
  ms: number | null;
  detail: Text;
};

/** A tool as its server lists it. `input_schema` and the like are kept as they came. */
export type ListedTool = { name: string; description?: string | undefined; inputSchema: unknown } & Record<
  string,
  unknown
>;

/** A tool with what it is known by. */
export type OfferedTool = {
  tool: ListedTool;
  /** `sha256:…` over the canonical JSON of all that is passed on of it. */
  hash: string;
  /** The same over name, description and input schema alone: what locks of older versions hold. */
  coreHash: string;
  /** That JSON, which the hash is of. */
  definition: string;
  /** Whether arguments of it go as headers too. */
  hasHeaders: boolean;
  /** Why it can never be offered, whatever is approved; null when it can. */
  problem: Text | null;
};

/** A tool against the lock: what it is, and whether callers may see it. */
export type JudgedTool = {
  name: string;
  state: ToolState;
  offered: OfferedTool | null;
  lockedHash: string | null;
  /** Null when it is offered. */
  reason: Text | null;
  /** Only name, description and input schema were approved: the rest is left out. */
  isPartial: boolean;
};

/** HTTP to one server: its own connections, only to allowed addresses, no answer without a bound. */
export type HttpConnections = {
  agent: Dispatcher;
  /** For streams that stay open for as long as a caller listens: they take no place from calls. */
  streams: Dispatcher;
  fetch: (input: string | URL, init?: RequestInit) => Promise<Response>;
  /** Lets what is under way end. */
  close(): Promise<void>;
};

/** A server that answered, with what it said of itself. */
export type Connection = {
  client: Client;
  era: ProtocolEra;
  protocolVersion: string;
  serverInfo: { name: string; version: string } | null;
  tools: readonly OfferedTool[];
  /** HTTP of streamable servers, for calls that are passed through. */
  http: HttpConnections | null;
  pid: number | null;
  /** Why its process ended, where it has one that did. */
  ended(): Text | null;
  /** Reads the tools again. */
  listTools(signal?: AbortSignal): Promise<OfferedTool[]>;
  /** Called once when the connection ends without having been asked to. */
  onEnd(listener: (why: Text) => void): void;
  close(): Promise<void>;
};

/** What a handshake found out; its connection is closed again. */
export type HandshakeResult = Pick<Connection, "era" | "protocolVersion" | "serverInfo" | "tools">;

/** What others may ask of a registered server: its state, its tools, and a connection to call them over. */
export type ServerLink = {
  readonly id: string;
  readonly state: ServerState;
  readonly era: ProtocolEra | null;
  /** Why it is not well. */
  readonly trouble: Text | null;
  readonly connection: Connection | null;
  readonly tools: readonly JudgedTool[];
  /** Values of its headers (HTTP, WebSocket) or environment (stdio). */
  readonly credentials: Readonly<Record<string, string>>;
  /** A text without those values. */
  readonly mask: { (said: string): string; readonly long: readonly string[]; readonly hides: boolean };
  /** A tool by name, as judged against the lock. */
  tool(name: string): JudgedTool | undefined;
  /** A listed tool as far as it was approved; null where it may not be offered: by its definition, not its name alone. */
  shown(listed: ListedTool): ListedTool | null;
  /** The connection, made when there is none. Refuses, saying why and when it is tried again. */
  connected(): Promise<Connection>;
  /** The connection that a caller's requests go over: the one of all, or one of their own. */
  connectedFor(caller: string): Promise<Connection>;
  /** Replaces a connection that failed, without waiting for the next retry. */
  reconnectFor(caller: string, failed: Connection): Promise<Connection>;
  /** Whether a streamable HTTP server also speaks the revisions before 2026-07-28. Asked once a connection. */
  speaksLegacy(ask: () => Promise<boolean>): Promise<boolean>;
  /** Keeps the connection until `release`. */
  hold(): void;
  release(): void;
  /** Counts a call as under way until `leave`. Refuses beyond the limit. */
  enter(): void;
  leave(): void;
};

/** A registered server with its link. */
export type LiveServer<L extends ServerLink = ServerLink> = { server: RegistryServer; link: L };

/** Whether programs can be kept in a sandbox here, and why not. */
export type SandboxState = { available: true } | { available: false; why: Text };

/** `required`: without it no program of a server runs. `off`: the operator does without. */
export type SandboxMode = "auto" | "required" | "off";

/** The sandbox as health sees it, with the number of servers that are programs. */
export type SandboxStanding = { state: SandboxState; mode: SandboxMode; programs: number };
