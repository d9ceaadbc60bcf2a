import { randomBytes } from "node:crypto";
import { showHidden } from "@ciclo/contract";
import { shortName } from "../../lib/crypto.ts";
import { fold } from "../../lib/fold.ts";

const longestTitle = 120;

/** What an issue is called: its first heading, else the beginning of its first line. Pure. */
export function titleOf(issue: string): string {
  const heading = /^#{1,6}[ \t]+(.+?)[ \t]*#*$/m.exec(issue)?.[1];
  const [line = ""] = issue.trim().split(/\r?\n/, 1);
  const title = (heading ?? line).replaceAll(/\s+/g, " ").trim();
  const letters = Array.from(title);
  return letters.length <= longestTitle
    ? title
    : `${letters
        .slice(0, longestTitle - 1)
        .join("")
        .trimEnd()}…`;
}

/** A title on one line, with nothing hidden in it. */
export const shownTitle = (title: string): string =>
  showHidden(title.replaceAll(/\s+/g, " ").trim()).slice(0, 500);

/** A name for a cycle: of what it is about, and told apart from others. */
export function cycleIdFor(title: string): string {
  const words = fold(title)
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replaceAll(/^-|-$/g, "");
  return `${words === "" ? "cycle" : words}-${shortName(randomBytes(16), 6)}`;
}

/** The branch that a cycle's work is on. */
export const branchOf = (id: string): string => `ciclo/${id}`;
