import { type PullRequest, text } from "@ciclo/contract";
import { z } from "zod";
import { Refusal } from "../../errors.ts";

/** Pull requests of one repository on GitHub or GitLab. Every call can be repeated. */
export type Forge = {
  provider: "github" | "gitlab";
  /** The newest pull request of a branch, whatever has become of it. */
  find(of: { branch: string; base: string }): Promise<PullRequest | null>;
  /** Opens a pull request, or finds the one open for the branch. */
  open(request: { branch: string; base: string; title: string; body: string }): Promise<PullRequest>;
  /** Has title and description be these. */
  edit(number: number, text: { title: string; body: string }): Promise<void>;
  /** Adds a comment, if none holds `marker` already; `body` does. */
  comment(number: number, comment: { marker: string; body: string }): Promise<void>;
  /** State, checks and reviews as they are now. */
  read(number: number): Promise<PullRequest>;
  /** Merges if the head is still `head`; finds it merged when it is. Returns the commit on the base branch. */
  merge(number: number, head: string, message: string): Promise<MergeOutcome>;
  /** Closes without merging. One that is closed stays so. */
  close(number: number): Promise<void>;
};

export type MergeOutcome = { merged: true; commit: string } | { merged: false; reason: string };

/** The forge did not answer, or said no for now. What waits for it is tried again. */
export function forgeUnavailable(provider: string, why: string, cause: unknown): Refusal {
  const status = statusOf(cause);
  // What is wrong with the request or its token is wrong later, too.
  const isLasting = status !== null && status >= 400 && status < 500 && status !== 408 && status !== 429;
  return new Refusal(
    "repository_unavailable",
    text(`${provider} does not answer: ${why}`, `${provider} não responde: ${why}`),
    { cause, ...(isLasting ? {} : { retryAfter: 5 }) },
  );
}

const statusSchema = z.union([
  z.object({ status: z.number() }).transform(({ status }) => status),
  z
    .object({ cause: z.object({ response: z.object({ status: z.number() }) }) })
    .transform(({ cause }) => cause.response.status),
]);

/** The status of an answer, as Octokit and Gitbeaker have it in their errors; null where there was none. */
const statusOf = (error: unknown): number | null => statusSchema.safeParse(error).data ?? null;
