import { text, type User } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import type { StoredUser } from "./store.ts";

/** A user as others may see them: whether there is a token, never its hash. */
export function presentUser({ api_token_hash, ...user }: StoredUser): User {
  return { ...user, has_token: api_token_hash !== null };
}

/** Whether a stored user may act now, with the token's own expiry considered by the caller. */
export const isActive = (user: StoredUser): boolean => user.disabled_at === null;

export const isTokenLive = (user: StoredUser, now: string): boolean =>
  isActive(user) && (user.token_expires_at === null || user.token_expires_at > now);

/** One answer for every failed authentication, so that it tells nothing apart. */
export const unauthenticated = ({ quiet = false } = {}): Refusal =>
  new Refusal(
    "unauthenticated",
    text(
      "A valid token is required: Authorization: Bearer <token>. Ask an admin, or run: ciclo token rotate <e-mail>",
      "É necessário um token válido: Authorization: Bearer <token>. Peça a um admin ou execute: ciclo token rotate <e-mail>",
    ),
    { quiet },
  );

export const lastAdmin = (): Refusal =>
  new Refusal(
    "policy_denied",
    text(
      "This is the last active admin. Give the role to somebody else first.",
      "Este é o último admin ativo. Dê o papel a outra pessoa antes.",
    ),
  );
