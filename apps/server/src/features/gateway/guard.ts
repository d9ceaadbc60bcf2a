import { ownServerId, type PolicyFile, type Text, text } from "@ciclo/contract";
import type { AuditedTransaction } from "../../db/dialect.ts";
import type { Actor } from "../../domain/actor.ts";
import type { LiveServer } from "../../domain/servers.ts";
import {
  type CallStatus,
  type CallSubject,
  type Cost,
  calledBy,
  noSubject,
  type Pace,
  type Reservation,
  type Reserve,
  type ToolCall,
} from "../../domain/usage.ts";
import { Refusal } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/logger.ts";
import { Shared } from "../../lib/shared.ts";
import { CallRecords } from "./call-records.ts";
import { AccessTable, type Verdict } from "./access.ts";
import type { ClientName } from "./client-names.ts";
import { type Show, withoutTexts } from "./lists.ts";
import { GatewayRefusal, type RpcMessage } from "./messages.ts";
import { isWellSpelt, type Kind, subjectOf, subjectSaid, type Subject, templateAsUri } from "./methods.ts";
import type { Said } from "./said.ts";

export type GuardDeps = {
  transaction: AuditedTransaction;
  /** Policies of the configuration that the links were made for. */
  policies(): ReadonlyMap<string, PolicyFile>;
  pace: Pace;
  reserve: Reserve;
  record(call: ToolCall): Cost;
  clock: Clock;
  logger: Logger;
};

/** A call as it is metered. */
export type Metered = {
  server: string;
  tool: string | null;
  method: string;
  actor: Actor;
  client: ClientName | null;
  era: "modern" | "legacy";
  requestBytes: number;
  /** What the call costs when it is made; null where no price is known. */
  price: number | null;
  /** Whether it has gone to the server: what comes of it then, it is paid for. */
  dispatched: boolean;
  /** What it has set aside of its budgets; null where it was not let through, or costs nothing. */
  reservation?: Reservation | null;
  /** By which the ledger knows it, and a server that says what the call used. */
  key?: string;
  /** Whether it is in the audit log that it was begun. */
  audited?: boolean;
};

export type Outcome = { status: CallStatus; error: string | null; responseBytes: number };

/** Who may call what, how often, and for how much; and what came of it. */
export class Guard {
  readonly #deps: GuardDeps;
  readonly #access = new AccessTable();
  readonly records: CallRecords;

  constructor(deps: GuardDeps) {
    this.#deps = deps;
    this.records = new CallRecords(deps);
  }

  mayEnter(actor: Actor, server: string): boolean {
    return this.#table().mayEnter(actor.roles, server);
  }

  /** Whether a caller sees a tool in lists: allowed by policy, and as approved. */
  maySee(actor: Actor, { server, link }: LiveServer, tool: string): boolean {
    return link.tool(tool)?.reason === null && this.allows(actor, server.id, "tools", [tool]);
  }

  /** Whether policy lets a caller use something. */
  allows(actor: Actor, server: string, kind: Kind, names: readonly string[]): boolean {
    return this.#table().decide(actor.roles, server, kind, names).allowed;
  }

  /** Whether texts go on that models read and nobody approves one by one: instructions, and what prompts and resources say of themselves. */
  passesTexts(): boolean {
    return this.#table().passesTexts;
  }

  /** What a caller may see of what a server tells of itself just now. */
  show(actor: Actor, live: LiveServer): Show {
    const texts = this.passesTexts();
    return {
      texts,
      serverId: live.server.id,
      item: (listed) => {
        const { list, item } = listed;
        // A tool's definition may be another one than that which was approved.
        if (list === "tools") return this.maySee(actor, live, item.name) ? live.link.shown(item) : null;
        const [kind, name] =
          list === "prompts"
            ? (["prompts", item.name] as const)
            : (["resources", list === "resources" ? item.uri : item.uriTemplate] as const);
        const isAllowed =
          typeof name === "string" && this.allows(actor, live.server.id, kind, [templateAsUri(name)]);
        if (!isAllowed) return null;
        return texts ? item : withoutTexts(listed);
      },
    };
  }

  /** Whether a notification or request of a server may reach a caller: the rules for the matching request decide. */
  mayHear(actor: Actor, server: string, said: Said): boolean {
    const subject = subjectSaid(said);
    if (subject === null) return false;
    return subject.asks !== "use" || this.allows(actor, server, subject.kind, subject.names);
  }

  /**
   * Lets what is asked of a connected server through, or throws a `GatewayRefusal` that says which rule is against it.
   * Whatever the method: rates hold for all but the protocol's own going on, budget and audit for all that is used.
   */
  async admit(actor: Actor, { server, link }: LiveServer, message: RpcMessage, call: Metered): Promise<void> {
    const subject = subjectOf(message);
    if (subject === null || !isWellSpelt(message.method ?? "")) throw malformed(message.method ?? "");
    // What is refused counts as well: asking for what is not there is no way around.
    this.#pace(call, subject.asks === "protocol" ? protocolShare : 1);
    if (subject.asks !== "use") return;
    const { kind, names } = subject;
    const verdict = this.#table().decide(actor.roles, server.id, kind, names);
    if (!verdict.allowed) throw forbidden(actor, server.id, subject, verdict);
    if (kind === "tools") refuseWithheld(server.id, link, names[0] ?? "");
    call.reservation = await this.#afford(names[0] ?? "", call);
    if (verdict.audit) await this.#audit(actor, server.id, subject, verdict);
    call.audited = verdict.audit;
  }

  /** Counts the list of what all servers have. */
  paceList(actor: Actor): void {
    this.#pace({ actor, server: ownServerId, method: "tools/list", era: "modern", client: null });
  }

  /** The same of a tool of the console itself, which costs nothing. */
  async admitOwn(actor: Actor, tool: string, call: Metered): Promise<void> {
    const verdict = this.#table().decide(actor.roles, ownServerId, "tools", [tool]);
    if (!verdict.allowed) throw noTool(tool);
    this.#pace(call);
    if (verdict.audit)
      await this.#audit(actor, ownServerId, { asks: "use", kind: "tools", names: [tool] }, verdict);
    call.audited = verdict.audit;
  }

  /** Notes how a call ended, and what it cost. */
  meter(call: Metered, startedAt: number, { status, error, responseBytes }: Outcome): void {
    const ending = { ...call, subject: call.tool ?? call.method, error };
    if (call.audited === true && status !== "ok") this.records.failed(ending, status);
    else if (status === "refused") this.records.refused(ending);
    const costUsd = call.dispatched ? call.price : null;
    const subject = toolSubject(call, call.tool);
    const cost = this.#deps.record({
      ...(call.key === undefined ? {} : { key: call.key }),
      subject,
      status,
      error,
      ms: performance.now() - startedAt,
      requestBytes: call.requestBytes,
      responseBytes,
      wasSent: call.dispatched,
      isReserved: call.reservation !== undefined && call.reservation !== null,
      beyond: call.reservation?.beyond ?? [],
      costUsd,
    });
    call.reservation?.settle([{ subject, cost, usage: null }]);
  }

  #table(): AccessTable {
    this.#access.use(this.#deps.policies());
    return this.#access;
  }

  /** `times`: so many messages of the protocol's own going on, such as pings, are let through for each call. */
  #pace(call: Caller, times = 1): void {
    try {
      this.#deps.pace(toolSubject(call, null), times);
    } catch (error) {
      throw refusalOf(error);
    }
  }

  async #afford(tool: string, call: Metered): Promise<Reservation> {
    const nanoUsd = call.price === null ? null : Math.round(call.price * 1e9);
    try {
      return await this.#deps.reserve(toolSubject(call, tool), { nanoUsd, usage: null });
    } catch (error) {
      throw refusalOf(error);
    }
  }

  /** Written before the call is made: what must be recorded does not happen unrecorded. */
  async #audit(actor: Actor, server: string, { kind, names }: Used, { rule }: Verdict): Promise<void> {
    const [name = ""] = names;
    await this.#deps.transaction((_, record) =>
      record({
        actor,
        action: "gateway.called",
        resource: `server:${server}/${name.slice(0, maxRecorded)}`,
        status: "succeeded",
        metadata: {
          rule,
          ...(kind === "tools" ? {} : { kind }),
          ...(names.length > 1 ? { count: names.length } : {}),
        },
      }),
    );
  }
}

type Caller = Pick<Metered, "actor" | "server" | "method" | "era" | "client">;

const subjects = new Shared<CallSubject>(5000);

/** What budgets and reports look at of a call: one object for calls that are alike. */
function toolSubject({ actor, server, method, era, client }: Caller, tool: string | null): CallSubject {
  const [agent, agentVersion] = [client?.name ?? null, client?.version ?? null];
  const { id, name, run } = actor;
  const alike = JSON.stringify([id, name, run, server, tool, method, era, agent, agentVersion]);
  return subjects.of(alike, () => ({
    ...noSubject,
    kind: "tool",
    source: "gateway",
    server,
    tool,
    method,
    era,
    ...calledBy(actor, { agent, agentVersion }),
  }));
}

/** A budget's refusal, as callers of the gateway are told. */
const refusalOf = (error: unknown): unknown =>
  error instanceof Refusal && (error.code === "budget_exceeded" || error.code === "rate_limited")
    ? new GatewayRefusal(error.code, error.detail, error.retryAfter)
    : error;

type Used = Extract<Subject, { asks: "use" }>;

const maxRecorded = 500;
/** A client that works sends a few for each call: what opens a session, asks for the time, or says how far it is. */
const protocolShare = 5;

function refuseWithheld(server: string, link: LiveServer["link"], tool: string): void {
  const judged = link.tool(tool);
  if (judged === undefined) throw unknownTool(server, tool);
  if (judged.reason !== null) throw withheld(server, tool, judged.reason);
}

/** What may not be done with something, by its kind. */
const verbs: Record<Kind, { en: string; ptBR: string }> = {
  tools: { en: "call", ptBR: "chamar" },
  resources: { en: "read", ptBR: "ler" },
  prompts: { en: "get the prompt", ptBR: "obter o prompt" },
  models: { en: "use the model", ptBR: "usar o modelo" },
  methods: { en: "use the method", ptBR: "usar o método" },
};

function forbidden(actor: Actor, server: string, { kind, names }: Used, { rule }: Verdict): GatewayRefusal {
  const where = rule === 0 ? "default" : `rule ${rule}`;
  const roles = actor.roles.join(", ");
  const { en, ptBR } = verbs[kind];
  const name = (names[0] ?? "").slice(0, maxRecorded);
  return new GatewayRefusal(
    kind === "methods" ? "method_denied" : "policy_denied",
    text(
      `policies/access.yaml, ${where}: ${roles} may not ${en} ${name} of ${server}`,
      `policies/access.yaml, ${where}: ${roles} não pode ${ptBR} ${name} de ${server}`,
    ),
  );
}

const malformed = (method: string): GatewayRefusal =>
  new GatewayRefusal(
    "params_denied",
    text(
      `What ${method.slice(0, 200)} is asked for cannot be told. Write method and params as the protocol does`,
      `Não se sabe a que ${method.slice(0, 200)} se refere. Escreva método e params como o protocolo`,
    ),
  );

export const noTool = (name: string): GatewayRefusal =>
  new GatewayRefusal(
    "tool_withheld",
    text(
      `There is no tool ${name.slice(0, 200)} here, or it is not yours to use`,
      `Não há ferramenta ${name.slice(0, 200)} aqui, ou você não pode usá-la`,
    ),
  );

const withheld = (server: string, tool: string, reason: Text): GatewayRefusal =>
  new GatewayRefusal(
    "tool_withheld",
    text(
      `Tool ${tool} of ${server} is withheld: ${reason.en}`,
      `A ferramenta ${tool} de ${server} está retida: ${reason["pt-BR"]}`,
    ),
  );

const unknownTool = (server: string, tool: string): GatewayRefusal =>
  new GatewayRefusal(
    "tool_withheld",
    text(`Server ${server} has no tool ${tool}`, `O servidor ${server} não tem a ferramenta ${tool}`),
  );
