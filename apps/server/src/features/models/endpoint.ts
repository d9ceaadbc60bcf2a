import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type ModelDialect,
  negotiateLocale,
  type PolicyFile,
  policyOf,
  type PolicyOf,
  type Role,
  text,
} from "@ciclo/contract";
import type { Dispatcher } from "undici";
import { Refusal } from "../../errors.ts";
import type { HoldAnswer } from "../../domain/access.ts";
import type { Actor } from "../../domain/actor.ts";
import { estimateTokens } from "../../domain/estimates.ts";
import { type ModelUsage, noTokens } from "../../domain/tokens.ts";
import type { CallStatus, CallSubject, Cost, MeteredCall } from "../../domain/usage.ts";
import { withBuffer } from "../../lib/buffered.ts";
import { Callers, type CallersDeps, type Known } from "../../lib/callers.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { newSequentialId } from "../../lib/ids.ts";
import type { Logger } from "../../lib/logger.ts";
import { isMeantForUs, readBody } from "../../lib/node-http.ts";
import type { OwnAddresses } from "../../lib/own-addresses.ts";
import { sendModelRefusal } from "./answers.ts";
import { type Asked, readAsked } from "./asked.ts";
import { type Forwarded, forward } from "./forward.ts";
import { Listener } from "./heard.ts";
import { type ModelPath, modelPathOf, modelRoot } from "./paths.ts";
import { credentialOf, type Provider, providerFor } from "./providers.ts";

/** What a call may spend is set aside until it has ended. */
export type Reservation = {
  /** `cost` is null where it is not known what the call cost: what was set aside is taken for it. */
  settle(cost: Cost): void;
};

export type EndpointDeps = CallersDeps &
  OwnAddresses & {
    policies(): ReadonlyMap<string, PolicyFile>;
    /** Ids of policies that are there but cannot be used. */
    unusable(): ReadonlySet<string>;
    accessVerdict(
      policy: PolicyOf<"access"> | null,
      roles: readonly Role[],
      server: string,
      kind: "models",
      name: string,
    ): { allowed: boolean; rule: number };
    /** Refuses a call whose budget is spent, and sets aside what it may cost at most. */
    reserve(subject: CallSubject, most: ModelUsage): Promise<Reservation>;
    /** The value of a key, as it is in use now. Throws a `Refusal` where there is none. */
    revealKey(reference: string): Promise<string>;
    /** Connections to providers, within what the network policy allows. Throws a `Refusal` for one that it does not. */
    connect(url: URL): Promise<Dispatcher>;
    /** Takes in a call that has ended. Returns it with its price. */
    record(call: MeteredCall): Cost;
    hold: HoldAnswer;
    clock: Clock;
    logger: Logger;
  };

/** Providers take requests of up to 32 MB; what is larger is refused here, and by them. */
const maxBodyBytes = 40 * 1024 * 1024;
/** Models think for long before they say anything. */
const timeoutMs = 600_000;
/** What a model may write where nobody says how much: what budgets set aside. */
const outputUnlessSaid = 4096;

type Call = {
  path: ModelPath;
  provider: Provider;
  asked: Asked | null;
  subject: CallSubject;
  session: string | null;
  startedAt: number;
  requestBytes: number;
};

/** `/llm/*`: models of the providers, with the console's keys. Each call is let in by policy, metered at the wire, and held to its budget. */
export class ModelEndpoint {
  readonly #deps: EndpointDeps;
  readonly #callers: Callers;

  constructor(deps: EndpointDeps) {
    this.#deps = deps;
    this.#callers = new Callers(deps);
  }

  accessChanged(): void {
    this.#callers.forget();
  }

  /** Answers a request below `/llm/`. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await withBuffer((buffered) =>
        this.#answer(request, response, (most) => readBody(request, most, buffered)),
      );
    } catch (error) {
      this.#refuse(request, response, error);
    }
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    body: (mostBytes: number) => Promise<Buffer | null>,
  ): Promise<void> {
    if (!isMeantForUs(request, this.#deps)) throw new Refusal("policy_denied", notOurs);
    if (request.headers.upgrade !== undefined) return upgradeRefused(response);
    const known = await this.#caller(request);
    const path = modelPathOf(request.method ?? "", request.url ?? "");
    if (path === null) throw notOffered(request);
    const startedAt = performance.now();
    const sent = request.method === "POST" ? await body(maxBodyBytes) : null;
    if (request.method === "POST" && sent === null) throw tooLarge();
    const asked = sent !== null && path.use !== "retrieve" ? readAsked(path, sent) : null;
    if (asked !== null && "problem" in asked) throw unreadable(asked.problem);
    const model = asked?.model ?? path.model;
    const provider = providerFor(this.#deps.policies(), this.#deps.unusable(), path.dialect, model);
    this.#allow(known.actor, provider, model);
    const subject = subjectOf(request, path, provider, model, known.actor);
    const call: Call = {
      path,
      provider,
      asked,
      subject,
      session: sessionOf(request),
      startedAt,
      requestBytes: sent?.length ?? 0,
    };
    const reservation =
      asked !== null && isMetered(path)
        ? await this.#deps.reserve(subject, mostOf(asked, call.requestBytes))
        : null;
    await this.#pass({ request, response, known, call, body: asked?.body ?? sent, reservation });
  }

  async #caller(request: IncomingMessage): Promise<Known> {
    const authorization = tokenOf(request);
    return (
      this.#callers.known(authorization) ??
      (await this.#callers.ask(authorization, request.socket.remoteAddress ?? "local"))
    );
  }

  #allow(actor: Actor, provider: Provider, model: string | null): void {
    const { accessVerdict, policies } = this.#deps;
    const policy = policyOf(policies(), "access");
    const decide = (name: string) => accessVerdict(policy, actor.roles, provider.id, "models", name);
    // Who may use some model may see which there are.
    const verdicts = (model === null ? modelsNamed(policy) : [model]).map(decide);
    const verdict = verdicts.find(({ allowed }) => allowed) ?? verdicts[0] ?? decide("*");
    if (verdict.allowed) return;
    const where = verdict.rule === 0 ? "default" : `rule ${verdict.rule}`;
    const roles = actor.roles.join(", ");
    throw new Refusal(
      "policy_denied",
      text(
        `policies/access.yaml, ${where}: ${roles} may not use the model ${model ?? "*"} of ${provider.id}`,
        `policies/access.yaml, ${where}: ${roles} não pode usar o modelo ${model ?? "*"} de ${provider.id}`,
      ),
    );
  }

  async #pass(of: {
    request: IncomingMessage;
    response: ServerResponse;
    known: Known;
    call: Call;
    body: Buffer | null;
    reservation: Reservation | null;
  }): Promise<void> {
    const { request, response, call, reservation } = of;
    const { path, provider, asked } = call;
    const { connect, revealKey, hold } = this.#deps;
    let ended: Forwarded | null = null;
    const letGo = hold({
      recheck: async () =>
        void (await this.#callers.ask(tokenOf(request), request.socket.remoteAddress ?? "local")),
      until: of.known.until,
      end: () => response.destroy(),
    });
    try {
      const url = new URL(`${provider.url.replace(/\/$/, "")}${path.path}`);
      // No key is opened for where it may not go.
      const agent = await connect(url);
      const credentials =
        provider.key === undefined ? {} : credentialOf(path.dialect, await revealKey(provider.key));
      ended = await forward(
        {
          agent,
          url,
          method: request.method as "POST",
          body: of.body,
          headers: request.headers,
          credentials,
          timeoutMs,
          listener: new Listener(path.dialect),
          dropsUsage: asked?.addedUsage ?? false,
          requestId: `req_${newSequentialId().replaceAll("-", "")}`,
        },
        response,
      );
    } finally {
      letGo();
      const cost = this.#record(call, ended);
      reservation?.settle(cost);
    }
    if (ended.kind === "failed") throw unreached(provider, ended.error);
  }

  /** Puts what came of a call into the ledger: a row for each attempt that the provider bills. */
  #record(call: Call, ended: Forwarded | null): Cost {
    const told = usageOf(call, ended);
    const settles = call.path.use === "retrieve";
    // What is asked for again and says nothing new is no call of a model.
    if (settles && (told[0]?.usage ?? null) === null) return none;
    let total: Cost = { nanoUsd: null, source: "none", version: null };
    const key = `endpoint:${newSequentialId()}`;
    for (const [index, { usage, isEstimate = false, cost }] of told.entries()) {
      const isFirst = index === 0;
      const one = this.#deps.record({
        subject: { ...call.subject, model: usage?.model ?? ended?.heard.model ?? call.subject.model },
        key: isFirst ? key : `${key}#${index}`,
        aliases: aliasesOf(ended, index),
        at: stamp(this.#deps.clock()),
        session: call.session,
        operation: told.length > 1 ? key : null,
        attempt: index + 1,
        status: statusOf(ended),
        error: ended?.error?.message ?? ended?.heard.problem ?? null,
        ms: isFirst ? performance.now() - call.startedAt : null,
        requestBytes: isFirst ? call.requestBytes : 0,
        responseBytes: isFirst ? (ended?.bytes ?? 0) : 0,
        usage,
        settles,
        isEstimate,
        cost,
      });
      total = added(total, one);
    }
    return total;
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    let refusal = error;
    if (!(refusal instanceof Refusal)) {
      this.#deps.logger.error({ err: error }, "a call of a model failed");
      refusal = new Refusal("internal", brokeHere);
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const said = request.headers["accept-language"];
    const dialect = (request.url ?? "").slice(modelRoot.length).split("/", 1)[0] as ModelDialect;
    sendModelRefusal(
      response,
      dialect,
      refusal as Refusal,
      negotiateLocale(typeof said === "string" ? said : undefined),
    );
    request.resume();
  }
}

/** The caller's token, wherever clients of the three APIs put it, as an `Authorization` header. */
function tokenOf({ headers, url = "" }: IncomingMessage): string | undefined {
  if (headers.authorization !== undefined) return headers.authorization;
  const key = headers["x-api-key"] ?? headers["x-goog-api-key"] ?? /[?&]key=([^&]+)/.exec(url)?.[1];
  return typeof key === "string" ? `Bearer ${key}` : undefined;
}

/** How agents name a session; Claude Code, Codex, opencode. */
function sessionOf({ headers }: IncomingMessage): string | null {
  const said = headers["x-claude-code-session-id"] ?? headers["session-id"] ?? headers["x-session-id"];
  return typeof said === "string" && said !== "" ? said.slice(0, 200) : null;
}

/** Agents by how their programs name themselves; `findings` and docs say who names itself otherwise. */
const agents: readonly (readonly [RegExp, string])[] = [
  [/^claude-(?:cli|code)\//, "claude-code"],
  [/^codex/, "codex"],
  [/^GeminiCLI/, "gemini-cli"],
  [/^QwenCode\//, "qwen-code"],
  [/^opencode\//, "opencode"],
  [/^copilot/i, "copilot-cli"],
];

function agentOf({ headers }: IncomingMessage): { agent: string | null; agentVersion: string | null } {
  const said = headers["user-agent"] ?? "";
  const named = agents.find(([form]) => form.test(said))?.[1] ?? said.split(/[/ (]/, 1)[0] ?? "";
  const version = /\/v?(\d[\w.-]*)/.exec(said)?.[1] ?? null;
  return { agent: named === "" ? null : named.slice(0, 100), agentVersion: version };
}

function subjectOf(
  request: IncomingMessage,
  path: ModelPath,
  provider: Provider,
  model: string | null,
  actor: Actor,
): CallSubject {
  return {
    kind: "model",
    source: "endpoint",
    server: null,
    tool: null,
    method: path.method,
    era: null,
    provider: provider.prices ?? provider.id,
    model,
    actorId: actor.id,
    actorName: actor.name,
    ...agentOf(request),
    run: null,
    phase: null,
    pullRequest: null,
    sprint: null,
  };
}

const isMetered = ({ use }: ModelPath): boolean => use === "generate" || use === "embed";

/** A name for each pattern of models that rules speak of. */
const modelsNamed = (policy: PolicyOf<"access"> | null): string[] =>
  (policy?.rules ?? []).flatMap(({ models }) => models.map((pattern) => pattern.replaceAll("*", "")));

/** The most that a call may use: what it brings, and all that the model may write. */
const mostOf = ({ maxOutput }: Asked, bytes: number): ModelUsage => ({
  tokens: { ...noTokens, input: estimateTokens(bytes), output: maxOutput ?? outputUnlessSaid },
  webSearches: 0,
  otherModality: 0,
  model: null,
  tier: null,
});

const none: Cost = { nanoUsd: null, source: "none", version: null };
const unknown: Cost = { nanoUsd: null, source: "unknown", version: null };

type Told = { usage: ModelUsage | null; isEstimate?: boolean; cost: Cost | null };

/** What a call used: as its provider says, or as far as can be told where it says nothing. */
function usageOf({ path, requestBytes }: Call, ended: Forwarded | null): Told[] {
  if (ended === null || !ended.wasSent) return [{ usage: null, cost: none }];
  const { heard, status } = ended;
  const isAnswer = status !== null && status < 300;
  if (heard.usage !== null && isAnswer) {
    const isWhole = heard.isWhole && ended.kind === "answered";
    const [first, ...others] = heard.usage;
    if (first === undefined) return [{ usage: null, cost: unknown }];
    const provided: Cost | null =
      heard.costUsd === null
        ? null
        : { nanoUsd: Math.round(heard.costUsd * 1e9), source: "provider", version: null };
    const head: Told = isWhole
      ? { usage: first, cost: provided }
      : { usage: atLeast(first, heard.textBytes), isEstimate: true, cost: null };
    return [head, ...others.map((usage) => ({ usage, cost: null }))];
  }
  // What answers with an error, and what uses no tokens, costs nothing.
  if (!isMetered(path) || (status !== null && !isAnswer)) return [{ usage: null, cost: none }];
  if (!isAnswer || (heard.textBytes === 0 && path.use === "generate"))
    return [{ usage: null, cost: unknown }];
  const tokens = {
    ...noTokens,
    input: estimateTokens(requestBytes),
    output: estimateTokens(heard.textBytes),
  };
  return [
    {
      usage: { tokens, webSearches: 0, otherModality: 0, model: null, tier: null },
      isEstimate: true,
      cost: null,
    },
  ];
}

/** Usage of an answer that broke off: what its beginning said, and what was delivered. */
function atLeast(usage: ModelUsage, textBytes: number): ModelUsage {
  const output = Math.max(usage.tokens.output, estimateTokens(textBytes));
  return { ...usage, tokens: { ...usage.tokens, output } };
}

function statusOf(ended: Forwarded | null): CallStatus {
  if (ended === null) return "error";
  if (ended.kind === "cancelled") return ended.status === null ? "cancelled" : "partial";
  if (ended.kind === "broken") return "partial";
  if (ended.kind === "failed" || (ended.status ?? 500) >= 400) return "error";
  return "ok";
}

function aliasesOf(ended: Forwarded | null, index: number): string[] {
  if (ended === null) return [];
  const more = index === 0 ? "" : `#${index}`;
  const { id } = ended.heard;
  // Some servers give ids that come again after a few hundred calls.
  const response = id === null || id.length < shortestId ? [] : [`response:${id}${more}`];
  return ended.requestId === null ? response : [...response, `request:${ended.requestId}${more}`];
}

const shortestId = 16;

const added = (a: Cost, b: Cost): Cost =>
  a.nanoUsd === null
    ? b
    : b.nanoUsd === null
      ? a
      : { nanoUsd: a.nanoUsd + b.nanoUsd, source: a.source, version: a.version };

/** Codex and Copilot try a WebSocket first; after 426 they post at once, after anything else they try for seconds. */
function upgradeRefused(response: ServerResponse): void {
  response.writeHead(426, { connection: "close", upgrade: "HTTP/1.1", "content-length": 0 }).end();
}

const notOurs = text("Host or Origin is not this console's", "Host ou Origin não é desta console");
const brokeHere = text(
  "Something broke here, not in your call; see the console's log",
  "Algo falhou aqui, não na sua chamada; veja o log da console",
);

const notOffered = ({ method, url = "" }: IncomingMessage): Refusal => {
  const path = (url.split("?", 1)[0] ?? "").slice(0, 200);
  return new Refusal(
    "not_found",
    text(
      `${method} ${path} is not offered here: only what can be metered is passed on (chat completions, responses, embeddings, messages, generateContent, counting of tokens, lists of models)`,
      `${method} ${path} não é oferecido aqui: só passa o que pode ser medido (chat completions, responses, embeddings, messages, generateContent, contagem de tokens, listas de modelos)`,
    ),
  );
};

const tooLarge = (): Refusal =>
  new Refusal(
    "too_large",
    text(
      `The body is over ${maxBodyBytes / 1_048_576} MB`,
      `O corpo passa de ${maxBodyBytes / 1_048_576} MB`,
    ),
  );

const unreadable = (problem: "json" | "model"): Refusal =>
  new Refusal(
    "invalid_payload",
    problem === "json"
      ? text("The body is no JSON object", "O corpo não é um objeto JSON")
      : text("The body names no model", "O corpo não nomeia um modelo"),
  );

const unreached = ({ id }: Provider, error: Error | null): Refusal => {
  if (error instanceof Refusal) return error;
  const code = error !== null && "code" in error ? String(error.code) : "";
  return new Refusal(
    "upstream_failed",
    text(
      `The provider ${id} did not answer${code === "" ? "" : ` (${code})`}. Try again; if it stays so, ask an admin to look at policies/models.yaml`,
      `O provedor ${id} não respondeu${code === "" ? "" : ` (${code})`}. Tente de novo; se persistir, peça a um admin para ver policies/models.yaml`,
    ),
    { cause: error },
  );
};
