import { text } from "@ciclo/contract";
import type { Git } from "../../../lib/git.ts";
import { Memo } from "../../../lib/memo.ts";
import { refuseParts } from "../checkout.ts";
import { findRecipe, type Found, recipePath } from "../gates/recipe.ts";
import type { Repositories } from "../repositories.ts";
import { policyFile } from "../rules.ts";
import type { Stage } from "../stage.ts";

/** Takes the repository in, and finds out where the work begins and how it is checked. */
export function prepareStage({ repositories }: { repositories: Repositories }): Stage {
  return async ({ cycle, policy, signal }) => {
    const address = await repositories.allowed(cycle.repository, policy);
    const { branch, commit } = await repositories.fetch(address, cycle.base_branch, signal);
    const git = await repositories.copyOf(address);
    await refuseParts(git, commit);
    const found = await recipeAt(git, commit);
    const values = { base_branch: branch, base_commit: commit };
    if (found.from === "nowhere") return { to: "wait", waitsFor: "help", reason: found.why, values };
    // A person has to see a detected recipe before the console runs it.
    const isSeen = policy.checkpoints.some((checkpoint) => checkpoint !== "merge");
    if (found.from === "detected" && !isSeen) return { to: "wait", waitsFor: "help", reason: unseen, values };
    return {
      to: "next",
      values: { ...values, recipe: found },
      metadata: { branch, commit, recipe: found.from },
    };
  };
}

/** How a commit says, or shows, that it is checked. */
export async function recipeAt(git: Git, commit: string): Promise<Found> {
  const files = await filesAt(git, commit);
  const known = await contentsOf(
    git,
    files.filter(({ path, bytes }) => telling.has(path) && bytes <= mostBytes),
  );
  return findRecipe(
    files.map(({ path }) => path),
    (path) => known.get(path) ?? null,
  );
}

/** A file of a commit, by its path and its object, with its size in bytes. */
export type FileAt = { path: string; blob: string; bytes: number };

/** The files of the last few commits: a commit never changes, and listing a large one takes a second. */
const listed = new Memo<string, Promise<readonly FileAt[]>>(4);

export const filesAt = (git: Git, commit: string): Promise<readonly FileAt[]> =>
  listed.get(`${git.folder} ${commit}`, () => listFiles(git, commit));

async function listFiles(git: Git, commit: string): Promise<FileAt[]> {
  const said = await git.text(["ls-tree", "-r", "-l", "-z", "--full-tree", commit]);
  return said
    .split("\0")
    .filter((entry) => entry !== "")
    .flatMap((entry) => {
      const [head = "", path = ""] = entry.split("\t", 2);
      const [mode, kind, blob = "", size] = head.split(/ +/);
      return kind === "blob" && mode !== "120000" ? [{ path, blob, bytes: Number(size) }] : [];
    });
}

/** Files that say how a repository is checked. */
const telling = new Set([recipePath, "package.json"]);

const mostBytes = 1024 * 1024;

/** A file of a commit as text; null where there is none, or none that is text of a reasonable size. */
export async function contentsAt(git: Git, commit: string, path: string): Promise<string | null> {
  const { code, stdout } = await git.run(["cat-file", "blob", `${commit}:${path}`], { accept: [128] });
  if (code !== 0 || stdout.length > mostBytes || stdout.includes(0)) return null;
  return stdout.toString("utf8");
}

/** Many files of a commit as text, by path, with one process of git; those that are no text are left out. */
export async function contentsOf(git: Git, files: readonly FileAt[]): Promise<Map<string, string>> {
  const input = files.map(({ blob }) => `${blob}\n`).join("");
  const { stdout } = await git.run(["cat-file", "--batch"], { input });
  const contents = new Map<string, string>();
  let at = 0;
  for (const { path } of files) {
    const end = stdout.indexOf("\n", at);
    const size = Number(/^\S+ blob (\d+)$/.exec(stdout.toString("utf8", at, end))?.[1] ?? Number.NaN);
    if (Number.isNaN(size)) throw new Error(`git has no contents of ${path}`);
    const bytes = stdout.subarray(end + 1, end + 1 + size);
    if (!bytes.includes(0)) contents.set(path, bytes.toString("utf8"));
    at = end + size + 2;
  }
  return contents;
}

const unseen = text(
  `The console could only guess how the repository is checked, and no checkpoint comes before the work begins. Write it to ${recipePath}, or have ${policyFile} name the checkpoint analyze or plan`,
  `A console só pôde supor como o repositório é verificado, e nenhum checkpoint vem antes do trabalho. Escreva isso em ${recipePath}, ou faça ${policyFile} nomear o checkpoint analyze ou plan`,
);
