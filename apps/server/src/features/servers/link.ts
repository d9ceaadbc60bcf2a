import type { Connection, JudgedTool, ListedTool, ServerLink } from "../../domain/servers.ts";
import { type ProtocolEra, type ServerState, type Text, text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { detached, type Tasks } from "../../lib/background.ts";
import { CallerConnections } from "./caller-connections.ts";
import { connect, HandshakeError } from "./connect.ts";
import { callMsOf, type ConnectDeps, type Target } from "./opening.ts";
import { type Mask, maskValues } from "../../lib/mask-values.ts";
import { explainFailure } from "./explain.ts";
import { secretsOf } from "./specs.ts";
import { type Health, nextHealth, retryMs, type Sample, slowOrShaky, unknownHealth } from "./health.ts";
import { type ToolRules, ToolShelf } from "./tool-shelf.ts";

export type LinkDeps = ConnectDeps & {
  clock: Clock;
  /** Runs a connection attempt when there is room for one. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** What goes on behind a call: the console waits for it when it stops. */
  tasks: Pick<Tasks, "run">;
  /** Called when the state has changed. */
  onState(link: Link, before: ServerState): void;
  /** Called when the tools were read again, with those that are not as before. */
  onTools(link: Link): void;
};

/** What a link is made for: a server of the configuration, with its credentials. */
export type LinkSpec = {
  /** Null when it cannot be reached as configured; `quarantine` then says why. */
  target: Target | null;
  serverId: string;
  quarantine: Text | null;
};

const probeEveryMs = 30_000;
const keptSamples = 120;
const keptLines = 200;
const drainMs = 60_000;
/** Ends within this time make the wait before the next start longer. */
const crashWindowMs = 5 * 60_000;
const maxInFlight = 256;

/**
 * One server as the console keeps it: connected, looked at, and connected again when it
 * is gone. It is replaced as a whole when its configuration or a credential changes; calls
 * under way end on the old one.
 */
export class Link implements ServerLink {
  readonly spec: LinkSpec;
  readonly samples: Sample[] = [];
  readonly log: { at: string; line: string }[] = [];
  health: Health = unknownHealth;
  stateSince: string;
  /** Why it is not well. */
  trouble: Text | null;
  retryAt: string | null = null;
  restarts = 0;
  connection: Connection | null = null;
  inFlight = 0;
  readonly #deps: LinkDeps;
  readonly #shelf: ToolShelf;
  readonly mask: Mask;
  readonly #ready = Promise.withResolvers<void>();
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #idle: (() => void) | null = null;
  #held = 0;
  #looking = false;
  #connecting: Promise<void> | null = null;
  #legacy: Promise<boolean> | null = null;
  #ends: number[] = [];
  /** Connections that were given up, until their calls have had their time. */
  readonly #old = new Map<Connection, NodeJS.Timeout>();
  /** Where callers do not share one. */
  readonly #byCaller: CallerConnections | null;

  constructor(spec: LinkSpec, rules: ToolRules, deps: LinkDeps) {
    this.spec = spec;
    this.#shelf = new ToolShelf(rules, () => deps.onTools(this));
    this.#deps = deps;
    this.mask = maskValues(spec.target === null ? [] : secretsOf(spec.target.server, spec.target));
    this.#byCaller = this.#connectionsByCaller();
    this.trouble = spec.quarantine;
    this.stateSince = stamp(deps.clock());
  }

  get id(): string {
    return this.spec.serverId;
  }

  get state(): ServerState {
    return this.spec.quarantine === null ? this.health.state : "quarantined";
  }

  get credentials(): Readonly<Record<string, string>> {
    return this.spec.target?.values ?? {};
  }

  get tools(): readonly JudgedTool[] {
    return this.#shelf.tools;
  }

  get closed(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Resolves when the first attempt to connect has ended, well or not. */
  start(): Promise<void> {
    if (this.spec.quarantine !== null) this.#ready.resolve();
    else void this.#attempt();
    return this.#ready.promise;
  }

  /** A tool by name, as judged against the lock. */
  tool(name: string): JudgedTool | undefined {
    return this.#shelf.get(name);
  }

  /**
   * A listed tool as far as it was approved; null where it may not be offered: by its definition, not its name alone.
   * What was not there at the latest look is looked at soon.
   */
  shown(listed: ListedTool): ListedTool | null {
    const shown = this.#shelf.shown(listed);
    if (shown === undefined) this.#lookSoon();
    return shown ?? null;
  }

  /** The connection, made when there is none. Refuses, saying why and when it is tried again. */
  async connected(): Promise<Connection> {
    if (this.spec.quarantine === null && this.connection === null && this.retryAt === null) {
      await this.#attempt();
    }
    if (this.connection === null) throw this.unavailable();
    return this.connection;
  }

  /** The connection that a caller's requests go over: the one of all, or one of their own. */
  async connectedFor(caller: string): Promise<Connection> {
    const shared = await this.connected();
    return this.#byCaller === null ? shared : this.#byCaller.of(caller);
  }

  /** Replaces a connection that failed. */
  async reconnectFor(caller: string, failed: Connection): Promise<Connection> {
    return this.#byCaller === null ? this.reconnect(failed) : this.#byCaller.renew(caller, failed);
  }

  unavailable(): Refusal {
    const why = this.trouble ?? text("it is being connected to", "a conexão está sendo feita");
    const again = this.retryAt === null ? "" : ` (${this.retryAt})`;
    return new Refusal(
      "server_unavailable",
      text(
        `Server ${this.id} is ${this.state}: ${why.en}${again}`,
        `O servidor ${this.id} está em ${this.state}: ${why["pt-BR"]}${again}`,
      ),
    );
  }

  /** Keeps the connection until `release`, so that nothing is closed below who has come in. */
  hold(): void {
    this.#held += 1;
  }

  release(): void {
    this.#held -= 1;
    if (this.#held === 0) this.#idle?.();
  }

  /** Counts a call as under way until `leave`. Refuses beyond the limit. */
  enter(): void {
    const most = this.spec.target?.server.limits?.concurrent_calls ?? maxInFlight;
    if (this.inFlight >= most) throw tooBusy(this.id, most);
    this.inFlight += 1;
    this.hold();
  }

  leave(): void {
    this.inFlight -= 1;
    this.release();
  }

  /** Judges the tools by other rules from now on. */
  judgeBy(rules: ToolRules): void {
    const areOthers = this.#shelf.judgeBy(rules);
    if (areOthers && this.connection !== null) this.#shelf.judge();
  }

  /**
   * Looks at the server now: lists its tools, and notes how long that took. A start that it has to wait for
   * is not counted: that says how fast a program starts, not how fast it answers.
   */
  async probe(): Promise<Sample> {
    try {
      const { listTools } = await this.connected();
      const start = performance.now();
      const limit = AbortSignal.timeout(callMsOf(this.#server()));
      const tools = await listTools(AbortSignal.any([limit, this.#abort.signal]));
      const sample = this.#note({ ok: true, ms: Math.round((performance.now() - start) * 100) / 100 }, null);
      this.#shelf.judge(tools);
      return sample;
    } catch (error) {
      // That it is not connected to says nothing new.
      const why = error instanceof Refusal ? this.trouble : explainFailure(error, this.mask);
      return this.#note({ ok: false, ms: null }, why);
    }
  }

  /**
   * Reconnects at once, because this connection failed. Who comes second gets
   * what the first made; calls of others end on the old one. Refuses when that fails.
   */
  async reconnect(failed: Connection): Promise<Connection> {
    if (this.connection === failed) {
      this.connection = null;
      this.#legacy = null;
      const timer = detached(() =>
        setTimeout(() => this.#endOldSoon(failed), callMsOf(this.#server())).unref(),
      );
      this.#old.set(failed, timer);
    }
    return this.connected();
  }

  #endOldSoon(connection: Connection): void {
    void this.#deps.tasks.run("ending a connection", () => this.#endOld(connection));
  }

  async #endOld(connection: Connection): Promise<void> {
    const timer = this.#old.get(connection);
    this.#old.delete(connection);
    clearTimeout(timer);
    await connection.close();
  }

  /** Whether a streamable HTTP server also speaks the revisions before 2026-07-28. Asked once a connection. */
  speaksLegacy(ask: () => Promise<boolean>): Promise<boolean> {
    this.#legacy ??= ask().catch((error: unknown) => {
      this.#legacy = null;
      throw error;
    });
    return this.#legacy;
  }

  get era(): ProtocolEra | null {
    return this.connection?.era ?? null;
  }

  note(line: string): void {
    this.log.push({ at: stamp(this.#deps.clock()), line: this.mask(line).slice(0, 2000) });
    if (this.log.length > keptLines) this.log.shift();
  }

  /** Takes no new calls, lets those under way end within a time, or until the signal is aborted, then closes. */
  async drain(signal: AbortSignal): Promise<void> {
    if (this.#held > 0 && !signal.aborted) {
      const idle = Promise.withResolvers<void>();
      this.#idle = () => idle.resolve();
      const limit = AbortSignal.any([signal, AbortSignal.timeout(drainMs)]);
      limit.addEventListener("abort", this.#idle, { once: true });
      await idle.promise;
    }
    await this.close();
  }

  /** Ends it at once. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.#abort.abort(new Error("the console does not need it any more"));
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#ready.resolve();
    await this.#connecting;
    const { connection } = this;
    this.connection = null;
    await Promise.all([
      connection?.close(),
      this.#byCaller?.close(),
      ...[...this.#old.keys()].map((old) => this.#endOld(old)),
    ]);
  }

  #connectionsByCaller(): CallerConnections | null {
    const { target } = this.spec;
    if (target?.server.session !== "per_caller") return null;
    return new CallerConnections({
      serverId: this.id,
      connect: (caller) =>
        connect(this.#deps, target, {
          caller,
          signal: this.#abort.signal,
          onLog: (line) => this.note(line),
        }),
      tasks: this.#deps.tasks,
      callMs: callMsOf(target.server),
    });
  }

  #server() {
    if (this.spec.target === null) throw new Error(`server ${this.id} has no target`);
    return this.spec.target.server;
  }

  async #disconnect(): Promise<void> {
    const { connection } = this;
    this.connection = null;
    this.#legacy = null;
    await connection?.close();
  }

  /** The connection ended by itself: it is made again, the later the oftener that happened of late. */
  async #lost(why: Text): Promise<void> {
    await this.#disconnect();
    if (this.closed) return;
    const now = this.#deps.clock().getTime();
    this.#ends = [...this.#ends.filter((at) => now - at < crashWindowMs), now];
    // A call has reconnected meanwhile.
    if (this.connection !== null || this.#connecting !== null) return;
    this.#note({ ok: false, ms: null }, why);
    this.#retryIn(retryMs(Math.max(this.health.failures, this.#ends.length)));
  }

  #lookSoon(): void {
    if (this.#looking || this.connection === null) return;
    this.#looking = true;
    void this.#deps.tasks.run("looking at a server's tools", async () => {
      await this.probe();
      this.#looking = false;
    });
  }

  #retryIn(ms: number): void {
    this.retryAt = stamp(new Date(this.#deps.clock().getTime() + ms));
    this.#later(ms, () => this.#attempt());
  }

  #attempt(): Promise<void> {
    // The connection outlives the call that happened to need it first.
    this.#connecting ??= detached(() => this.#deps.inTurn(() => this.#connect())).finally(() => {
      this.#connecting = null;
      this.#ready.resolve();
    });
    return this.#connecting;
  }

  async #connect(): Promise<void> {
    const { target } = this.spec;
    if (this.closed || target === null || this.connection !== null) return;
    this.retryAt = null;
    const start = performance.now();
    try {
      const connection = await connect(this.#deps, target, {
        signal: this.#abort.signal,
        onLog: (line) => this.note(line),
      });
      this.connection = connection;
      connection.onEnd((why) => {
        if (this.connection !== connection) return;
        this.restarts += 1;
        void this.#deps.tasks.run("connecting again", () => this.#lost(why));
      });
      this.#note({ ok: true, ms: Math.round((performance.now() - start) * 100) / 100 }, null, Infinity);
      this.#shelf.judge(connection.tools);
      this.#later(probeEveryMs, () => this.#probeAgain());
    } catch (error) {
      if (this.closed) return;
      const why = error instanceof HandshakeError ? error.detail : explainFailure(error, this.mask);
      this.#note({ ok: false, ms: null }, why);
      this.note(why.en);
      this.#retryIn(retryMs(this.health.failures));
    }
  }

  async #probeAgain(): Promise<void> {
    const { ok } = await this.probe();
    if (this.closed || this.connection === null) return;
    if (!ok && this.health.state === "down") await this.#lost(this.trouble ?? slowOrShaky);
    else this.#later(probeEveryMs, () => this.#probeAgain());
  }

  #later(ms: number, work: () => Promise<void>): void {
    if (this.closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = detached(() =>
      setTimeout(() => void this.#deps.tasks.run("looking at a server", work), ms).unref(),
    );
  }

  #note(look: Pick<Sample, "ok" | "ms">, why: Text | null, slow?: number): Sample {
    const at = stamp(this.#deps.clock());
    const sample = { at, ...look };
    this.samples.push(sample);
    if (this.samples.length > keptSamples) this.samples.shift();
    const before = this.state;
    this.health = nextHealth(this.health, look, slow);
    this.trouble = why ?? (this.health.state === "degraded" ? slowOrShaky : null);
    if (this.state !== before) {
      this.stateSince = at;
      this.#deps.onState(this, before);
    }
    return sample;
  }
}

const tooBusy = (id: string, most: number): Refusal =>
  new Refusal(
    "rate_limited",
    text(
      `Server ${id} has ${most} calls under way, which is the limit. Try again`,
      `O servidor ${id} tem ${most} chamadas em andamento, que é o limite. Tente de novo`,
    ),
    { retryAfter: 1, quiet: true },
  );
