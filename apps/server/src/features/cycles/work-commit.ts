import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Git } from "../../lib/git.ts";
import { asConventional } from "./conventional.ts";

/** Whom a commit is by, as git writes it. */
export type Author = { name: string; email: string };

export const consoleAuthor: Author = { name: "Ciclo", email: "ciclo@localhost" };

/**
 * Makes a commit on top of another that has these files written, without a work tree: nothing of the repository is run.
 * Returns it; the commit it was to stand on where that has the files already.
 */
export async function commitFiles(
  git: Git,
  on: string,
  {
    files,
    message,
    author,
    at,
  }: { files: ReadonlyMap<string, string>; message: string; author: Author; at: string },
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "ciclo-index-"));
  try {
    const env = { GIT_INDEX_FILE: join(folder, "index") };
    await git.run(["read-tree", on], { env });
    // By one git for all of them, and letter by letter: no attribute of the repository changes them.
    const places = [...files.keys()].map((_, index) => join(folder, `file-${index}`));
    await Promise.all([...files.values()].map((contents, index) => writeFile(places[index] ?? "", contents)));
    const hash = ["hash-object", "-w", "--no-filters", "--stdin-paths"];
    const blobs = (await git.text(hash, { input: places.map((place) => `${place}\n`).join("") })).split("\n");
    const entries = [...files.keys()].map((path, index) => `100644 ${blobs[index]}\t${path}`);
    await git.run(["update-index", "-z", "--add", "--index-info"], {
      env,
      input: entries.map((e) => `${e}\0`).join(""),
    });
    const tree = await git.text(["write-tree"], { env });
    if (tree === (await git.text(["rev-parse", `${on}^{tree}`]))) return on;
    return await commitTree(git, { tree, parents: [on], message, author, at });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function commitTree(
  git: Git,
  of: { tree: string; parents: readonly string[]; message: string; author: Author; at: string },
): Promise<string> {
  const { name, email } = of.author;
  const env = {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: of.at,
    GIT_COMMITTER_NAME: consoleAuthor.name,
    GIT_COMMITTER_EMAIL: consoleAuthor.email,
    GIT_COMMITTER_DATE: of.at,
  };
  return git.text(["commit-tree", of.tree, ...of.parents.flatMap((parent) => ["-p", parent])], {
    env,
    input: of.message,
  });
}

/** Commits of `head` that are not in `base`, the oldest first. */
export async function commitsBetween(
  git: Git,
  base: string,
  head: string,
): Promise<{ commit: string; subject: string }[]> {
  const said = await git.text([
    "log",
    "--reverse",
    "--format=%H%x09%s",
    "--max-count=1000",
    `${base}..${head}`,
  ]);
  return said
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [commit = "", subject = ""] = line.split("\t", 2);
      return { commit, subject: subject.slice(0, 300) };
    });
}

const mostRewritten = 1000;

/**
 * The same work with each commit's message as Conventional Commits have it; `head` itself where they are so already. Commits that
 * `known` or a branch of the repository hold, and merges, stay as they are. Authors, dates and contents are kept; a signature is not,
 * since it was of another message.
 */
export async function withConventionalCommits(
  git: Git,
  head: string,
  known: readonly string[],
): Promise<string> {
  const listed = await git.text([
    "log",
    "--reverse",
    "--topo-order",
    "-z",
    "--format=%H %P%n%B",
    `--max-count=${mostRewritten}`,
    head,
    "--not",
    ...known,
    "--glob=refs/source/*",
  ]);
  const renamed = new Map<string, string>();
  for (const entry of listed.split("\0").filter((one) => one !== "")) {
    const [commit = "", ...parents] = entry.slice(0, entry.indexOf("\n")).split(" ");
    const message = entry.slice(entry.indexOf("\n") + 1);
    const isMerge = new Set(parents).size > 1;
    const now = isMerge ? message : await asConventional(message, "chore");
    if (now !== message || parents.some((parent) => renamed.has(parent)))
      renamed.set(commit, await rewritten(git, commit, now === message ? null : now, renamed));
  }
  return renamed.get(head) ?? head;
}

/** The same commit with another message, or its own (null), and on commits that were written again themselves. Returns it. */
async function rewritten(
  git: Git,
  commit: string,
  message: string | null,
  renamed: ReadonlyMap<string, string>,
): Promise<string> {
  const { stdout } = await git.run(["cat-file", "commit", commit]);
  const blank = stdout.indexOf("\n\n");
  const end = blank === -1 ? stdout.length : blank;
  const encoding = /^encoding (.+)$/m.exec(stdout.toString("latin1", 0, end))?.[1] ?? null;
  const decoder = encoding === null || message === null ? null : decoderOf(encoding);
  const isKept = message === null || (encoding !== null && decoder === null);
  const top = (decoder === null ? stdout.toString("latin1", 0, end) : decoder.decode(stdout.subarray(0, end)))
    .replaceAll(/^parent (.*)$/gm, (_, id: string) => `parent ${renamed.get(id) ?? id}`)
    // A signature was of another message, or of other parents.
    .replaceAll(/^gpgsig(?:-sha256)? .*(?:\n .*)*\n?/gm, "")
    .replaceAll(isKept ? /(?!)/g : /^encoding .*\n?/gm, "");
  const input = Buffer.concat([
    Buffer.from(top.trimEnd(), decoder === null ? "latin1" : "utf8"),
    isKept ? stdout.subarray(end) : Buffer.from(`\n\n${message}`),
  ]);
  return git.text(["hash-object", "-t", "commit", "-w", "--stdin"], { input });
}

/** Null for an encoding that nobody here knows. */
function decoderOf(encoding: string): TextDecoder | null {
  try {
    return new TextDecoder(encoding);
  } catch {
    return null;
  }
}
