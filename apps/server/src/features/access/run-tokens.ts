import {
  type IssuedRunToken,
  type NewRunToken,
  newRunTokenSchema,
  runTokenPrefix,
  permits,
  type RunToken,
  text,
} from "@ciclo/contract";
import type { AuditedTransaction, Queries } from "../../db/dialect.ts";
import type { Authenticated } from "../../domain/access.ts";
import { type Actor, type RunContext, system } from "../../domain/actor.ts";
import { fieldError, invalidPayload, notFound, Refusal } from "../../errors.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { hashToken, newToken } from "../../lib/crypto.ts";
import { newId } from "../../lib/ids.ts";
import { isActive, unauthenticated } from "./rules.ts";
import * as store from "./run-tokens-store.ts";
import { findSession, findUser, lockAdmins } from "./store.ts";

export type RunTokensDeps = { queries: Queries; transaction: AuditedTransaction; clock: Clock };

export type RunTokensService = {
  /** A user's own live tokens; those of everybody for an admin. */
  list(actor: Actor): Promise<RunToken[]>;
  /** Makes a token that acts as the user who asks, no longer than that user's own token does. */
  create(who: Authenticated, request: NewRunToken): Promise<IssuedRunToken>;
  /** Makes a token for work that the console does for a user who asked for it; it lives for so many minutes, and is ended behind it. */
  withToken<T>(
    of: { userId: string; context: RunContext; minutes: number },
    work: (token: string) => Promise<T>,
  ): Promise<T>;
  /** Ends one's own token, or anybody's as an admin. */
  end(actor: Actor, id: string): Promise<RunToken>;
  /** Ends all tokens of one run of a user, in the transaction of whoever stops that run and records it. */
  endOf(queries: Queries, of: { userId: string; run: string }): Promise<void>;
};

const defaultMs = 3_600_000;
const mostMs = 24 * 3_600_000;
const mostLive = 1000;
/** A run that was stopped stays so for a week. */
const stoppedMs = 7 * 24 * 3_600_000;

export const isRunToken = (token: string): boolean => token.startsWith(runTokenPrefix);

/** What a stored token says of the calls that are made with it. */
export const contextOf = (token: store.StoredRunToken): RunContext => ({
  run: token.run,
  phase: token.phase,
  pullRequest: token.pull_request,
  sprint: token.sprint,
  agent: token.agent,
});

export function createRunTokens({ queries, transaction, clock }: RunTokensDeps): RunTokensService {
  return {
    async list({ id, roles }) {
      const seesAll = permits(roles, "manage_access");
      const tokens = await store.liveRunTokens(queries, stamp(clock()), seesAll ? undefined : (id ?? ""));
      return tokens.map((token) => present(token, token.user_name));
    },
    create: (who, request) => createOwn({ transaction, clock }, who, request),
    async withToken({ userId, context, minutes }, work) {
      const secret = await tokenFor({ transaction, clock }, userId, context, minutes);
      try {
        return await work(secret);
      } finally {
        await store.deleteRunToken(queries, "token_hash", hashToken(secret));
      }
    },
    async endOf(on, { userId, run }) {
      // A token that is being made at the same moment is either there already, or will not be.
      await lockAdmins(on);
      await store.endRunTokens(on, userId, run);
    },
    end: (actor, id) =>
      transaction(async (on, record) => {
        const token = await store.findRunToken(on, "id", id);
        const user = token && (await findUser(on, "id", token.user_id));
        const isTheirs = user?.id === actor.id || permits(actor.roles, "manage_access");
        // Somebody else's is as unknown as one that does not exist.
        if (token === undefined || user === undefined || !isTheirs || token.expires_at <= stamp(clock()))
          throw unknown(id);
        await store.deleteRunToken(on, "id", id);
        await record({
          actor,
          action: "token.run_ended",
          resource: `run_token:${id}`,
          status: "succeeded",
          metadata: { ...said(token), user: user.email },
        });
        return present(token, user.name);
      }),
  };
}

/** A person's own token of a run. */
async function createOwn(
  { transaction, clock }: Pick<RunTokensDeps, "transaction" | "clock">,
  who: Authenticated,
  request: NewRunToken,
): Promise<IssuedRunToken> {
  const { actor, user } = who;
  const { run, phase, pull_request, sprint, agent, expires_at } = newRunTokenSchema.parse(request);
  const now = clock();
  const secret = `${runTokenPrefix}${newToken()}`;
  const token: store.StoredRunToken = {
    token_hash: hashToken(secret),
    id: newId(),
    user_id: user.id,
    run,
    phase: phase ?? null,
    pull_request: pull_request ?? null,
    sprint: sprint ?? null,
    agent: agent ?? null,
    created_at: stamp(now),
    expires_at: endOf(expires_at, now, user.token_expires_at),
  };
  await transaction(async (on, record) => {
    // Whoever lost their access a moment ago takes none with them.
    await lockAdmins(on);
    if (!(await mayStill(on, who))) throw unauthenticated();
    const since = stamp(new Date(now.getTime() - stoppedMs));
    const by = await store.stoppedBy(on, { userId: user.id, run, since });
    if (by !== undefined) throw wasStopped(run, by);
    if ((await store.countRunTokens(on, user.id, token.created_at)) >= mostLive) throw tooMany();
    await store.insertRunToken(on, token);
    await record({
      actor,
      action: "token.run_created",
      resource: `run_token:${token.id}`,
      status: "succeeded",
      metadata: said(token),
    });
  });
  return { ...present(token, user.name), token: secret };
}

/** Makes a token for work that the console does for a user. Throws a `Refusal` where they may not use the console any more. */
async function tokenFor(
  { transaction, clock }: Pick<RunTokensDeps, "transaction" | "clock">,
  userId: string,
  context: RunContext,
  minutes: number,
): Promise<string> {
  const secret = `${runTokenPrefix}${newToken()}`;
  const now = clock();
  const token: store.StoredRunToken = {
    token_hash: hashToken(secret),
    id: newId(),
    user_id: userId,
    run: context.run,
    phase: context.phase,
    pull_request: context.pullRequest,
    sprint: context.sprint,
    agent: context.agent,
    created_at: stamp(now),
    expires_at: stamp(new Date(now.getTime() + minutes * 60_000)),
  };
  await transaction(async (on, record) => {
    await lockAdmins(on);
    const user = await findUser(on, "id", userId);
    if (user === undefined || !isActive(user)) throw mayNoMore(user?.name ?? userId);
    // Of a console that was killed: nobody knows that token any more.
    await store.endRunTokens(on, userId, context.run);
    await store.insertRunToken(on, token);
    await record({
      actor: system,
      action: "token.run_created",
      resource: `run_token:${token.id}`,
      status: "succeeded",
      metadata: { ...said(token), user: user.email },
    });
  });
  return secret;
}

/** Whether what a request came in by still holds. */
async function mayStill(on: Queries, { user, session, tokenHash }: Authenticated): Promise<boolean> {
  const now = await findUser(on, "id", user.id);
  if (now === undefined || !isActive(now)) return false;
  if (session !== null) return (await findSession(on, hashToken(session.id))) !== undefined;
  return tokenHash !== null && now.api_token_hash === tokenHash;
}

/** When a token ends: as asked for, within a day, and with the user's own. */
function endOf(asked: string | undefined, now: Date, own: string | null): string {
  const at = asked === undefined ? now.getTime() + defaultMs : Date.parse(asked);
  if (at <= now.getTime())
    throw invalidPayload([fieldError("expires_at", "lies in the past", "está no passado")]);
  if (at > now.getTime() + mostMs)
    throw invalidPayload([
      fieldError(
        "expires_at",
        "a run's token lives 24 hours at most; make another one when it ends",
        "o token de uma execução vale no máximo 24 horas; crie outro quando ele terminar",
      ),
    ]);
  if (own !== null && Date.parse(own) <= now.getTime()) throw ownHasEnded(own);
  return stamp(new Date(own === null ? at : Math.min(at, Date.parse(own))));
}

const said = ({ run, phase, pull_request, sprint, agent, expires_at }: store.StoredRunToken) => ({
  run,
  phase,
  pull_request,
  sprint,
  agent,
  expires_at,
});

const present = (token: store.StoredRunToken, userName: string): RunToken => ({
  id: token.id,
  user: { id: token.user_id, name: userName },
  created_at: token.created_at,
  ...said(token),
});

const tooMany = (): Refusal =>
  new Refusal(
    "policy_denied",
    text(
      `You have ${mostLive} live tokens of runs, which is the limit. End some: ciclo run-token end ID`,
      `Você tem ${mostLive} tokens de execução ativos, que é o limite. Encerre alguns: ciclo run-token end ID`,
    ),
  );

const wasStopped = (run: string, by: string): Refusal =>
  new Refusal(
    "policy_denied",
    text(
      `${by} stopped the run ${run}. Name another run, or wait a week`,
      `${by} encerrou a execução ${run}. Use outro nome de execução, ou espere uma semana`,
    ),
  );

const mayNoMore = (name: string): Refusal =>
  new Refusal(
    "policy_denied",
    text(
      `${name} may not use the console any more, and nothing is done in that name`,
      `${name} não pode mais usar a console, e nada é feito em seu nome`,
    ),
  );

/** What is said of a token by its form alone. */
export const runHasEnded = (): Refusal =>
  new Refusal(
    "unauthenticated",
    text(
      "No live token of a run: it has ended, or never was. Make another: ciclo run-token create --run R",
      "Não é um token de execução ativo: terminou ou nunca existiu. Crie outro: ciclo run-token create --run R",
    ),
  );

const ownHasEnded = (at: string): Refusal =>
  new Refusal(
    "policy_denied",
    text(
      `Your own token ended at ${at}, and a run's token ends with it. Have a new one made: ciclo token rotate <e-mail>`,
      `Seu próprio token terminou em ${at}, e o de uma execução termina com ele. Peça um novo: ciclo token rotate <e-mail>`,
    ),
  );

const unknown = (id: string): Refusal =>
  notFound(
    `No live token of a run ${id}. See: ciclo run-token list`,
    `Não há token de execução ativo ${id}. Veja: ciclo run-token list`,
  );
