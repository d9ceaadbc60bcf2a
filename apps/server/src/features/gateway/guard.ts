import { type PolicyFile, type Text, text } from "@ciclo/contract";
import type { AuditedTransaction } from "../../db/dialect.ts";
import type { Actor } from "../../domain/actor.ts";
import type { ListedTool, LiveServer } from "../../domain/servers.ts";
import type { BudgetRefusal, UsageEvent } from "../../domain/usage.ts";
import { AccessTable, type Verdict } from "./access.ts";
import type { ClientName } from "./client-names.ts";
import { GatewayRefusal } from "./messages.ts";
import type { CallRates } from "./rates.ts";

export type GuardDeps = {
  transaction: AuditedTransaction;
  /** Policies of the configuration that the links were made for. */
  policies(): ReadonlyMap<string, PolicyFile>;
  rates: CallRates;
  budgetsOf(
    policies: ReadonlyMap<string, PolicyFile>,
    server: string,
  ): { id: string; limits: { calls_per_minute?: number | undefined } }[];
  budgets: {
    refusal(policies: ReadonlyMap<string, PolicyFile>, server: string): BudgetRefusal | null;
    add(server: string, usd: number): void;
  };
  record(event: UsageEvent): void;
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
};

export type Outcome = { status: UsageEvent["status"]; error: string | null; responseBytes: number };

/** Who may call what, how often, and for how much; and what came of it. */
export class Guard {
  readonly #deps: GuardDeps;
  readonly #access = new AccessTable();

  constructor(deps: GuardDeps) {
    this.#deps = deps;
  }

  mayEnter(actor: Actor, server: string): boolean {
    return this.#table().mayEnter(actor.roles, server);
  }

  /** Whether a caller sees a tool in lists: allowed by policy, and as approved. */
  maySee(actor: Actor, { server, link }: LiveServer, tool: string): boolean {
    return link.tool(tool)?.reason === null && this.#table().decide(actor.roles, server.id, tool).allowed;
  }

  /** Whether policy lets a caller use a tool of the console's own server. */
  allows(actor: Actor, server: string, tool: string): boolean {
    return this.#table().decide(actor.roles, server, tool).allowed;
  }

  /** The same of a tool as a server lists it just now, whose definition may be another one. */
  mayShow(actor: Actor, live: LiveServer, listed: ListedTool): boolean {
    return this.maySee(actor, live, listed.name) && live.link.offers(listed);
  }

  /** Lets a tool call of a connected server through, or throws a `GatewayRefusal` that says which rule is against it. */
  async admit(actor: Actor, { server, link }: LiveServer, tool: string): Promise<void> {
    const verdict = this.#table().decide(actor.roles, server.id, tool);
    if (!verdict.allowed) throw forbidden(actor, server.id, tool, verdict);
    const judged = link.tool(tool);
    if (judged === undefined) throw unknownTool(server.id, tool);
    if (judged.reason !== null) throw withheld(server.id, tool, judged.reason);
    this.#spend(actor, server.id);
    if (verdict.audit) await this.#audit(actor, server.id, tool, verdict);
  }

  /** Notes how a call ended, and what it cost. */
  meter(call: Metered, startedAt: number, { status, error, responseBytes }: Outcome): void {
    const costUsd = call.dispatched ? call.price : null;
    if (costUsd !== null) this.#deps.budgets.add(call.server, costUsd);
    this.#deps.record({
      server: call.server,
      tool: call.tool,
      method: call.method,
      actorId: call.actor.id,
      actorName: call.actor.name,
      clientName: call.client?.name ?? null,
      clientVersion: call.client?.version ?? null,
      status,
      error,
      era: call.era,
      ms: performance.now() - startedAt,
      requestBytes: call.requestBytes,
      responseBytes,
      costUsd,
    });
  }

  #table(): AccessTable {
    this.#access.use(this.#deps.policies());
    return this.#access;
  }

  /** Rates and budgets, in the order in which they cost the least to ask. */
  #spend(actor: Actor, server: string): void {
    const { rates, budgetsOf, budgets, policies } = this.#deps;
    for (const { id, limits } of budgetsOf(policies(), server)) {
      if (limits.calls_per_minute === undefined) continue;
      const wait = rates.take(`${actor.id ?? actor.name} ${id}`, limits.calls_per_minute);
      if (wait > 0) throw tooMany(id, limits.calls_per_minute, wait);
    }
    const refusal = budgets.refusal(policies(), server);
    if (refusal !== null) throw new GatewayRefusal("budget_exceeded", refusal.detail);
  }

  /** Written before the call is made: what must be recorded does not happen unrecorded. */
  async #audit(actor: Actor, server: string, tool: string, { rule }: Verdict): Promise<void> {
    await this.#deps.transaction((_, record) =>
      record({
        actor,
        action: "gateway.called",
        resource: `server:${server}/${tool}`,
        status: "succeeded",
        metadata: { rule },
      }),
    );
  }
}

const forbidden = (actor: Actor, server: string, tool: string, { rule }: Verdict): GatewayRefusal => {
  const where = rule === 0 ? "default" : `rule ${rule}`;
  const roles = actor.roles.join(", ");
  return new GatewayRefusal(
    "policy_denied",
    text(
      `policies/access.yaml, ${where}: ${roles} may not call ${tool} of ${server}`,
      `policies/access.yaml, ${where}: ${roles} não pode chamar ${tool} de ${server}`,
    ),
  );
};

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

const tooMany = (policy: string, perMinute: number, wait: number): GatewayRefusal =>
  new GatewayRefusal(
    "rate_limited",
    text(
      `policies/${policy}.yaml, limits.calls_per_minute: over ${perMinute} calls a minute. Try again in ${wait} s`,
      `policies/${policy}.yaml, limits.calls_per_minute: mais de ${perMinute} chamadas por minuto. Tente de novo em ${wait} s`,
    ),
    wait,
  );
