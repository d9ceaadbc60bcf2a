import { join } from "node:path";
import { policyOf, type ServerState, text } from "@ciclo/contract";
import type { Queries, AuditedTransaction } from "../../db/dialect.ts";
import { system } from "../../domain/actor.ts";
import type { ConfigRepository } from "../../domain/config-repository.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { hashToken } from "../../lib/crypto.ts";
import { privateFolder } from "../../lib/files.ts";
import type { Logger } from "../../lib/logger.ts";
import { resolveBySystem, type ResolveHost } from "../../lib/outbound.ts";
import type { Sandbox } from "../../lib/sandbox.ts";
import { Semaphore } from "../../lib/semaphore.ts";
import type { ConnectDeps } from "./opening.ts";
import type { WorkerTrouble } from "../../domain/feature.ts";
import { Tasks, Worker } from "../../lib/background.ts";
import type { EventBus } from "../../lib/events.ts";
import { Link, type LinkDeps, type LinkSpec } from "./link.ts";
import { networkRulesOf, type Ring, specFingerprint, specOf, toolRulesOf } from "./specs.ts";
import * as store from "./store.ts";
import { drifted } from "./tools.ts";
import type { LiveServer } from "../../domain/servers.ts";

export type ServersDeps = {
  queries: Queries;
  transaction: AuditedTransaction;
  clock: Clock;
  logger: Logger;
  repository: ConfigRepository;
  home: string;
  bus: Pick<EventBus, "publish">;
  ring(): Promise<Ring>;
  resolve?: ResolveHost | undefined;
  /** Version of the console, as it tells servers. */
  version: string;
  /** What the gateway of this console names itself by. */
  ownId: string;
  /** What processes of servers get of the console's own environment. */
  environment: Readonly<Record<string, string | undefined>>;
  sandbox: Sandbox;
  /** Files and folders that no server's process may see: the console's data, and its keys. */
  hidden: readonly string[];
};

/** A registered server with its link, as this feature knows it. */
export type RegisteredServer = LiveServer<Link>;

const connectsAtOnce = 8;
const replaceMs = 10_000;

/** The links, kept in step with the live branch and the keys in use. */
export class Fleet {
  /** Links that have yet to try, before they take another's place. */
  readonly #replacing = new Set<Link>();
  readonly live = new Map<string, RegisteredServer>();
  readonly connectDeps: ConnectDeps;
  snapshot: Snapshot | null = null;
  readonly #deps: ServersDeps;
  readonly #turns = new Semaphore(connectsAtOnce);
  readonly #fingerprints = new Map<string, string>();
  readonly #tasks: Tasks;
  readonly #following: Worker;
  #policies: Pick<Snapshot, "policies" | "unusable"> = { policies: new Map(), unusable: new Set() };
  #seen = "";

  constructor(deps: ServersDeps) {
    this.#deps = deps;
    this.#tasks = new Tasks(deps.logger);
    this.#following = new Worker({
      name: text("following the live configuration", "o acompanhamento da configuração ativa"),
      logger: deps.logger,
      everyMs: deps.repository.lookEveryMs,
      pass: (signal) => this.#follow(signal),
    });
    this.connectDeps = {
      network: () => networkRulesOf(this.#policies),
      commands: () => policyOf(this.#policies.policies, "commands"),
      resolve: deps.resolve ?? resolveBySystem,
      version: deps.version,
      ownId: deps.ownId,
      environment: deps.environment,
      sandbox: deps.sandbox,
      hidden: deps.hidden,
      folderOf: (id, caller) => privateFolder(join(deps.home, "servers", folderNameOf(id, caller))),
    };
  }

  /** Takes in the policies of the live branch, for a handshake that must not go by older ones. */
  async refreshPolicies(): Promise<void> {
    const { repository } = this.#deps;
    this.#policies = await repository.snapshot(await repository.refresh());
  }

  troubles(): WorkerTrouble[] {
    return this.#following.troubles();
  }

  start(): Promise<void> {
    return this.#following.start();
  }

  async stop(): Promise<void> {
    const following = this.#following.stop();
    await Promise.all([...this.#replacing].map((link) => link.close()));
    await following;
    await Promise.all([...this.live.values()].map(({ link }) => link.close()));
    await this.#tasks.stop();
  }

  /** Takes in what is live now. Does nothing before `start`: commands and programs beside the console must not run its servers. */
  async reconcile(): Promise<void> {
    if (this.#following.started) await this.#following.run();
  }

  /** Has it taken in soon. */
  wake(): void {
    this.#following.wake();
  }

  /** Hashes of the tools that a lock approves or a server offers. */
  referredTools(): ReadonlySet<string> {
    const locked = Object.values(this.snapshot?.toolLock.servers ?? {}).flatMap((tools) =>
      Object.values(tools).map(({ hash }) => hash),
    );
    const offered = [...this.live.values()].flatMap(({ link }) =>
      link.tools.flatMap(({ offered: tool }) => (tool === null ? [] : [tool.hash])),
    );
    return new Set([...locked, ...offered]);
  }

  /** Replaces one link by a new one. */
  async renew(id: string): Promise<void> {
    this.#fingerprints.delete(id);
    this.#seen = "";
    await this.reconcile();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { repository } = this.#deps;
    const head = await repository.refresh();
    const ring = await this.#deps.ring();
    const seen = `${head} ${ring.revision}`;
    if (seen === this.#seen || signal.aborted) return;
    const snapshot = await repository.snapshot(head);
    this.snapshot = snapshot;
    this.#policies = snapshot;
    // Who may no longer call is told before servers are connected anew, which takes its time.
    this.#changed();
    await this.#match(snapshot, ring);
    this.#seen = seen;
    this.#changed();
  }

  async #match(snapshot: Snapshot, ring: Ring): Promise<void> {
    const wanted = new Map(snapshot.registry.servers.map((server) => [server.id, server]));
    for (const [id, { link }] of this.live) {
      if (wanted.has(id)) continue;
      this.live.delete(id);
      this.#fingerprints.delete(id);
      this.#retire(link);
    }
    const starts: Promise<void>[] = [];
    const failures: unknown[] = [];
    for (const [id, server] of wanted) {
      const fingerprint = specFingerprint(server, snapshot, ring);
      const rules = toolRulesOf(id, snapshot);
      const current = this.live.get(id);
      if (current !== undefined && this.#fingerprints.get(id) === fingerprint) {
        current.link.judgeBy(rules);
        this.live.set(id, { server, link: current.link });
        continue;
      }
      const spec = await specOf(server, ring, this.connectDeps).catch((error: unknown) => {
        failures.push(error);
        return null;
      });
      // A key that cannot be read just now says nothing against the server: the link goes on, and the next pass tries again.
      if (spec === null && current !== undefined) continue;
      if (spec !== null) this.#fingerprints.set(id, fingerprint);
      const next = {
        server,
        link: new Link(spec ?? unreadableKey(id), rules, this.#linkDeps()),
      };
      const ready = next.link.start();
      // A new server is there at once; one that is replaced goes on until the new one has tried.
      if (current === undefined) this.live.set(id, next);
      else {
        this.#replacing.add(next.link);
        starts.push(ready.then(() => this.#replace(id, current.link, next, fingerprint)));
      }
    }
    // Who changed a server meets the new one; but one that hangs holds up no later change for long.
    await withinTime(Promise.all(starts), replaceMs);
    if (failures.length > 0) throw new AggregateError(failures, "keys of servers cannot be read");
  }

  #replace(id: string, before: Link, next: RegisteredServer, fingerprint: string): void {
    this.#replacing.delete(next.link);
    const isWanted =
      this.#following.started &&
      this.#fingerprints.get(id) === fingerprint &&
      this.live.get(id)?.link === before;
    if (isWanted) {
      // Lock and policies may have moved on while the new one connected.
      const entry = this.snapshot?.registry.servers.find((each) => each.id === id);
      if (this.snapshot !== null) next.link.judgeBy(toolRulesOf(id, this.snapshot));
      this.live.set(id, { server: entry ?? next.server, link: next.link });
    }
    this.#retire(isWanted ? before : next.link);
    if (isWanted) this.#changed();
  }

  #retire(link: Link): void {
    void this.#tasks.run("ending a connection", (signal) => link.drain(signal));
  }

  #linkDeps(): LinkDeps {
    return {
      ...this.connectDeps,
      clock: this.#deps.clock,
      inTurn: (work) => this.#turns.run(work),
      tasks: this.#tasks,
      onState: (link, before) => {
        void this.#tasks.run("recording a server's state", () => this.#recordState(link, before));
      },
      onTools: (link) => {
        this.#changed();
        void this.#tasks.run("recording a server's tools", () => this.#recordTools(link));
      },
    };
  }

  #changed(): void {
    void this.#deps.bus.publish("live.moved");
  }

  async #recordState(link: Link, before: ServerState): Promise<void> {
    // Each start of the console would say that all is well.
    if (before === "starting" && link.state === "healthy") return;
    const { state, trouble } = link;
    await this.#deps.transaction((_, record) =>
      record({
        actor: system,
        action: "server.state_changed",
        resource: `server:${link.id}`,
        status: state === "healthy" ? "succeeded" : "failed",
        metadata: { from: before, to: state, detail: trouble?.en ?? null },
      }),
    );
  }

  async #recordTools(link: Link): Promise<void> {
    const { transaction, clock } = this.#deps;
    const at = stamp(clock());
    const known = link.tools.flatMap(({ offered }) =>
      offered === null || offered.problem !== null ? [] : [offered],
    );
    const odd = drifted(link.tools);
    const fingerprint = odd
      .map(({ name, state, offered }) => `${name} ${state} ${offered?.hash ?? ""}`)
      .join("\n");
    await transaction(async (queries, record) => {
      await store.keepDefinitions(
        queries,
        known.map(({ hash, definition }) => ({ hash, definition })),
        at,
      );
      const isNew = await store.noteDrift(queries, link.id, fingerprint, at);
      if (!isNew || odd.length === 0) return;
      await record({
        actor: system,
        action: "server.tools_drifted",
        resource: `server:${link.id}`,
        status: "refused",
        metadata: {
          tools: Object.fromEntries(odd.slice(0, 50).map(({ name, state }) => [name, state])),
          count: odd.length,
        },
      });
    });
  }
}

/** A caller's own folder stands beside that of all, and not in it: each sees its own. */
const folderNameOf = (id: string, caller: string | null): string =>
  caller === null ? id : `${id}@${hashToken(caller).slice(0, 16)}`;

/** What a new server is until its key can be read. */
const unreadableKey = (serverId: string): LinkSpec => ({
  serverId,
  target: null,
  quarantine: text(
    "a key of it cannot be read just now; it is tried again, and the log says why",
    "uma chave dele não pode ser lida agora; será tentado de novo, e o log diz o motivo",
  ),
});

/** Resolves with the work, or when the time is up. */
async function withinTime(work: Promise<unknown>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
