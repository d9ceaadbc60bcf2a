import { type CheckReport, type CycleCost, type Documentation, type Execution, text } from "@ciclo/contract";
import { Refusal } from "../../../errors.ts";
import { type Git, isAncestor } from "../../../lib/git.ts";
import type { Attachment } from "../attachments.ts";
import { statementOf } from "../evidence/manifest.ts";
import type { ManifestSigner } from "../evidence/signer.ts";
import { branchOf } from "../naming.ts";
import { findPull, type ForgeFor, isTaken, kept } from "../pull-requests.ts";
import { proposalOf } from "../proposal.ts";
import type { Repositories } from "../repositories.ts";
import type { Outcome, Stage, Turn } from "../stage.ts";
import { commitsBetween, commitTree, consoleAuthor } from "../work-commit.ts";
import { baseOf } from "./common.ts";
import { alreadyMerged, mergeOnForge } from "./merge-on-forge.ts";
import { recipeAt } from "./prepare.ts";

export type MergeDeps = {
  repositories: Repositories;
  now(): string;
  signer: ManifestSigner;
  costOf(cycle: { id: string; from: string }): Promise<CycleCost>;
  attachmentsOf(cycleId: string): Promise<Attachment[]>;
  forgeFor: ForgeFor;
  /** Where people reach a cycle; null where the console does not know its own address. */
  pageOf(id: string): string | null;
};

/**
 * Moves the base branch to the work, exactly as it was checked and approved: by a pull request where the repository is on a forge
 * that the console knows. If the branch has moved, it is merged into the work first, and the result goes through documentation,
 * gates and approval again.
 */
export function mergeStage(deps: MergeDeps): Stage {
  const { repositories, now, signer, costOf } = deps;
  return async (turn) => {
    const { cycle, artifacts, policy, signal } = turn;
    const head = cycle.head_commit;
    const checked = artifacts.get("check")?.content as CheckReport | undefined;
    if (head === null || cycle.base_branch === null || checked?.head !== head)
      throw new Error(`cycle ${cycle.id} has nothing that was checked`);
    const git = await repositories.copyOf(cycle.repository);
    const branch = branchOf(cycle.id);
    // A pull request that is open is used, whatever policy says since.
    const isWithout = policy.pull_requests === "never" && cycle.pull_request === null;
    const forge = isWithout ? null : await deps.forgeFor(cycle.repository);
    const cost = await costOf({ id: cycle.id, from: cycle.created_at });
    let pull = forge === null ? null : alreadyMerged(await findPull(forge, cycle), head);
    if (pull === null) {
      const { commit: target } = await repositories.fetch(cycle.repository, cycle.base_branch, signal);
      const isThere = await isAncestor(git, head, target);
      if (!isThere && target !== baseOf(cycle)) return broughtTogether(git, turn, { target, at: now() });
      if (forge !== null) {
        const proposal = proposalOf(turn, { cost, page: deps.pageOf(cycle.id) });
        const done = await mergeOnForge({ forge, repositories }, turn, { head, proposal });
        if ("waits" in done) return done.waits;
        pull = done.merged;
      } else await moved(repositories, turn, { isThere, target, branch, head });
    }
    const title = (artifacts.get("documentation")?.content as Documentation | undefined)?.pull_request.title;
    const statement = statementOf({
      turn,
      commits: await commitsBetween(git, checked.base, head),
      cost,
      attachments: await deps.attachmentsOf(cycle.id),
      pull,
      at: now(),
    });
    const manifest = {
      name: manifestName,
      mediaType: "application/json",
      bytes: await signer.sign(statement),
    };
    return {
      to: "next",
      values: { branch, pull_request: pull === null ? null : kept(pull, cycle.pull_request) },
      evidence: [manifest],
      metadata: { branch, head, into: cycle.base_branch, title, pull_request: pull?.url },
    };
  };
}

/** Moves the base branch itself, and with it the branch of the cycle. */
async function moved(
  repositories: Repositories,
  { cycle, checked, signal }: Turn,
  { isThere, target, branch, head }: { isThere: boolean; target: string; branch: string; head: string },
): Promise<void> {
  const own = { branch, ours: checked, to: head };
  const moves = isThere ? [own] : [own, { branch: cycle.base_branch ?? "", from: target, to: head }];
  const elsewhere = await repositories.push(cycle.repository, moves, signal);
  if (elsewhere === branch) throw isTaken(branch, cycle.repository);
  if (elsewhere !== null)
    throw new Refusal("stale_plan", text("The branch has just moved", "A branch acabou de avançar"));
}

export const manifestName = "manifest.sigstore.json";

/**
 * Merges the target branch into the agent's work, then runs documentation and gates again. On a conflict the cycle waits for a
 * person, who has the agent resolve it.
 */
async function broughtTogether(
  git: Git,
  { cycle, artifacts }: Turn,
  { target, at }: { target: string; at: string },
): Promise<Outcome> {
  const execution = artifacts.get("execution")?.content as Execution;
  const work = execution.head;
  if (work === null) throw new Error(`cycle ${cycle.id} has no work`);
  const found = await recipeAt(git, target);
  if (found.from === "nowhere") return { to: "wait", waitsFor: "help", reason: found.why };
  const joined = (await isAncestor(git, target, work))
    ? { commit: work }
    : await merged(git, cycle, { target, work, at });
  if ("conflicts" in joined) {
    const files = joined.conflicts.join(", ");
    return {
      to: "wait",
      waitsFor: "help",
      note: `${cycle.base_branch} is at ${target} now, and has changed the same lines: ${files}. Run \`git merge ${target}\`, resolve the conflicts so that both changes hold, and commit the merge.`,
      reason: text(
        `${cycle.base_branch} has changed the same lines since: ${files}. Resume from execute: the agent is asked to bring them together, and reads your comment on how`,
        `${cycle.base_branch} alterou as mesmas linhas desde então: ${files}. Retome de execute: o agente é chamado a conciliá-las, e lê seu comentário sobre como`,
      ),
    };
  }
  await git.run(["update-ref", `refs/cycles/${cycle.id}`, joined.commit]);
  const next: Execution = {
    ...execution,
    base: target,
    head: joined.commit,
    commits: await commitsBetween(git, target, joined.commit),
  };
  return {
    to: "back",
    stage: "document",
    note: null,
    artifacts: [{ kind: "execution", content: next, model: null, findings: [] }],
    values: { base_commit: target, head_commit: joined.commit, recipe: found },
    metadata: { target, merged: joined.commit },
  };
}

/** The merge of two commits, without a work tree; the files in which they conflict where they do. */
async function merged(
  git: Git,
  { id, base_branch: branch }: Turn["cycle"],
  { target, work, at }: { target: string; work: string; at: string },
): Promise<{ commit: string } | { conflicts: string[] }> {
  const { code, stdout } = await git.run(["merge-tree", "--write-tree", "--name-only", target, work], {
    accept: [1],
  });
  const [tree = "", ...names] = stdout.toString("utf8").split("\n");
  if (code === 1) return { conflicts: names.slice(0, names.indexOf("")) };
  const message = `chore: bring in ${branch}\n\nCycle: ${id}\n`;
  const commit = await commitTree(git, { tree, parents: [work, target], message, author: consoleAuthor, at });
  return { commit };
}
