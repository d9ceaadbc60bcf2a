import { type PullRequest, text } from "@ciclo/contract";
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
export const forgeUnavailable = (provider: string, why: string, cause: unknown): Refusal =>
  new Refusal(
    "repository_unavailable",
    text(`${provider} does not answer: ${why}`, `${provider} não responde: ${why}`),
    { cause },
  );
