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

/** An answer that goes on after it has begun. */
export type StandingAnswer = {
  /** Throws once the caller may no longer have it. */
  recheck(): Promise<void>;
  /** When the credential ends that it was asked for with, ISO 8601; null where it does not. */
  until: string | null;
  end(): void;
};

/** Ends an answer as soon as its caller may no longer have it. Returns what lets go of it. */
export type HoldAnswer = (answer: StandingAnswer) => () => void;

/** Who a request is from. `session` is null where it brought a token. */
export type Authenticated = {
  actor: Actor;
  user: User;
  session: { id: string } | null;
  /** Of the user's token; null where it brought a session or the token of a run. */
  tokenHash: string | null;
  /** When what it brought ends, ISO 8601; null where it does not. */
  until: string | null;
};
