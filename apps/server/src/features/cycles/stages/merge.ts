import { type CheckReport, type CycleCost, type Documentation, text } from "@ciclo/contract";
import { Refusal } from "../../../errors.ts";
import type { Git } from "../../../lib/git.ts";
import { statementOf } from "../evidence/manifest.ts";
import type { ManifestSigner } from "../evidence/signer.ts";
import { branchOf } from "../naming.ts";
import type { Repositories } from "../repositories.ts";
import type { Outcome, Stage, Turn } from "../stage.ts";
import { commitsBetween, commitTree, consoleAuthor } from "../work-commit.ts";
import { baseOf } from "./common.ts";

export type MergeDeps = {
  repositories: Repositories;
  now(): string;
  signer: ManifestSigner;
  costOf(cycle: { id: string; from: string }): Promise<CycleCost>;
};

/**
 * Brings the work to the branch that it is for, exactly as it was checked and agreed to. Where that branch has moved, the two
 * are brought together first, and what comes of it is checked and agreed to anew.
 */
export function mergeStage({ repositories, now, signer, costOf }: MergeDeps): Stage {
  return async (turn) => {
    const { cycle, artifacts, signal } = turn;
    const head = cycle.head_commit;
    const checked = artifacts.get("check")?.content as CheckReport | undefined;
    if (head === null || cycle.base_branch === null || checked?.head !== head)
      throw new Error(`cycle ${cycle.id} has nothing that was checked`);
    const git = await repositories.copyOf(cycle.repository);
    const { commit: target } = await repositories.fetch(cycle.repository, cycle.base_branch, signal);
    const isThere = await isAncestor(git, head, target);
    if (!isThere && target !== baseOf(cycle)) return broughtTogether(git, turn, { head, target, at: now() });
    const branch = branchOf(cycle.id);
    await repositories.push(cycle.repository, { branch, from: null, to: head }, signal);
    if (!isThere) {
      const to = { branch: cycle.base_branch, from: target, to: head };
      if (!(await repositories.push(cycle.repository, to, signal)))
        throw new Refusal("stale_plan", text("The branch has just moved", "A branch acabou de avançar"));
    }
    const title = (artifacts.get("documentation")?.content as Documentation | undefined)?.pull_request.title;
    const statement = statementOf({
      turn,
      commits: await commitsBetween(git, checked.base, head),
      cost: await costOf({ id: cycle.id, from: cycle.created_at }),
      at: now(),
    });
    const manifest = { name: manifestName, mediaType: "application/json", bytes: signer.sign(statement) };
    return {
      to: "next",
      values: { branch },
      evidence: [manifest],
      metadata: { branch, head, into: cycle.base_branch, title },
    };
  };
}

const manifestName = "manifest.sigstore.json";

async function isAncestor(git: Git, one: string, of: string): Promise<boolean> {
  const { code } = await git.run(["merge-base", "--is-ancestor", one, of], { accept: [1] });
  return code === 0;
}

/** Merges what has come to the target branch meanwhile into the work. Conflicts are a person's. */
async function broughtTogether(
  git: Git,
  { cycle }: Turn,
  { head, target, at }: { head: string; target: string; at: string },
): Promise<Outcome> {
  const { code, stdout } = await git.run(["merge-tree", "--write-tree", "--name-only", target, head], {
    accept: [1],
  });
  const [tree = "", ...names] = stdout.toString("utf8").split("\n");
  if (code === 1) {
    const files = names.slice(0, names.indexOf("")).join(", ");
    return {
      to: "wait",
      waitsFor: "help",
      reason: text(
        `${cycle.base_branch} has changed the same lines since: ${files}. Resume from execute, with a comment on how to bring them together`,
        `${cycle.base_branch} alterou as mesmas linhas desde então: ${files}. Retome de execute, com um comentário sobre como conciliá-las`,
      ),
    };
  }
  const merged = await commitTree(git, {
    tree,
    parents: [head, target],
    message: `chore: bring in ${cycle.base_branch}\n\nCycle: ${cycle.id}\n`,
    author: consoleAuthor,
    at,
  });
  await git.run(["update-ref", `refs/cycles/${cycle.id}`, merged]);
  return {
    to: "back",
    stage: "check",
    note: `${cycle.base_branch} has moved`,
    values: { base_commit: target, head_commit: merged },
    metadata: { target, merged },
  };
}
