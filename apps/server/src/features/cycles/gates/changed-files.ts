import type { ChangedFile, ChangedLine } from "./guard.ts";

/** What git is asked for: the same files in the same order, once by name and once by line. */
export const changedFilesArgs = {
  names: (base: string, head: string): string[] => ["diff", "--raw", "-z", ...alike, base, head],
  lines: (base: string, head: string): string[] => [
    "diff",
    "--patch",
    "--text",
    "--unified=0",
    ...alike,
    base,
    head,
  ],
};

const alike = [
  "--find-renames",
  "--no-ext-diff",
  "--no-textconv",
  "--ignore-submodules=none",
  "--end-of-options",
];

/**
 * Files that a change touches, from git's list of them (`--raw -z`) and its patch without context. Names are those of the list:
 * a patch writes unusual ones in a way of its own. Throws where the two are not of one change.
 */
export function changedFiles(raw: string, patch: string): ChangedFile[] {
  const names = namesIn(raw);
  // A line of a file begins with a sign: none looks like this one. A bare carriage return ends no line.
  const parts = `\n${patch}`.split(/\ndiff --git [^\n]*/).slice(1);
  const needed = names.reduce((sum, { parts: count }) => sum + count, 0);
  if (needed !== parts.length)
    throw new Error(`git names ${needed} files, and its patch is of ${parts.length}`);
  let at = 0;
  return names.map(({ parts: count, ...name }) => {
    const own = parts.slice(at, (at += count)).map(linesIn);
    return {
      ...name,
      added: own.flatMap(({ added }) => added),
      removed: own.flatMap(({ removed }) => removed),
    };
  });
}

/** `parts`: git writes two patches for a file that turns into a link, or back: a deletion and a creation. */
type Name = Pick<ChangedFile, "path" | "before" | "isDeleted"> & { parts: 1 | 2 };

function namesIn(raw: string): Name[] {
  const fields = raw.split("\0");
  const names: Name[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const status = fields[at]?.split(" ")[4] ?? "";
    const path = fields[at + 1] ?? "";
    if (status.startsWith("R") || status.startsWith("C")) {
      // A copy is new: what it was made from stays.
      const to = fields[at + 2] ?? "";
      names.push({ path: to, before: status.startsWith("R") ? path : null, isDeleted: false, parts: 1 });
      at += 1;
    } else {
      const before = status === "A" ? null : path;
      names.push({ path, before, isDeleted: status === "D", parts: status === "T" ? 2 : 1 });
    }
  }
  return names;
}

const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

function linesIn(part: string): { added: ChangedLine[]; removed: ChangedLine[] } {
  const [added, removed]: [ChangedLine[], ChangedLine[]] = [[], []];
  let places: { old: number; now: number } | null = null;
  for (const text of part.split("\n")) {
    const found = hunk.exec(text);
    if (found !== null) places = { old: Number(found[1]), now: Number(found[2]) };
    else if (places !== null && text.startsWith("-"))
      removed.push({ line: places.old++, text: text.slice(1) });
    else if (places !== null && text.startsWith("+")) added.push({ line: places.now++, text: text.slice(1) });
  }
  return { added, removed };
}
