import { text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import type { Git } from "../../lib/git.ts";
import * as plumbing from "./plumbing.ts";
import type { Target } from "./target.ts";
import type {
  LandResult,
  Landing,
  RevertPreview,
  RevertResult,
  Reverting,
} from "../../domain/config-repository.ts";

const maxRaces = 20;

/** Tries again while others move the base branch at the same time. */
export async function withRaces<T>(attempt: () => Promise<T | "lost the race">): Promise<T> {
  for (let race = 0; race < maxRaces; race += 1) {
    const result = await attempt();
    if (result !== "lost the race") return result;
  }
  throw new Refusal(
    "repository_unavailable",
    text(
      "The base branch moves faster than a change can land. It is tried again.",
      "A branch base muda mais rápido do que a mudança consegue entrar. Será tentado de novo.",
    ),
  );
}

export async function tryLanding(
  git: Git,
  target: Target,
  refresh: () => Promise<string>,
  landing: Landing,
): Promise<LandResult | "lost the race"> {
  const head = await refresh();
  const there = head === landing.base ? null : await findLanding(git, head, landing.commit);
  if (there !== null) return { outcome: "landed", commit: there };
  const objections = await landing.objections(head);
  if (objections.length > 0) return { outcome: "stale", head, paths: objections };
  if (head === landing.base) {
    const moved = await target.advanceBase(head, landing.commit);
    return moved ? { outcome: "landed", commit: landing.commit } : "lost the race";
  }
  const ours = await plumbing.changedPaths(git, landing.base, landing.commit);
  const theirs = await plumbing.changedPaths(git, landing.base, head);
  const overlap = [...ours].filter((path) => theirs.has(path));
  if (overlap.length > 0) return { outcome: "stale", head, paths: overlap };
  const merged = await plumbing.mergeTrees(git, head, landing.commit);
  if (!merged.ok) return { outcome: "stale", head, paths: merged.conflicts };
  const parents = [head, landing.commit];
  const commit = await plumbing.commitTree(git, { ...landing, tree: merged.tree, parents });
  const broken = await landing.brokenBy(head, commit);
  if (broken.length > 0) return { outcome: "stale", head, paths: broken };
  const moved = await target.advanceBase(head, commit);
  return moved ? { outcome: "landed", commit } : "lost the race";
}

/** The first commit on the branch's own line that contains `commit`. */
export async function findLanding(git: Git, head: string, commit: string): Promise<string | null> {
  if (!(await plumbing.isAncestor(git, commit, head))) return null;
  const list = await git.text([
    "rev-list",
    "--first-parent",
    "--ancestry-path",
    "--parents",
    `${commit}..${head}`,
  ]);
  const [oldest, firstParent] = (list.split("\n").at(-1) ?? "").split(" ");
  if (oldest === undefined || oldest === "" || firstParent === commit) return commit;
  return oldest;
}

export async function tryRevert(
  git: Git,
  target: Target,
  refresh: () => Promise<string>,
  landed: string,
  spec: Reverting,
): Promise<RevertResult | "lost the race"> {
  const head = await refresh();
  if (!(await holds(git, head, landed))) return { outcome: "not_there" };
  const made = await git.text([
    "log",
    "-1",
    "--format=%H",
    "--fixed-strings",
    `--grep=${spec.marker}`,
    `${landed}..${head}`,
  ]);
  if (made !== "") return { outcome: "reverted", commit: made };
  const undone = await undo(git, head, landed, spec);
  if (undone.outcome !== "undone") return undone;
  const moved = await target.advanceBase(head, undone.commit);
  return moved ? { outcome: "reverted", commit: undone.commit } : "lost the race";
}

/** A branch that was rewritten without `landed` has nothing of it to undo, and undoing it would bring back what else went. */
const holds = async (git: Git, head: string, landed: string): Promise<boolean> =>
  (await plumbing.missing(git, head, [landed])).size === 0;

type Undone =
  | { outcome: "undone"; commit: string }
  | { outcome: "nothing_to_revert" }
  | { outcome: "conflict"; paths: string[] };

/** Writes the commit that takes `landed` back on top of `head`. No branch moves. */
async function undo(
  git: Git,
  head: string,
  landed: string,
  spec: Omit<Reverting, "marker">,
): Promise<Undone> {
  // A commit that undoes `landed` right behind it: merging that is reverting.
  const before = await git.text(["rev-parse", `${landed}^1^{tree}`]);
  const inverse = await plumbing.commitTree(git, { ...spec, tree: before, parents: [landed] });
  const merged = await plumbing.mergeTrees(git, head, inverse);
  if (!merged.ok) return { outcome: "conflict", paths: merged.conflicts };
  if (merged.tree === (await git.text(["rev-parse", `${head}^{tree}`])))
    return { outcome: "nothing_to_revert" };
  const commit = await plumbing.commitTree(git, { ...spec, tree: merged.tree, parents: [head] });
  const broken = await spec.brokenBy(head, commit);
  return broken.length > 0 ? { outcome: "conflict", paths: broken } : { outcome: "undone", commit };
}

/** What `tryRevert` would do to each file of the live branch as it is at `head`. */
export async function previewRevert(
  git: Git,
  head: string,
  landed: string,
  brokenBy: Landing["brokenBy"],
): Promise<RevertPreview> {
  if (!(await holds(git, head, landed))) return { files: [], conflicts: [] };
  const spec = { message: "preview\n", author: plumbing.committer, at: "2000-01-01T00:00:00Z", brokenBy };
  const undone = await undo(git, head, landed, spec);
  if (undone.outcome !== "undone") {
    return { files: [], conflicts: undone.outcome === "conflict" ? undone.paths : [] };
  }
  const paths = [...(await plumbing.changedPaths(git, head, undone.commit))];
  const before = await plumbing.modes(git, head, paths);
  const after = await plumbing.modes(git, undone.commit, paths);
  const effectOf = (path: string) =>
    !before.has(path) ? "restored" : after.has(path) ? "changed" : "removed";
  return { files: paths.map((path) => ({ path, effect: effectOf(path) })), conflicts: [] };
}
