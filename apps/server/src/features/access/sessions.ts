import { createHmac } from "node:crypto";
import { permissions, permits, type Permission, type Session, text, type User } from "@ciclo/contract";
import type { Queries, AuditedTransaction } from "../../db/dialect.ts";
import { insufficientPermission, Refusal } from "../../errors.ts";
import type { Actor, RecordEntry } from "../../domain/actor.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { equalInConstantTime, hashToken, newToken } from "../../lib/crypto.ts";
import type { FailureLimiter } from "./limiter.ts";
import { isActive, isTokenLive, presentUser, unauthenticated } from "./rules.ts";
import { contextOf, isRunToken, runHasEnded } from "./run-tokens.ts";
import { findRunToken } from "./run-tokens-store.ts";
import * as store from "./store.ts";
import type { Authenticated, Credentials } from "../../domain/access.ts";

export type SessionsDeps = {
  queries: Queries;
  transaction: AuditedTransaction;
  clock: Clock;
  limiter: FailureLimiter;
  /** Counts requests that bring nothing, so that a flood of them leaves no flood of audit entries. */
  visitors: FailureLimiter;
};

export type SessionsService = {
  authenticate(credentials: Credentials): Promise<Authenticated>;
  /** Exchanges a token or one-time link for a session. */
  open(
    proof: { token: string } | { link: string },
    address: string,
  ): Promise<{ session: Session; cookie: string; maxAgeSeconds: number }>;
  close(authenticated: Authenticated): Promise<void>;
  present(authenticated: Authenticated): Session;
  /** A one-time secret that signs a user in within 15 minutes. */
  createLink(actor: Actor, user: User): Promise<string>;
};

const sessionMs = 12 * 3_600_000;
const linkMs = 15 * 60_000;
const touchMs = 60_000;

export function createSessions(deps: SessionsDeps): SessionsService {
  const fail = (address: string): Refusal => failure(deps.limiter, address);
  const touched = new Map<string, number>();
  const touch = async (userId: string): Promise<void> => {
    const now = deps.clock();
    if (now.getTime() - (touched.get(userId) ?? 0) < touchMs) return;
    touched.set(userId, now.getTime());
    await store.touchToken(deps.queries, userId, stamp(now));
  };
  const byToken = async (token: string): Promise<store.StoredUser | null> => {
    const hash = hashToken(token);
    const user = await store.findUser(deps.queries, "api_token_hash", hash);
    if (user === undefined || !equalInConstantTime(user.api_token_hash ?? "", hash)) return null;
    return isTokenLive(user, stamp(deps.clock())) ? user : null;
  };
  return {
    async authenticate(credentials) {
      const token = bearerToken(credentials.authorization);
      if (token !== undefined && isRunToken(token)) return byRunToken(deps, token, credentials, fail);
      if (token !== undefined) {
        const user = await byToken(token);
        if (user === null) throw fail(credentials.address);
        await touch(user.id);
        return authenticated(user, null);
      }
      if (credentials.authorization !== undefined) throw fail(credentials.address);
      // Who brings nothing has guessed nothing.
      if (credentials.cookie === undefined) {
        throw unauthenticated({ quiet: deps.visitors.fail(credentials.address) !== null });
      }
      const found = await bySession(deps, credentials, fail);
      await touch(found.user.id);
      return found;
    },
    async open(proof, address) {
      const known = "token" in proof ? await byToken(proof.token) : null;
      // A link is used up in the transaction that opens the session, or not at all.
      const opened = await deps.transaction(async (queries, record) => {
        const user = "token" in proof ? known : await byLink(queries, proof.link, stamp(deps.clock()));
        if (user === null) return null;
        if (!permits(user.roles, "read")) throw insufficientPermission(["read"]);
        return openSession(deps, { queries, record }, user, "token" in proof ? "token" : "link");
      });
      if (opened === null) throw fail(address);
      return opened;
    },
    async close({ actor, session }) {
      if (session === null) return;
      await deps.transaction(async (queries, record) => {
        await store.deleteSession(queries, hashToken(session.id));
        await record({ actor, action: "session.closed", resource: "session", status: "succeeded" });
      });
    },
    present: presentSession,
    async createLink(actor, user) {
      const link = newToken();
      await deps.transaction(async (queries, record) => {
        const expires = new Date(deps.clock().getTime() + linkMs);
        await store.insertLink(queries, {
          link_hash: hashToken(link),
          user_id: user.id,
          expires_at: stamp(expires),
        });
        const resource = `user:${user.email}`;
        await record({ actor, action: "session.link_created", resource, status: "succeeded" });
      });
      return link;
    },
  };
}

/** A run acts as the user whose token it is, while that user may act. What it may reach is for the doors to say. */
async function byRunToken(
  deps: SessionsDeps,
  token: string,
  { address }: Credentials,
  fail: (address: string) => Refusal,
): Promise<Authenticated> {
  const hash = hashToken(token);
  const known = await findRunToken(deps.queries, "token_hash", hash);
  const isLive =
    known !== undefined &&
    equalInConstantTime(known.token_hash, hash) &&
    known.expires_at > stamp(deps.clock());
  const user = isLive ? await store.findUser(deps.queries, "id", known.user_id) : undefined;
  if (!isLive || user === undefined || !isActive(user)) {
    const refusal = fail(address);
    throw refusal.code === "unauthenticated" ? runHasEnded() : refusal;
  }
  const { actor, ...who } = authenticated(user, null);
  return { ...who, actor: { ...actor, run: contextOf(known) }, tokenHash: null, until: known.expires_at };
}

async function bySession(
  deps: SessionsDeps,
  credentials: Credentials,
  fail: (address: string) => Refusal,
): Promise<Authenticated> {
  const id = credentials.cookie ?? "";
  const session = await store.findSession(deps.queries, hashToken(id));
  const user =
    session !== undefined && session.expires_at > stamp(deps.clock())
      ? await store.findUser(deps.queries, "id", session.user_id)
      : undefined;
  if (session === undefined || user === undefined || !isActive(user)) throw fail(credentials.address);
  if (credentials.writes && !equalInConstantTime(credentials.csrfToken ?? "", csrfTokenOf(id))) {
    throw new Refusal(
      "csrf_required",
      text(
        "Send the session's csrf_token in the X-Ciclo-CSRF header",
        "Envie o csrf_token da sessão no cabeçalho X-Ciclo-CSRF",
      ),
    );
  }
  return authenticated(user, { id, expiresAt: session.expires_at });
}

async function byLink(queries: Queries, link: string, now: string): Promise<store.StoredUser | null> {
  const userId = await store.consumeLink(queries, hashToken(link), now);
  const user = userId === undefined ? undefined : await store.findUser(queries, "id", userId);
  return user !== undefined && isActive(user) ? user : null;
}

async function openSession(
  { clock }: SessionsDeps,
  { queries, record }: { queries: Queries; record: RecordEntry },
  user: store.StoredUser,
  by: string,
) {
  const id = newToken();
  const now = clock();
  const expiresAt = stamp(new Date(now.getTime() + sessionMs));
  const who = authenticated(user, { id, expiresAt });
  await store.insertSession(queries, {
    id_hash: hashToken(id),
    user_id: user.id,
    expires_at: expiresAt,
    created_at: stamp(now),
  });
  const metadata = { by };
  await record({
    actor: who.actor,
    action: "session.opened",
    resource: "session",
    status: "succeeded",
    metadata,
  });
  return { session: presentSession(who), cookie: id, maxAgeSeconds: sessionMs / 1000 };
}

function presentSession({ user, session, until }: Authenticated): Session {
  const all = Object.keys(permissions) as Permission[];
  return {
    user,
    permissions: all.filter((permission) => permits(user.roles, permission)),
    csrf_token: session === null ? null : csrfTokenOf(session.id),
    expires_at: session === null ? null : until,
  };
}

/** Known only to who holds the cookie's value, so it need not be stored. */
const csrfTokenOf = (sessionId: string): string =>
  createHmac("sha256", sessionId).update("csrf").digest("hex");

function authenticated(
  user: store.StoredUser,
  session: { id: string; expiresAt: string } | null,
): Authenticated {
  const actor = { id: user.id, name: user.name, email: user.email, roles: user.roles };
  return {
    actor,
    user: presentUser(user),
    session,
    tokenHash: session === null ? user.api_token_hash : null,
    until: session?.expiresAt ?? user.token_expires_at,
  };
}

const bearerToken = (header: string | undefined): string | undefined =>
  /^Bearer +([\x21-\x7e]{1,512})$/i.exec(header ?? "")?.[1];

function failure(limiter: FailureLimiter, address: string): Refusal {
  const limited = limiter.fail(address);
  if (limited === null) return unauthenticated();
  return new Refusal(
    "rate_limited",
    text(
      `Too many failed attempts from this address. Try again in ${limited.retryAfterSeconds} s.`,
      `Muitas tentativas falhas deste endereço. Tente de novo em ${limited.retryAfterSeconds} s.`,
    ),
    { retryAfter: limited.retryAfterSeconds, quiet: !limited.first },
  );
}
