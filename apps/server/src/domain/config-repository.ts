import type { Snapshot } from "./snapshot.ts";

/** What a commit is made of. With the same values the same commit comes out. */
export type CommitSpec = {
  /** Null for the first commit of a repository. */
  base: string | null;
  /** New contents by path; null deletes. */
  files: ReadonlyMap<string, string | null>;
  message: string;
  author: { name: string; email: string };
  /** ISO 8601; the date of author and committer. */
  at: string;
};

export type Landing = {
  commit: string;
  base: string;
  message: string;
  author: CommitSpec["author"];
  at: string;
  /** Asked of the commit that is landed on: files that stand against it now, if any. */
  objections(head: string): Promise<string[]>;
  /** Files that are whole at `head` and would not be at `commit`, a merge with it. */
  brokenBy(head: string, commit: string): Promise<string[]>;
};

export type Reverting = Pick<Landing, "message" | "author" | "at" | "brokenBy"> & { marker: string };

export type LandResult =
  | { outcome: "landed"; commit: string }
  | { outcome: "stale"; head: string; paths: string[] };

export type RevertResult =
  | { outcome: "reverted"; commit: string }
  | { outcome: "nothing_to_revert" }
  /** The branch was rewritten without it. */
  | { outcome: "not_there" }
  | { outcome: "conflict"; paths: string[] };

export type RevertPreview = {
  files: { path: string; effect: "restored" | "removed" | "changed" }[];
  /** Paths for which it would be refused. */
  conflicts: string[];
};

/** The source of truth. Nobody's checkout or index is touched. */
export type ConfigRepository = {
  baseBranch: string;
  /** How often it is worth asking whether the base branch moved, in milliseconds. */
  lookEveryMs: number;
  /** The live commit, after taking in what others pushed. */
  refresh(): Promise<string>;
  /** The live commit as last seen. */
  head(): Promise<string>;
  snapshot(commit: string): Promise<Snapshot>;
  /** A file at a commit; null when there is none, or its contents are not UTF-8 text. */
  readFile(commit: string, path: string): Promise<string | null>;
  /** Git's modes of those paths that exist at a commit; a folder's is 040000. */
  modes(commit: string, paths: readonly string[]): Promise<Map<string, string>>;
  /** Writes a commit that no branch has yet. */
  commit(spec: CommitSpec): Promise<string>;
  diff(from: string, to: string): Promise<{ patch: string; stat: string }>;
  /** Which of the paths were changed between two commits. */
  touched(from: string, to: string, paths: Iterable<string>): Promise<string[]>;
  hasCommit(commit: string): Promise<boolean>;
  /** Those of the commits that the history of `head` does not hold. */
  missing(head: string, commits: readonly string[]): Promise<Set<string>>;
  createBranch(branch: string, commit: string): Promise<boolean>;
  deleteBranch(branch: string, commit: string): Promise<void>;
  branchTip(branch: string): Promise<string | null>;
  /** Puts a commit on the base branch, by fast-forward or merge. Repeating it finds it there. */
  land(landing: Landing): Promise<LandResult>;
  /** Finds the commit that brought `commit` to the base branch. */
  landedAs(commit: string): Promise<string | null>;
  /** Takes a landed commit back by a new one. `marker` is a line of its message that finds it again. */
  revert(landed: string, spec: Reverting): Promise<RevertResult>;
  /** What reverting would do to the live branch as it is now. */
  previewRevert(landed: string, brokenBy: Landing["brokenBy"]): Promise<RevertPreview>;
  /** Explains how git sees a patch on a commit; null when it applies. */
  explainPatch(base: string, patch: string): Promise<string | null>;
};
