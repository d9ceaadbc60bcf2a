import type { Documentation } from "@ciclo/contract";

type Entry = Documentation["changelog"][number];

const unreleased = /^##[ \t]+\[?unreleased\]?.*$/im;
const anyVersion = /^##[ \t]/m;

/**
 * A changelog with entries added under `Unreleased`, below the headings of Keep a Changelog. Nothing that was there is touched:
 * the change is an insertion. Pure.
 */
export function addToChangelog(changelog: string, entries: readonly Entry[]): string {
  const eol = changelog.includes("\r\n") ? "\r\n" : "\n";
  let text = withUnreleased(changelog, eol);
  for (const { section, entry } of entries)
    text = inserted(text, section, entry.replaceAll(/\s+/g, " "), eol);
  return text;
}

function withUnreleased(text: string, eol: string): string {
  if (unreleased.test(text)) return text;
  const heading = `## [Unreleased]${eol}${eol}`;
  const at = text.search(anyVersion);
  if (at !== -1) return text.slice(0, at) + heading + text.slice(at);
  const end = text === "" || text.endsWith(eol) ? "" : eol;
  return `${text}${end}${eol}${heading}`;
}

function inserted(text: string, section: string, entry: string, eol: string): string {
  const start = unreleased.exec(text);
  if (start === null) throw new Error("no heading for what is unreleased");
  const from = start.index + start[0].length;
  const rest = text.slice(from);
  // Up to the next version, or the links at the end.
  const length = rest.search(/^(?:##[ \t]|\[[^\]]+\]:)/m);
  const to = length === -1 ? text.length : from + length;
  const part = text.slice(from, to);
  const heading = new RegExp(`^###[ \\t]+${section}[ \\t]*\\r?$`, "im").exec(part);
  if (heading === null) {
    const at = from + part.trimEnd().length;
    const after = text.slice(at, to).replace(/^(?:\r?\n)*/, "");
    const tail = text.slice(to);
    const space = tail === "" && after === "" ? eol : `${eol}${eol}`;
    return `${text.slice(0, at)}${eol}${eol}### ${section}${eol}${eol}- ${entry}${space}${after}${tail}`;
  }
  const begin = from + heading.index + heading[0].length;
  const body = text.slice(begin, to);
  const next = body.search(/^###[ \t]/m);
  const list = next === -1 ? body : body.slice(0, next);
  const kept = list.trimEnd();
  const at = begin + kept.length;
  const space = kept === "" ? `${eol}${eol}` : eol;
  return `${text.slice(0, at)}${space}- ${entry}${text.slice(at)}`;
}
