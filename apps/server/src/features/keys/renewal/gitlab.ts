import { z } from "zod";
import { Refusal } from "../../../errors.ts";
import { dateIn } from "../rules.ts";
import { type KeyProvider, RenewalRefused, type SendRequest } from "./provider.ts";
import { parseJson } from "../../../lib/parse-json.ts";

const answerSchema = z.object({ token: z.string().min(1).max(8000), expires_at: z.iso.date().nullable() });
const timeoutMs = 20_000;
const self = "/api/v4/personal_access_tokens/self";

/**
 * GitLab's personal, project and group access tokens, which rotate themselves:
 * `POST /personal_access_tokens/self/rotate` (docs.gitlab.com/api/personal_access_tokens). The old token is revoked.
 */
export function gitLabProvider(send: SendRequest): KeyProvider {
  return {
    revokesOld: true,
    async renew({ value, renewal, now }) {
      const url = new URL(`${self}/rotate`, renewal.url);
      url.searchParams.set("expires_at", dateIn(renewal.valid_days, now));
      const response = await send(url.href, {
        method: "POST",
        headers: { "private-token": value },
        signal: AbortSignal.timeout(timeoutMs),
      }).catch((error: unknown) => {
        throw wasNeverSent(error) ? new RenewalRefused("GitLab cannot be reached", { cause: error }) : error;
      });
      const said = `GitLab answers HTTP ${response.status} to the rotation`;
      if (response.status >= 400 && response.status < 500) throw new RenewalRefused(said);
      if (!response.ok) throw new Error(said);
      const answer = answerSchema.safeParse(parseJson(await response.text()));
      // A parser's own words may quote a piece of the new token.
      if (!answer.success)
        throw new Error("GitLab answers the rotation with something other than a new token");
      const { token, expires_at } = answer.data;
      return { value: token, expiresAt: expires_at === null ? null : `${expires_at}T00:00:00.000Z` };
    },
    async isGood({ value, renewal }) {
      const response = await send(new URL(self, renewal.url).href, {
        headers: { "private-token": value },
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (response.ok || response.status === 403) return true;
      if (response.status === 401) return false;
      throw new Error(`GitLab answers HTTP ${response.status} when asked about a token`);
    },
  };
}

/** Whether a request failed before anything of it was on its way: no address, no connection, or a policy against it. */
function wasNeverSent(error: unknown): boolean {
  if (error instanceof Refusal) return true;
  const { code } = ((error as { cause?: unknown } | null)?.cause ?? {}) as { code?: unknown };
  return (
    typeof code === "string" &&
    /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/.test(code)
  );
}
