/** What somebody who wants a delivery cycle said of it; null for what was not said. */
export type CycleWish = {
  /** The address of an issue, its number in the repository, or what is wanted in words. */
  issue: { address: string } | { number: number } | { words: string } | null;
  /** A name, a path, or an address. */
  repository: string | null;
  branch: string | null;
};

/** What came of it. Nothing was started but in the first case. */
export type CycleWishOutcome =
  | { kind: "started"; cycle: { id: string; title: string; repository: string } }
  | { kind: "no_issue"; repository: string | null }
  /** The repository is on no forge that is known: a number says nothing there. */
  | { kind: "no_issues_there"; repository: string }
  /** Those that it may be: none, or several. */
  | { kind: "which_repository"; name: string | null; may_be: string[] };
