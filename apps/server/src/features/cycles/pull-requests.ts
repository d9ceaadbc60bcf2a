import { type CyclePullRequest, type PullRequest, text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import type { Forge } from "../../lib/forge/forge.ts";
import { branchOf } from "./naming.ts";
import type { Proposal } from "./proposal.ts";
import type { Repositories } from "./repositories.ts";
import type { StoredCycle } from "./store.ts";

/** The forge that a repository is on, and what can be done there; null where it is on none that the console knows. */
export type ForgeFor = (repository: string) => Promise<Forge | null>;

type Named = Pick<StoredCycle, "id" | "repository" | "base_branch">;

/** Where the pull request of a cycle stands; null where there is none. A cycle's branch is used for nothing else. */
export const findPull = (forge: Forge, { id, base_branch: base }: Named): Promise<PullRequest | null> =>
  forge.find({ branch: branchOf(id), base: base ?? "" });

/**
 * Has the branch of a cycle point to its work, and a pull request say what it is. One that somebody closed or merged is left as it is.
 */
export async function propose(
  { forge, repositories }: { forge: Forge; repositories: Repositories },
  { cycle, head, proposal }: { cycle: Named; head: string; proposal: Proposal },
  signal: AbortSignal,
): Promise<PullRequest> {
  const found = await findPull(forge, cycle);
  if (found !== null && found.state !== "open") return found;
  const branch = branchOf(cycle.id);
  await repositories.push(cycle.repository, { branch, from: null, to: head }, signal);
  const pull = found ?? (await forge.open({ branch, base: cycle.base_branch ?? "", ...proposal }));
  await forge.edit(pull.number, proposal);
  return pull.head === head ? pull : { ...(await forge.read(pull.number)), head };
}

export const kept = (pull: PullRequest, before: CyclePullRequest | null): CyclePullRequest => ({
  ...pull,
  has_manifest: before?.number === pull.number && before.has_manifest,
});

/** Whether anything but the time of looking differs. */
export function differs(a: PullRequest | null, b: PullRequest): boolean {
  const known = (pull: PullRequest | null): string => JSON.stringify({ ...pull, synced_at: null });
  return known(a) !== known(b);
}

export const nameOf = ({ provider, number }: Pick<PullRequest, "provider" | "number">): string =>
  `${provider === "github" ? "#" : "!"}${number}`;

export const closedThere = (pull: PullRequest): Refusal =>
  new Refusal(
    "already_decided",
    text(
      `Somebody closed the pull request ${pull.url}. Reopen it there and resume the cycle, or cancel the cycle`,
      `Alguém fechou o pull request ${pull.url}. Reabra-o ali e retome o ciclo, ou cancele o ciclo`,
    ),
  );

export const otherMerged = (pull: PullRequest, head: string): Refusal =>
  new Refusal(
    "already_decided",
    text(
      `Somebody merged the pull request ${pull.url} at ${pull.head}, which is not what was checked and approved here (${head}). Look at what was added there, and take it back where it should not be`,
      `Alguém fez o merge do pull request ${pull.url} em ${pull.head}, que não é o que foi verificado e aprovado aqui (${head}). Veja o que foi acrescentado ali, e reverta o que não deveria estar`,
    ),
  );
