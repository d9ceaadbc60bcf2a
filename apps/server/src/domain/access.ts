import type { User } from "@ciclo/contract";
import type { Actor } from "./actor.ts";

/** What a request brings to say who it is from. */
export type Credentials = {
  /** The `Authorization` header. */
  authorization: string | undefined;
  /** The session cookie's value. */
  cookie: string | undefined;
  csrfToken: string | undefined;
  /** Writes with a cookie need the CSRF token. */
  writes: boolean;
  address: string;
};

/** Who a request is from. `session` is null where it brought a token. */
export type Authenticated = { actor: Actor; user: User; session: { id: string; expiresAt: string } | null };
