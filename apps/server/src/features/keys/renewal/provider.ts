import type { Renewal } from "@ciclo/contract";

/** Whoever issues a credential and has an API that renews it. */
export type KeyProvider = {
  /** Whether the old value stops working as soon as there is a new one. */
  revokesOld: boolean;
  /** Asks for a new value, with the old one. Throws with what the issuer said; never with a value. */
  renew(request: {
    value: string;
    renewal: Renewal;
    now: Date;
  }): Promise<{ value: string; expiresAt: string | null }>;
};

export type SendRequest = (input: string, init: RequestInit) => Promise<Response>;
