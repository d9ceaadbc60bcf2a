import { join } from "node:path";
import { policyOf, type RegistryServer, type ServerState } from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";
import { type AuditedTransaction, system } from "../../lib/actor.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { privateFolder } from "../../lib/files.ts";
import type { Logger } from "../../lib/logger.ts";
import { resolveBySystem, type ResolveHost } from "../../lib/outbound.ts";
import { Semaphore } from "../../lib/semaphore.ts";
import type { ConfigRepository } from "../config-repo/repository.ts";
import type { Snapshot } from "../config-repo/snapshot.ts";
import type { ConnectDeps } from "./connect.ts";
import { Link, type LinkDeps } from "./link.ts";
import { networkRulesOf, type Ring, specFingerprint, specOf, toolRulesOf } from "./specs.ts";
import * as store from "./store.ts";
import { drifted } from "./tools.ts";

export type ServersDeps = {
  queries: Queries;
  transaction: AuditedTransaction;
  clock: Clock;
  logger: Logger;
  repository: ConfigRepository;
  home: string;
  ring(): Promise<Ring>;
  resolve?: ResolveHost | undefined;
  /** Version of the console, as it tells servers. */
  version: string;
  /** What processes of servers get of the console's own environment. */
  environment: Readonly<Record<string, string | undefined>>;
};

/** A server with its live link. */
export type LiveServer = { server: RegistryServer; link: Link };

const connectsAtOnce = 8;
const replaceMs = 10_000;

/** The links, kept in step with the live branch and the keys in use. */
export class Fleet {
  /** Links that have yet to try, before they take another's place. */
  readonly #replacing = new Set<Link>();
  readonly live = new Map<string, LiveServer>();
  readonly connectDeps: ConnectDeps;
  snapshot: Snapshot | null = null;
  readonly #deps: ServersDeps;
  readonly #turns = new Semaphore(connectsAtOnce);
  readonly #fingerprints = new Map<string, string>();
  readonly #draining = new Set<Promise<void>>();
  #policies: Snapshot["policies"] = new Map();
  #seen = "";
  #reconciling: Promise<void> | null = null;
  #again = false;
  #timer: NodeJS.Timeout | null = null;
  readonly #listeners: (() => void)[] = [];
  #started = false;
  #stopped = false;

  constructor(deps: ServersDeps) {
    this.#deps = deps;
    this.connectDeps = {
      network: () => networkRulesOf({ policies: this.#policies }),
      commands: () => policyOf(this.#policies, "commands"),
      resolve: deps.resolve ?? resolveBySystem,
      version: deps.version,
      environment: deps.environment,
      folderOf: (id) => privateFolder(join(deps.home, "servers", id)),
    };
  }

  /** Calls back when servers, their tools or the policies about them are not what they were. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Takes in the policies of the live branch, for a handshake that must not go by older ones. */
  async refreshPolicies(): Promise<void> {
    const { repository } = this.#deps;
    this.#policies = (await repository.snapshot(await repository.refresh())).policies;
  }

  async start(): Promise<void> {
    this.#started = true;
    await this.#follow();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await Promise.all([...this.#replacing].map((link) => link.close()));
    await this.#reconciling;
    await Promise.all([...this.live.values()].map(({ link }) => link.close()));
    await Promise.all(this.#draining);
  }

  reconcile(): Promise<void> {
    // Commands and programs beside the console use the same services, and must not run its servers.
    if (!this.#started) return Promise.resolve();
    if (this.#reconciling !== null) {
      this.#again = true;
      return this.#reconciling;
    }
    this.#reconciling = this.#reconcileOnce().finally(() => {
      this.#reconciling = null;
    });
    return this.#reconciling;
  }

  /** Replaces one link by a new one. */
  async renew(id: string): Promise<void> {
    this.#fingerprints.delete(id);
    this.#seen = "";
    await this.reconcile();
  }

  async #follow(): Promise<void> {
    try {
      await this.reconcile();
    } catch (error) {
      this.#deps.logger.warn(
        { err: error },
        "the live configuration cannot be read; servers stay as they are",
      );
    }
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#follow(), this.#deps.repository.lookEveryMs).unref();
  }

  async #reconcileOnce(): Promise<void> {
    do {
      this.#again = false;
      const { repository } = this.#deps;
      const head = await repository.refresh();
      const ring = await this.#deps.ring();
      const seen = `${head} ${ring.revision}`;
      if (seen === this.#seen || this.#stopped) continue;
      const snapshot = await repository.snapshot(head);
      this.snapshot = snapshot;
      this.#policies = snapshot.policies;
      await this.#match(snapshot, ring);
      this.#seen = seen;
      this.#changed();
    } while (this.#again);
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
    for (const [id, server] of wanted) {
      const fingerprint = specFingerprint(server, snapshot, ring);
      const rules = toolRulesOf(id, snapshot);
      const current = this.live.get(id);
      if (current !== undefined && this.#fingerprints.get(id) === fingerprint) {
        current.link.judgeBy(rules);
        this.live.set(id, { server, link: current.link });
        continue;
      }
      this.#fingerprints.set(id, fingerprint);
      const next = {
        server,
        link: new Link(await specOf(server, ring, this.connectDeps), rules, this.#linkDeps()),
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
  }

  #replace(id: string, before: Link, next: LiveServer, fingerprint: string): void {
    this.#replacing.delete(next.link);
    const isWanted =
      !this.#stopped && this.#fingerprints.get(id) === fingerprint && this.live.get(id)?.link === before;
    if (isWanted) this.live.set(id, next);
    this.#retire(isWanted ? before : next.link);
    if (isWanted) this.#changed();
  }

  #retire(link: Link): void {
    const drained = link.drain().finally(() => this.#draining.delete(drained));
    this.#draining.add(drained);
  }

  #linkDeps(): LinkDeps {
    return {
      ...this.connectDeps,
      clock: this.#deps.clock,
      inTurn: (work) => this.#turns.run(work),
      onState: (link, before) => this.#safely(() => this.#recordState(link, before)),
      onTools: (link) => {
        this.#changed();
        this.#safely(() => this.#recordTools(link));
      },
    };
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** What cannot be recorded is not undone by that; it is logged. */
  #safely(work: () => Promise<void>): void {
    void work().catch((error: unknown) => {
      if (!this.#stopped) this.#deps.logger.error({ err: error }, "what a server does could not be recorded");
    });
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

/** Resolves with the work, or when the time is up. */
async function withinTime(work: Promise<unknown>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
