import type {
  AgentFile,
  Locale,
  RegistryServer,
  ServerDetail,
  ServerState,
  ServerSummary,
  Text,
  ToolDrift,
} from "@ciclo/contract";
import { notFound, type Refusal } from "../../errors.ts";
import type { Purge } from "../../domain/retention.ts";
import type { Actor } from "../../domain/actor.ts";
import type { HandshakeResult, SandboxStanding, StepReport } from "../../domain/servers.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { maskSecrets } from "../../lib/mask-secrets.ts";
import { stamp } from "../../lib/clock.ts";
import { Semaphore } from "../../lib/semaphore.ts";
import { guardedLookup, urlProblem, type NetworkRules, type ResolveHost } from "../../lib/outbound.ts";
import { connect, type ConnectOptions } from "./connect.ts";
import { callMsOf } from "./opening.ts";
import { explainFailure, explainStatus } from "./explain.ts";
import type { Fleet, RegisteredServer, ServersDeps } from "./fleet.ts";
import { presentDetail, presentSummary, presentTool, presentValidation } from "./present.ts";
import { fillKeys, policyProblem } from "./specs.ts";
import * as store from "./store.ts";

export type ServersService = {
  /** Takes in the live branch and the keys in use now. Calls while it runs share one more turn. */
  reconcile(): Promise<void>;
  list(locale: Locale): ServerSummary[];
  get(id: string, locale: Locale): ServerDetail;
  tool(id: string, name: string, locale: Locale): Promise<ToolDrift>;
  probe(id: string, locale: Locale): Promise<ServerSummary>;
  /** Reconnects, or restarts the process. */
  restart(actor: Actor, id: string, locale: Locale): Promise<ServerSummary>;
  find(id: string): RegisteredServer | undefined;
  refuseUnknown(id: string): never;
  all(): readonly RegisteredServer[];
  /** How each stands, for health. */
  standings(): Standing[];
  sandbox(): Promise<SandboxStanding>;
  /** Definitions of tools by their hashes, as far as they are known. */
  definitionsOf(hashes: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Why the policies of a configuration do not let a server be reached; null where they do. */
  policyProblem: typeof policyProblem;
  /** The configuration that the links were made for; null before the first. */
  snapshot(): Snapshot | null;
  /** How long a call of a server may take, in milliseconds. */
  callMsOf: typeof callMsOf;
  /** What went wrong between here and a server, for people. */
  explainStatus: typeof explainStatus;
  explainFailure: typeof explainFailure;
  presentValidation: typeof presentValidation;
  /** Deletes definitions of tools that no lock and no server refers to. */
  purge: Purge;
  /**
   * A handshake with a server that nobody has approved, which is closed again. It is on record before it starts.
   * `reveal` hands out the keys of its references. Throws `HandshakeError`, and a `Refusal` where too many are under way.
   */
  handshakeUnapproved(
    actor: Actor,
    server: RegistryServer,
    reveal: Reveal,
    on: HandshakeOn,
  ): Promise<HandshakeResult>;
  /** HTTP to wherever the network policy lets the console connect. Follows no redirect. */
  send(input: string, init: RequestInit): Promise<Response>;
  /** Where the live configuration lets the console connect to, and how names are resolved. */
  outbound: { network(): NetworkRules; resolve: ResolveHost };
  /** A handshake of a registered server with other values for some references. */
  handshakeWith(id: string, values: ReadonlyMap<string, string>, on: HandshakeOn): Promise<HandshakeResult>;
};

/** `withheld` is the number of its tools that the gateway does not show. */
export type Standing = { id: string; state: ServerState; trouble: Text | null; withheld: number };
export type Reveal = (reference: string) => Promise<string>;
export type HandshakeOn = { onStep?: (step: StepReport) => void; signal?: AbortSignal };
const sendMs = 20_000;
/** Handshakes with servers that nobody has approved: under way, and waiting for their turn. */
const unapprovedAtOnce = 4;
const unapprovedWaiting = 60;

export function createServersService(deps: ServersDeps, fleet: Fleet): ServersService {
  const unapproved = new Semaphore(unapprovedAtOnce, unapprovedWaiting);
  const must = (id: string): RegisteredServer => {
    const found = fleet.live.get(id);
    if (found === undefined) throw noServer(id, [...fleet.live.keys()]);
    return found;
  };
  const summary = (id: string, locale: Locale): ServerSummary => {
    const { link, server } = must(id);
    return presentSummary(link, server, locale);
  };
  const agents = (): ReadonlyMap<string, AgentFile> => fleet.snapshot?.agents ?? new Map();
  return {
    reconcile: () => fleet.reconcile(),
    list: (locale) => [...fleet.live.keys()].map((id) => summary(id, locale)),
    get(id, locale) {
      const { link, server } = must(id);
      return presentDetail(link, server, agents(), locale);
    },
    tool: (id, name, locale) => compareTool(deps, must(id), name, locale),
    async probe(id, locale) {
      await must(id).link.probe();
      return summary(id, locale);
    },
    async restart(actor, id, locale) {
      must(id);
      await deps.transaction((_, record) =>
        record({ actor, action: "server.restarted", resource: `server:${id}`, status: "succeeded" }),
      );
      await fleet.renew(id);
      return summary(id, locale);
    },
    find: (id) => fleet.live.get(id),
    refuseUnknown(id) {
      throw noServer(id, [...fleet.live.keys()]);
    },
    all: () => [...fleet.live.values()],
    callMsOf,
    explainStatus,
    explainFailure,
    presentValidation,
    standings: () => [...fleet.live.values()].map(standing),
    policyProblem,
    definitionsOf: (hashes) => store.findDefinitions(deps.queries, hashes),
    async sandbox() {
      const programs = [...fleet.live.values()].filter(({ server }) => server.command !== undefined).length;
      return { state: await deps.sandbox.state(), mode: deps.sandbox.mode, programs };
    },
    snapshot: () => fleet.snapshot,
    async purge(before, limit) {
      // Before the configuration has been read nobody knows what is referred to.
      if (fleet.snapshot === null) return 0;
      await store.touchDefinitions(deps.queries, [...fleet.referredTools()], stamp(deps.clock()));
      return store.deleteDefinitionsBefore(deps.queries, before, limit);
    },
    handshakeUnapproved: (actor, server, reveal, on) =>
      unapproved.run(async () => {
        await recordHandshake(deps, actor, server);
        return shake(deps, fleet, server, reveal, { ...on, unapproved: true });
      }),
    ...reaching(fleet),
    async handshakeWith(id, values, on) {
      const server = await registeredAs(deps, id);
      const ring = await deps.ring();
      const reveal: Reveal = (reference) =>
        values.has(reference) ? Promise.resolve(values.get(reference) ?? "") : ring.reveal(reference);
      return shake(deps, fleet, server, reveal, on);
    },
  };
}

function standing({ server, link }: RegisteredServer): Standing {
  const withheld = link.tools.filter(({ reason }) => reason !== null).length;
  return { id: server.id, state: link.state, trouble: link.trouble, withheld };
}

/** Servers of the live branch as it was last seen. */
const registered = async ({ repository }: ServersDeps): Promise<readonly RegistryServer[]> =>
  (await repository.snapshot(await repository.head())).registry.servers;

async function registeredAs(deps: ServersDeps, id: string): Promise<RegistryServer> {
  const servers = await registered(deps);
  const server = servers.find((each) => each.id === id);
  if (server !== undefined) return server;
  throw noServer(
    id,
    servers.map((each) => each.id),
  );
}

/** A handshake by the policies that are live now. What it found of tools is kept, to be shown later. */
async function shake(
  deps: ServersDeps,
  fleet: Fleet,
  server: RegistryServer,
  reveal: Reveal,
  on: ConnectOptions,
): Promise<HandshakeResult> {
  await fleet.refreshPolicies();
  const filled = await fillKeys(server, reveal);
  const connection = await connect(fleet.connectDeps, { server, ...filled }, on);
  await connection.close();
  const sound = connection.tools.filter(({ problem }) => problem === null);
  const definitions = sound.map(({ hash, definition }) => ({ hash, definition }));
  await store.keepDefinitions(deps.queries, definitions, stamp(deps.clock()));
  return connection;
}

const recordHandshake = ({ transaction }: ServersDeps, actor: Actor, server: RegistryServer): Promise<void> =>
  transaction((_, record) =>
    record({
      actor,
      action: "server.handshake_begun",
      resource: `server:${server.id}`,
      status: "succeeded",
      metadata:
        server.url === undefined
          ? {
              command: maskSecrets([server.command, ...(server.args ?? [])].join(" ")),
              variables: Object.keys(server.env ?? {}),
            }
          : { url: maskSecrets(server.url), headers: Object.keys(server.headers ?? {}) },
    }),
  );

async function compareTool(
  deps: ServersDeps,
  { link }: RegisteredServer,
  name: string,
  locale: Locale,
): Promise<ToolDrift> {
  const tool = link.tools.find((each) => each.name === name);
  if (tool === undefined)
    throw notFound(`${link.id} has no tool ${name}`, `${link.id} não tem a ferramenta ${name}`);
  const approved =
    tool.lockedHash === null ? null : await store.findDefinition(deps.queries, tool.lockedHash);
  const offered = tool.offered?.definition ?? null;
  return { ...presentTool(tool, locale), approved: pretty(approved), offered: pretty(offered) };
}

/** How others reach what the live configuration lets the console reach. */
const reaching = (fleet: Fleet): Pick<ServersService, "send" | "outbound"> => ({
  send: (input, init) => send(fleet, input, init),
  outbound: fleet.connectDeps,
});

async function send(fleet: Fleet, input: string, init: RequestInit): Promise<Response> {
  const { openHttp } = await import("../../lib/http.ts");
  await fleet.refreshPolicies();
  const { network, resolve, ownId } = fleet.connectDeps;
  const problem = urlProblem(new URL(input), network());
  if (problem !== null) throw problem;
  const http = openHttp({
    lookup: guardedLookup(network, resolve),
    ownId,
    connectMs: sendMs,
    callMs: sendMs,
  });
  try {
    const response = await http.fetch(input, init);
    const { status, headers } = response;
    return new Response(await response.arrayBuffer(), { status, headers });
  } finally {
    await http.close();
  }
}

const pretty = (json: string | null): string | null =>
  json === null || json === "" ? null : JSON.stringify(JSON.parse(json), null, 2);

export const noServer = (id: string, known: readonly string[]): Refusal =>
  notFound(
    `No server ${id}. There are: ${known.slice(0, 20).join(", ") || "none"}`,
    `Não há servidor ${id}. Há: ${known.slice(0, 20).join(", ") || "nenhum"}`,
  );
