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
import type { AuditedTransaction } from "../../db/dialect.ts";
import { Refusal, Rerouted } from "../../errors.ts";
import type { HoldAnswer } from "../../domain/access.ts";
import type { Actor } from "../../domain/actor.ts";
import { namesByAnswer } from "../../domain/likeness.ts";
import type { MeteredCall, Pace, Reservation, Reserve } from "../../domain/usage.ts";
import { withBuffer } from "../../lib/buffered.ts";
import { Callers, type CallersDeps, type Known } from "../../lib/callers.ts";
import { stamp } from "../../lib/clock.ts";
import { newSequentialId } from "../../lib/ids.ts";
import type { Logger } from "../../lib/logger.ts";
import { type Mask, maskValues } from "../../lib/mask-values.ts";
import { discard, isMeantForUs, readBody } from "../../lib/node-http.ts";
import type { OwnAddresses } from "../../lib/own-addresses.ts";
import { sendModelRefusal } from "./answers.ts";
import { agentOf, attemptOf, sessionsOf, subjectOf, tokenOf } from "./caller.ts";
import { mostUsed } from "./outcome.ts";
import { type Call, metered, recordCall, type RecordDeps } from "./records.ts";
import {
  brokeHere,
  noAnswer,
  notOffered,
  notOurs,
  packed,
  redirected,
  tooLarge,
  unreached,
} from "./refusals.ts";
import { Retries } from "./retries.ts";
import { askingModel, readAsked } from "./asked.ts";
import { type Forwarded, forward } from "./forward.ts";
import { Listener } from "./heard.ts";
import { isMetered, type ModelPath, modelPathOf, modelRoot } from "./paths.ts";
import { credentialOf, type Provider, providerFor } from "./providers.ts";

export type EndpointDeps = CallersDeps &
  OwnAddresses &
  RecordDeps & {
    policies(): ReadonlyMap<string, PolicyFile>;
    /** Ids of policies that are there but cannot be used. */
    unusable(): ReadonlySet<string>;
    accessVerdict(
      policy: PolicyOf<"access"> | null,
      roles: readonly Role[],
      server: string,
      kind: "models",
      name: string,
    ): { allowed: boolean; audit: boolean; rule: number };
    transaction: AuditedTransaction;
    pace: Pace;
    reserve: Reserve;
    /** Who was given an answer, and its tokens, by the name that its id gives a call; null where the ledger knows no such call. */
    callerOf(name: string): Promise<{ actorId: string | null; tokens: number } | null>;
    /** A key, as it is in use now. Throws a `Refusal` where there is none. */
    openKey(reference: string): Promise<OpenKey>;
    /** Connections to providers, within what the network policy allows. Throws a `Refusal` for one that it does not. */
    connect(url: URL): Promise<Dispatcher>;
    /** Takes note of a call that is about to be made. Never rejects. */
    begin(call: MeteredCall): Promise<void>;
    hold: HoldAnswer;
    logger: Logger;
  };

/** A key's value, and what hides it in what comes back. */
export type OpenKey = { value: string; mask: Mask };

type Asking = { request: IncomingMessage; known: Known; startedAt: number };
type Admitted = { call: Call; body: Buffer | null; reservation: Reservation | null };

/** Providers take requests of up to 32 MB; what is larger is refused here, and by them. */
const maxBodyBytes = 40 * 1024 * 1024;
/** Models think for long before they say anything. */
const timeoutMs = 600_000;
const nothingHidden = maskValues([]);
/** `/llm/*`: models of the providers, with the console's keys. Each call is let in by policy, metered at the wire, and held to its budget. */
export class ModelEndpoint {
  readonly #deps: EndpointDeps;
  readonly #callers: Callers;
  readonly #retries = new Retries();

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
    if (request.method === "POST" && sent === null) throw tooLarge(maxBodyBytes);
    const {
      call,
      body: passed,
      reservation,
    } = await this.#admitted({ request, known, startedAt }, path, sent);
    await this.#pass({ request, response, known, call, body: passed, reservation });
  }

  /** A call that is let through; of a run that was sent to another model, the same call of that one. */
  async #admitted(from: Asking, path: ModelPath, sent: Buffer | null): Promise<Admitted> {
    const first = this.#call(from, path, sent);
    const { actor } = from.known;
    try {
      return { ...first, reservation: await this.#admit(actor, first.call, true) };
    } catch (error) {
      const isRefused = error instanceof Refusal && !(error instanceof Rerouted);
      if (isRefused && isMetered(path)) this.#refused(first.call, error);
      if (!(error instanceof Rerouted) || sent === null) throw error;
      return await this.#rerouted(from, first.call, sent, error);
    }
  }

  async #rerouted(from: Asking, asked: Call, sent: Buffer, to: Rerouted): Promise<Admitted> {
    try {
      const other = askingModel(asked.path, sent, to.model);
      const second = this.#call(from, other.path, other.body);
      // The configuration may have changed since somebody decided.
      if (second.call.provider.id !== asked.provider.id)
        throw new Refusal(to.code, to.detail, { quiet: true });
      return { ...second, reservation: await this.#admit(from.known.actor, second.call, false) };
    } catch (error) {
      if (error instanceof Refusal) this.#refused(asked, error);
      throw error;
    }
  }

  #call({ request, known, startedAt }: Asking, path: ModelPath, sent: Buffer | null) {
    const asked = sent !== null && path.use !== "retrieve" ? readAsked(path, sent) : null;
    const model = asked?.model ?? path.model;
    const provider = providerFor(this.#deps.policies(), this.#deps.unusable(), path.dialect, model);
    const call: Call = {
      key: `endpoint:${newSequentialId()}`,
      path,
      provider,
      asked,
      subject: subjectOf(request, path, provider, model, known.actor),
      program: agentOf(request).agent,
      session: sessionsOf(request)[0] ?? null,
      attempt: attemptOf(request),
      sessions: sessionsOf(request),
      startedAt,
      requestBytes: sent?.length ?? 0,
    };
    return { call, body: asked?.body ?? sent };
  }

  /** Lets a call through, with what is set aside for it. Throws a `Refusal`. */
  async #admit(actor: Actor, call: Call, isFirst: boolean): Promise<Reservation | null> {
    const { path, asked, provider, subject } = call;
    let reservation: Reservation | null = null;
    try {
      const verdict = this.#allow(actor, provider, asked?.model ?? path.model);
      call.context = await this.#mustOwn(actor, path.answer ?? asked?.continues ?? null);
      // Asked of another model it is the same call.
      if (isFirst) this.#deps.pace(subject);
      if (asked !== null && isMetered(path))
        reservation = await this.#deps.reserve(subject, {
          nanoUsd: null,
          usage: mostUsed(asked, call.requestBytes, call.context),
          canReroute: isFirst && path.use === "generate",
        });
      if (verdict.audit) await this.#audit(actor, call, verdict.rule);
      return reservation;
    } catch (error) {
      reservation?.settle([]);
      throw error;
    }
  }

  #refused(call: Call, { detail }: Refusal): void {
    this.#deps.record({
      ...metered(call, stamp(this.#deps.clock())),
      status: "refused",
      error: detail.en,
      cost: { nanoUsd: null, source: "none", version: null },
    });
  }

  async #caller(request: IncomingMessage): Promise<Known> {
    const authorization = tokenOf(request);
    return (
      this.#callers.known(authorization) ??
      (await this.#callers.ask(authorization, request.socket.remoteAddress ?? "local"))
    );
  }

  #allow(actor: Actor, provider: Provider, model: string | null): { audit: boolean; rule: number } {
    const { accessVerdict, policies } = this.#deps;
    const policy = policyOf(policies(), "access");
    const decide = (name: string) => accessVerdict(policy, actor.roles, provider.id, "models", name);
    // Who may use some model may see which there are.
    const verdicts = (model === null ? modelsNamed(policy) : [model]).map(decide);
    const verdict = verdicts.find(({ allowed }) => allowed) ?? verdicts[0] ?? decide("*");
    if (verdict.allowed) return verdict;
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

  /** Answers that a provider keeps are for whoever asked for them: all share the console's key. Returns the tokens of one. */
  async #mustOwn(actor: Actor, answer: string | null): Promise<number> {
    if (answer === null) return 0;
    const [name] = namesByAnswer(answer);
    const found = name === undefined ? null : await this.#deps.callerOf(name);
    if (found === null || found.actorId === null || found.actorId !== actor.id) throw noAnswer(answer);
    return found.tokens;
  }

  /** Written before the call is made: what must be recorded does not happen unrecorded. */
  async #audit(actor: Actor, { key, path, provider, subject }: Call, rule: number): Promise<void> {
    await this.#deps.transaction((_, record) =>
      record({
        actor,
        action: "model.called",
        resource: `model:${provider.id}/${subject.model ?? ""}`,
        status: "succeeded",
        metadata: { rule, method: path.method, call: key },
      }),
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
    const { connect, openKey, hold } = this.#deps;
    let ended: Forwarded | null = null;
    this.#retries.begin(call, of.body);
    const letGo = hold({
      recheck: async () =>
        void (await this.#callers.ask(tokenOf(request), request.socket.remoteAddress ?? "local")),
      until: of.known.until,
      end: () => response.destroy(),
    });
    try {
      if (isMetered(path)) await this.#deps.begin(metered(call, stamp(this.#deps.clock())));
      const url = new URL(`${provider.url.replace(/\/$/, "")}${path.path}`);
      // No key is opened for where it may not go.
      const agent = await connect(url);
      const key = provider.key === undefined ? null : await openKey(provider.key);
      ended = await forward(
        {
          agent,
          url,
          method: request.method as "POST",
          body: of.body,
          headers: request.headers,
          credentials: key === null ? {} : credentialOf(path.dialect, key.value),
          mask: key?.mask ?? nothingHidden,
          refuse: (status, encoding) =>
            status >= 300 && status < 400
              ? redirected(provider, status)
              : encoding !== null && encoding !== "identity"
                ? packed(provider, encoding)
                : null,
          timeoutMs,
          listener: new Listener(path.dialect),
          dropsUsage: asked?.addedUsage ?? false,
          requestId: `req_${newSequentialId().replaceAll("-", "")}`,
        },
        response,
      );
    } finally {
      letGo();
      this.#retries.ended(call, of.body, ended);
      const paid = recordCall(this.#deps, call, ended, reservation);
      reservation?.settle(paid);
    }
    if (ended.kind === "failed") throw unreached(provider, ended.error);
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
    discard(request);
  }
}

/** A name for each pattern of models that rules speak of. */
const modelsNamed = (policy: PolicyOf<"access"> | null): string[] =>
  (policy?.rules ?? []).flatMap(({ models }) => models.map((pattern) => pattern.replaceAll("*", "")));

/** Codex and Copilot try a WebSocket first; after 426 they post at once, after anything else they try for seconds. */
function upgradeRefused(response: ServerResponse): void {
  response.writeHead(426, { connection: "close", upgrade: "HTTP/1.1", "content-length": 0 }).end();
}
