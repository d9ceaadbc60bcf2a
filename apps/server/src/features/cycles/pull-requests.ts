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
  {
    cycle,
    head,
    proposal,
    ours,
  }: { cycle: Named; head: string; proposal: Proposal; ours: readonly string[] },
  signal: AbortSignal,
): Promise<PullRequest> {
  const found = await findPull(forge, cycle);
  if (found !== null && found.state !== "open") return found;
  const branch = branchOf(cycle.id);
  await pushOwn(repositories, { cycle, branch, head, ours }, signal);
  const pull = found ?? (await forge.open({ branch, base: cycle.base_branch ?? "", ...proposal }));
  await forge.edit(pull.number, proposal);
  return pull.head === head ? pull : { ...(await forge.read(pull.number)), head };
}

/** Has a branch of the cycle's own point to its work. Throws a `Refusal` where somebody else has pushed to it. */
export async function pushOwn(
  repositories: Repositories,
  {
    cycle: { repository },
    branch,
    head,
    ours,
  }: { cycle: Named; branch: string; head: string; ours: readonly string[] },
  signal: AbortSignal,
): Promise<void> {
  if ((await repositories.push(repository, [{ branch, ours, to: head }], signal)) !== null)
    throw isTaken(branch, repository);
}

export const isTaken = (branch: string, repository: string): Refusal =>
  new Refusal(
    "branch_exists",
    text(
      `Somebody pushed to ${branch}, which is the cycle's. Take over what is wanted of that by another cycle, delete the branch in ${repository}, and resume this one`,
      `Alguém enviou commits a ${branch}, que é do ciclo. Aproveite o que se quer deles em outro ciclo, apague a branch em ${repository} e retome este`,
    ),
  );

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
