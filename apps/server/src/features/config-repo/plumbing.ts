import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import { type Git, GitError, GitLockError } from "../../lib/git.ts";
import { newId } from "../../lib/ids.ts";
import type { SourceFile } from "../../domain/snapshot.ts";
import type { CommitSpec } from "../../domain/config-repository.ts";

export const committer = { name: "Ciclo", email: "ciclo@localhost" };
const noCommit = "0".repeat(40);

/**
 * Writes a commit with `git fast-import`, which reads only the touched folders, so its
 * cost does not grow with the repository. No branch moves. Returns the commit id.
 */
export async function writeCommit(git: Git, spec: CommitSpec): Promise<string> {
  const workRef = `refs/ciclo/work/${newId()}`;
  const output = await git.text(["fast-import", "--quiet", "--date-format=raw", "--done"], {
    input: fastImportStream(workRef, spec),
  });
  return output.trim();
}

function fastImportStream(ref: string, spec: CommitSpec): Buffer {
  const date = `${Math.floor(Date.parse(spec.at) / 1000)} +0000`;
  const parts: (string | Buffer)[] = [
    `commit ${ref}\nmark :1\n`,
    `author ${person(spec.author)} ${date}\n`,
    `committer ${person(committer)} ${date}\n`,
    ...data(spec.message),
    spec.base === null ? "" : `from ${spec.base}\n`,
  ];
  for (const [path, contents] of spec.files) {
    if (contents === null) parts.push(`D ${quoted(path)}\n`);
    else parts.push(`M 100644 inline ${quoted(path)}\n`, ...data(contents));
  }
  // A ref is needed to make a commit; put back to nothing, it is never written.
  parts.push(`get-mark :1\nreset ${ref}\nfrom ${noCommit}\n\ndone\n`);
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
}

function data(contents: string): (string | Buffer)[] {
  const bytes = Buffer.from(contents);
  return [`data ${bytes.length}\n`, bytes, "\n"];
}

const person = ({ name, email }: { name: string; email: string }): string =>
  `${name.replace(/[<>\r\n\0]/g, "")} <${email.replace(/[<>\s\0]/g, "")}>`;

const quoted = (path: string): string => `"${path.replace(/["\\]/g, String.raw`\$&`)}"`;

/** The patch and stat between two commits, in a form that does not depend on settings or object count. */
export async function diffCommits(
  git: Git,
  from: string,
  to: string,
): Promise<{ patch: string; stat: string }> {
  const output = await git.text(
    [
      "diff-tree",
      "-p",
      "--stat=200",
      "--full-index",
      "--no-renames",
      "--no-ext-diff",
      "--no-textconv",
      from,
      to,
      "--",
    ],
    {},
  );
  const start = output.startsWith("diff --git") ? 0 : output.indexOf("\ndiff --git") + 1;
  if (start === 0 && !output.startsWith("diff --git")) return { patch: "", stat: output.trim() };
  return { patch: `${output.slice(start)}\n`, stat: output.slice(0, start).trim() };
}

/** Paths that differ between two commits. */
export async function changedPaths(git: Git, from: string, to: string): Promise<Set<string>> {
  if (from === to) return new Set();
  const output = await git.text(["diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to, "--"]);
  return new Set(output.split("\0").filter((path) => path !== ""));
}

/** The commit a ref points to, or null. */
export async function resolveRef(git: Git, ref: string): Promise<string | null> {
  const { code, stdout } = await git.run(["rev-parse", "--verify", "--quiet", `${ref}^{commit}`], {
    accept: [1, 128],
  });
  return code === 0 ? stdout.toString().trim() : null;
}

/**
 * The commit a branch or its mirror is at, or null. Every request asks, so where the ref has a file of its own,
 * that is read, as git would read it first; a git is started where it is packed, symbolic or kept in another way.
 */
export async function tipOf(git: Git, ref: `refs/${string}`): Promise<string | null> {
  const file = await readFile(join(git.folder, ref), "utf8").catch(() => "");
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})\n$/.test(file) ? file.trimEnd() : resolveRef(git, ref);
}

export async function isAncestor(git: Git, ancestor: string, of: string): Promise<boolean> {
  const { code } = await git.run(["merge-base", "--is-ancestor", ancestor, of], { accept: [1] });
  return code === 0;
}

/** Those of the commits that the history of `head` does not hold; also such as the repository has lost. */
export async function missing(git: Git, head: string, commits: readonly string[]): Promise<Set<string>> {
  const [first] = commits;
  if (first === undefined) return new Set();
  if (commits.length === 1) {
    const isThere = (await resolveRef(git, first)) !== null && (await isAncestor(git, first, head));
    return new Set(isThere ? [] : [first]);
  }
  const held = new Set((await git.text(["rev-list", head])).split("\n"));
  return new Set(commits.filter((commit) => !held.has(commit)));
}

/**
 * Changes refs all together or not at all. A null `from` creates only, a null `to` deletes.
 * Returns false when a ref was not where it was said to be.
 */
export async function moveRefs(
  git: Git,
  moves: readonly { ref: string; from: string | null; to: string | null }[],
): Promise<boolean> {
  const input = moves
    .map(({ ref, from, to }) =>
      to === null ? `delete ${ref} ${from ?? ""}\n` : `update ${ref} ${to} ${from ?? noCommit}\n`,
    )
    .join("");
  try {
    await git.run(["update-ref", "--stdin"], { input });
    return true;
  } catch (error) {
    if (!(error instanceof GitError) || error instanceof GitLockError) throw error;
    const broken = /unable to resolve reference '([^\n]+)': reference broken/.exec(error.stderr)?.[1];
    if (broken !== undefined) throw damaged(broken);
    if (isElsewhere(error)) return false;
    throw error;
  }
}

/** Whether a ref is not where it was said to be. That somebody holds its lock is another matter. */
const isElsewhere = ({ stderr }: GitError): boolean =>
  /is at [0-9a-f]+ but expected|reference already exists|unable to resolve reference|exists; cannot create/.test(
    stderr,
  );

export type MergeResult = { ok: true; tree: string } | { ok: false; conflicts: string[] };

/** Three-way merge of two commits, without an index or checkout. */
export async function mergeTrees(git: Git, ours: string, theirs: string): Promise<MergeResult> {
  const { code, stdout } = await git.run(
    ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs],
    { accept: [1] },
  );
  const [tree = "", ...conflicts] = stdout
    .toString()
    .split("\0")
    .filter((part) => part !== "");
  return code === 0 ? { ok: true, tree } : { ok: false, conflicts };
}

/** A commit of a tree that exists. Same values, same commit. */
export async function commitTree(
  git: Git,
  spec: {
    tree: string;
    parents: readonly string[];
    message: string;
    author: CommitSpec["author"];
    at: string;
  },
): Promise<string> {
  const date = `${Math.floor(Date.parse(spec.at) / 1000)} +0000`;
  return git.text(["commit-tree", spec.tree, ...spec.parents.flatMap((parent) => ["-p", parent])], {
    input: spec.message,
    env: {
      GIT_AUTHOR_NAME: spec.author.name,
      GIT_AUTHOR_EMAIL: spec.author.email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: committer.name,
      GIT_COMMITTER_EMAIL: committer.email,
      GIT_COMMITTER_DATE: date,
    },
  });
}

export type TreeEntry = { mode: string; blob: string; size: number; path: string };

/** Entries below the given paths at a commit. */
export async function listTree(git: Git, commit: string, paths: readonly string[]): Promise<TreeEntry[]> {
  const output = await git.text(["ls-tree", "-r", "-z", "--long", commit, "--", ...paths]);
  return output
    .split("\0")
    .filter((line) => line !== "")
    .map((line) => {
      const [meta = "", path = ""] = line.split("\t");
      const [mode = "", , blob = "", size = "0"] = meta.split(/ +/);
      return { mode, blob, size: Number(size) || 0, path };
    });
}

/** What there is at the top of a commit: names of files and folders. */
export async function topNames(git: Git, commit: string): Promise<string[]> {
  const output = await git.text(["ls-tree", "-z", "--name-only", commit]);
  return output.split("\0").filter((name) => name !== "");
}

/** Modes of the given paths themselves, folders too, without going into them. */
export async function modes(
  git: Git,
  commit: string,
  paths: readonly string[],
): Promise<Map<string, string>> {
  const output = await git.text(["ls-tree", "-t", "-z", commit, "--", ...new Set(paths)]);
  const lines = output.split("\0").filter((line) => line !== "");
  return new Map(lines.map((line) => [line.split("\t")[1] ?? "", line.slice(0, 6)]));
}

/** Contents of blobs, in one process. Contents that are not UTF-8 come as null. */
export async function readBlobs(
  git: Git,
  entries: readonly { path: string; blob: string }[],
): Promise<(SourceFile | { path: string; blob: string; source: null })[]> {
  if (entries.length === 0) return [];
  const { stdout } = await git.run(["cat-file", "--batch"], {
    input: entries.map((entry) => `${entry.blob}\n`).join(""),
  });
  let offset = 0;
  return entries.map(({ path, blob }) => {
    const lineEnd = stdout.indexOf(10, offset);
    const header = stdout.subarray(offset, lineEnd).toString();
    const size = Number(/^[0-9a-f]+ blob (\d+)$/.exec(header)?.[1] ?? Number.NaN);
    if (Number.isNaN(size)) throw damaged(`${path}: ${header}`);
    const bytes = stdout.subarray(lineEnd + 1, lineEnd + 1 + size);
    offset = lineEnd + 1 + size + 1;
    return { path, blob, source: decodeUtf8(bytes) };
  });
}

/** Something in the repository is not what it must be: a disk or a power cut spoilt it. */
export class Damaged extends Refusal {}

export const damaged = (what: string): Damaged =>
  new Damaged(
    "repository_unavailable",
    text(
      `The config repository is damaged (${what}). Restore it from a backup, or from somebody's clone.`,
      `O repositório de configuração está danificado (${what}). Restaure-o de um backup ou do clone de alguém.`,
    ),
  );

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}
