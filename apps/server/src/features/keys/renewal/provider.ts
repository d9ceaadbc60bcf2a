import type { Renewal } from "@ciclo/contract";

/** Whoever issues a credential and has an API that renews it. */
export type KeyProvider = {
  /** Whether the old value stops working as soon as there is a new one. */
  revokesOld: boolean;
  /**
   * Asks for a new value, with the old one. Throws `RenewalRefused` where the issuer said no, so that the old one
   * is as it was; another error where that is not known. Never with a value in it.
   */
  renew(request: {
    value: string;
    renewal: Renewal;
    now: Date;
  }): Promise<{ value: string; expiresAt: string | null }>;
  /** Whether the issuer still takes a value. Throws where it does not say. */
  isGood(request: { value: string; renewal: Renewal }): Promise<boolean>;
};

/** The issuer refused: nothing was changed there. */
export class RenewalRefused extends Error {}

export type SendRequest = (input: string, init: RequestInit) => Promise<Response>;
