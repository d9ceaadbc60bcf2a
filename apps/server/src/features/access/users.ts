import {
  type NewUser,
  newUserSchema,
  type ProvisionedUser,
  type Role,
  roles,
  text,
  type User,
} from "@ciclo/contract";
import type { Queries, AuditedTransaction } from "../../db/dialect.ts";
import { fieldError, invalidPayload, notFound, Refusal } from "../../errors.ts";
import type { Actor, RecordEntry } from "../../domain/actor.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { hashToken, newToken } from "../../lib/crypto.ts";
import { newId } from "../../lib/ids.ts";
import { lastAdmin, presentUser } from "./rules.ts";
import { endRunTokens } from "./run-tokens-store.ts";
import * as store from "./store.ts";

export type UsersDeps = { queries: Queries; transaction: AuditedTransaction; clock: Clock };

/** How a user is named: by id over HTTP, by e-mail on the command line. */
export type UserRef = { id: string } | { email: string };

export type UsersService = {
  list(): Promise<User[]>;
  find(who: UserRef): Promise<User>;
  add(actor: Actor, user: NewUser): Promise<ProvisionedUser>;
  setRoles(actor: Actor, who: UserRef, roles: readonly Role[]): Promise<User>;
  grant(actor: Actor, who: UserRef, role: Role): Promise<User>;
  revoke(actor: Actor, who: UserRef, role: Role): Promise<User>;
  disable(actor: Actor, who: UserRef): Promise<User>;
  /** Lets a disabled user in again. Their old token stays dead. */
  enable(actor: Actor, who: UserRef): Promise<User>;
  /** Ends the user's tokens of runs and sessions, except `ownSession`: that of a person who rotates their own token. */
  rotateToken(
    actor: Actor,
    who: UserRef,
    options?: { expiresAt?: string | undefined; ownSession?: string | undefined },
  ): Promise<ProvisionedUser>;
  revokeToken(actor: Actor, who: UserRef): Promise<User>;
  /** Makes the first operator when there is no user yet; null otherwise. */
  createFirstOperator(): Promise<User | null>;
  /** Whether anybody may administer the console. */
  hasAdmin(): Promise<boolean>;
};

type Change = (tx: {
  queries: Queries;
  user: store.StoredUser;
  now: string;
}) => Promise<Record<string, unknown>>;

export function createUsers(deps: UsersDeps): UsersService {
  const change = (actor: Actor, action: string, who: UserRef, work: Change): Promise<User> =>
    deps.transaction(async (queries, record) => {
      await store.lockAdmins(queries);
      const user = await mustFind(queries, who);
      const metadata = await work({ queries, user, now: stamp(deps.clock()) });
      await record({ actor, action, resource: `user:${user.email}`, status: "succeeded", metadata });
      return presentUser(await mustFind(queries, { id: user.id }));
    });
  const changeRoles = (actor: Actor, who: UserRef, next: (held: readonly Role[]) => readonly Role[]) =>
    change(actor, "user.roles", who, async ({ queries, user, now }) => {
      const wanted = roles.filter((role) => next(user.roles).includes(role));
      if (!wanted.includes("admin")) await guardLastAdmin(queries, user);
      await store.setRoles(queries, user.id, wanted, { at: now, by: actor.id ?? actor.name });
      return { before: user.roles, after: wanted };
    });
  return {
    list: async () => (await store.listUsers(deps.queries)).map(presentUser),
    find: async (who) => presentUser(await mustFind(deps.queries, who)),
    add: (actor, user) =>
      deps.transaction((queries, record) => addUser(queries, record, deps.clock, actor, user)),
    setRoles: (actor, who, wanted) => changeRoles(actor, who, () => wanted),
    grant: (actor, who, role) => changeRoles(actor, who, (held) => [...held, role]),
    revoke: (actor, who, role) => changeRoles(actor, who, (held) => held.filter((each) => each !== role)),
    disable: (actor, who) =>
      change(actor, "user.disabled", who, async ({ queries, user, now }) => {
        await guardLastAdmin(queries, user);
        await store.disable(queries, user.id, now);
        await endRunTokens(queries, user.id);
        return {};
      }),
    enable: (actor, who) =>
      change(actor, "user.enabled", who, async ({ queries, user, now }) => {
        await store.enable(queries, user.id, now);
        return {};
      }),
    async rotateToken(actor, who, { expiresAt, ownSession = "" } = {}) {
      refusePast("expires_at", expiresAt, stamp(deps.clock()));
      const token = newToken();
      const user = await change(actor, "token.rotated", who, async ({ queries, user: target, now }) => {
        refuseDisabled(target);
        const hash = hashToken(token);
        await store.setToken(queries, target.id, { hash, expiresAt: inUtc(expiresAt), at: now });
        await endRunTokens(queries, target.id);
        await store.endSessions(queries, target.id, hashToken(ownSession));
        return { expires_at: inUtc(expiresAt) };
      });
      return { ...user, token };
    },
    revokeToken: (actor, who) =>
      change(actor, "token.revoked", who, async ({ queries, user, now }) => {
        await store.setToken(queries, user.id, { hash: null, expiresAt: null, at: now });
        await endRunTokens(queries, user.id);
        await store.endSessions(queries, user.id);
        return {};
      }),
    createFirstOperator: () => createFirstOperator(deps),
    hasAdmin: async () => (await store.countActive(deps.queries, "", ["admin"])) > 0,
  };
}

async function addUser(
  queries: Queries,
  record: RecordEntry,
  clock: Clock,
  actor: Actor,
  input: NewUser,
): Promise<ProvisionedUser> {
  const { token = newToken(), ...user } = newUserSchema.parse(input);
  const now = stamp(clock());
  refusePast("token_expires_at", user.token_expires_at, now);
  const id = newId();
  const inserted = await store.insertUser(queries, {
    id,
    name: user.name,
    email: user.email,
    api_token_hash: hashToken(token),
    token_expires_at: inUtc(user.token_expires_at),
    created_at: now,
    updated_at: now,
  });
  if (!inserted) throw await takenBy(queries, user.email);
  await store.setRoles(queries, id, user.roles, { at: now, by: actor.id ?? actor.name });
  await record({
    actor,
    action: "user.created",
    resource: `user:${user.email}`,
    status: "succeeded",
    metadata: { roles: user.roles },
  });
  return { ...presentUser(await mustFind(queries, { id })), token };
}

async function takenBy(queries: Queries, email: string): Promise<Refusal> {
  if ((await store.findUser(queries, "email", email)) === undefined) {
    return invalidPayload([
      fieldError(
        "token",
        "is in use; make another: openssl rand -hex 32",
        "já está em uso; gere outro: openssl rand -hex 32",
      ),
    ]);
  }
  return new Refusal(
    "already_exists",
    text(`There is a user with the e-mail ${email} already`, `Já existe um usuário com o e-mail ${email}`),
  );
}

async function createFirstOperator(deps: UsersDeps): Promise<User | null> {
  return deps.transaction(async (queries, record) => {
    await store.lockAdmins(queries);
    if (await store.hasUsers(queries)) return null;
    const actor: Actor = { id: null, name: "first run", email: null, roles: [] };
    const operator = { name: "Operator", email: "operator@ciclo.local", roles: [...roles] };
    const { token: _, ...user } = await addUser(queries, record, deps.clock, actor, operator);
    return user;
  });
}

async function mustFind(queries: Queries, who: UserRef): Promise<store.StoredUser> {
  const user =
    "id" in who
      ? await store.findUser(queries, "id", who.id)
      : await store.findUser(queries, "email", who.email.trim().toLowerCase());
  if (user !== undefined) return user;
  const name = "id" in who ? who.id : who.email;
  throw notFound(
    `No user ${name}. See: ciclo user list`,
    `Usuário ${name} não existe. Veja: ciclo user list`,
  );
}

async function guardLastAdmin(queries: Queries, user: store.StoredUser): Promise<void> {
  if (!user.roles.includes("admin") || user.disabled_at !== null) return;
  if ((await store.countActive(queries, user.id, ["admin"])) === 0) throw lastAdmin();
}

/** As it is compared with others. */
const inUtc = (at: string | undefined): string | null => (at === undefined ? null : stamp(new Date(at)));

function refusePast(field: string, at: string | undefined, now: string): void {
  if (at === undefined || new Date(at).toISOString() > now) return;
  throw invalidPayload([fieldError(field, "lies in the past", "está no passado")]);
}

function refuseDisabled(user: store.StoredUser): void {
  if (user.disabled_at === null) return;
  throw new Refusal(
    "policy_denied",
    text(`${user.email} is disabled and takes no token`, `${user.email} está desativado e não recebe token`),
  );
}
