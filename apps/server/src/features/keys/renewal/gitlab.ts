import { z } from "zod";
import { dateIn } from "../rules.ts";
import type { KeyProvider, SendRequest } from "./provider.ts";

const answerSchema = z.object({ token: z.string().min(1).max(8000), expires_at: z.iso.date().nullable() });
const timeoutMs = 20_000;

/**
 * GitLab's personal, project and group access tokens, which rotate themselves:
 * `POST /personal_access_tokens/self/rotate` (docs.gitlab.com/api/personal_access_tokens). The old token is revoked.
 */
export function gitLabProvider(send: SendRequest): KeyProvider {
  return {
    revokesOld: true,
    async renew({ value, renewal, now }) {
      const url = new URL("/api/v4/personal_access_tokens/self/rotate", renewal.url);
      url.searchParams.set("expires_at", dateIn(renewal.valid_days, now));
      const response = await send(url.href, {
        method: "POST",
        headers: { "private-token": value },
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (!response.ok) throw new Error(`GitLab answers HTTP ${response.status} to the rotation`);
      const { token, expires_at } = answerSchema.parse(await response.json());
      return { value: token, expiresAt: expires_at === null ? null : `${expires_at}T00:00:00.000Z` };
    },
  };
}
