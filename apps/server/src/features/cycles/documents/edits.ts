import { type Documentation, hasHidden, type Text, text } from "@ciclo/contract";
import type { Git } from "../../../lib/git.ts";
import { SearchIndex } from "../../../lib/search-index.ts";
import type { Finding } from "../artifacts/check.ts";
import { contentsOf, filesAt } from "../stages/prepare.ts";

type Edit = Documentation["edits"][number];

const largestBytes = 64 * 1024;
/** Documents that are looked at, and that a model is shown beside the README. */
const mostRead = 500;
const mostShown = 3;

const isReadme = /^README(?:\.[\w-]+)*$/i;
const isDocument = /\.(?:md|mdx|rst|adoc)$/i;
/** What the console writes itself, what is nobody's to write, and what tells agents and forges what to do. */
const isOwn =
  /^docs\/cycles\/|(?:^|\/)(?:CHANGELOG\.md$|node_modules\/|LICEN[CS]E|\.[^/]+\/|(?:AGENTS|CLAUDE|GEMINI|SKILL|CODEOWNERS)\b)/i;

/**
 * Documents of a commit that a change may have to touch: the README, those that have most to do with a question, and those of
 * edits that were made before. What is no UTF-8 is left out: it could not be written back as it was.
 */
export async function documentsAt(
  git: Git,
  commit: string,
  { question, edits }: { question: string; edits: readonly Edit[] },
): Promise<Map<string, string>> {
  const files = (await filesAt(git, commit)).filter(
    ({ path, bytes }) =>
      (isReadme.test(path) || isDocument.test(path)) && !isOwn.test(path) && bytes <= largestBytes,
  );
  const byDepth = files.toSorted((a, b) => a.path.split("/").length - b.path.split("/").length);
  const contents = await contentsOf(git, byDepth.slice(0, mostRead));
  const index = new SearchIndex([...contents].map(([path, said]) => ({ path, title: path, text: said })));
  const best = index.search(question, mostShown).map(({ path }) => path);
  const before = edits.map(({ path }) => path);
  const shown = new Set([...[...contents.keys()].filter((path) => isReadme.test(path)), ...best, ...before]);
  return new Map([...contents].filter(([path, said]) => shown.has(path) && !said.includes("\uFFFD")));
}

/** What is wrong with edits of documents: each names one that was shown, and a passage that stands there once. Pure. */
export function editFindings(edits: readonly Edit[], documents: ReadonlyMap<string, string>): Finding[] {
  const now = new Map(documents);
  return edits.flatMap((edit, at) => {
    const problem = problemOf(edit, now);
    if (problem !== null) return [{ path: `edits[${at}].${problem.field}`, message: problem.message }];
    now.set(edit.path, edited(now.get(edit.path) ?? "", edit));
    return [];
  });
}

function problemOf(
  { path, find, replace }: Edit,
  documents: ReadonlyMap<string, string>,
): { field: keyof Edit; message: Text } | null {
  const contents = documents.get(path);
  if (contents === undefined) {
    const shown = [...documents.keys()].join(", ") || "-";
    return {
      field: "path",
      message: text(
        `${path} is none of the documents that were shown: ${shown}`,
        `${path} não é um dos documentos mostrados: ${shown}`,
      ),
    };
  }
  // A reviewer has to see what a machine will read.
  if (!replace.isWellFormed() || hasHidden(replace)) return { field: "replace", message: isUnseen };
  if (find === replace) return { field: "replace", message: changesNothing };
  const count = Math.max(...formsOf(find).map((form) => countOf(contents, form)));
  if (passageIn(contents, find) !== null) return null;
  return {
    field: "find",
    message: text(
      `this passage stands in ${path} ${count} times: copy one that stands there once, letter by letter`,
      `este trecho aparece ${count} vezes em ${path}: copie um que apareça uma vez, letra por letra`,
    ),
  };
}

const isUnseen = text(
  "holds characters that nobody would see: leave them out",
  "contém caracteres que ninguém veria: deixe-os de fora",
);
const changesNothing = text("is what stands there already", "é o que já está ali");

/** Documents as edits leave them, which fit; those that were not edited are left out. Pure. */
export function withEdits(
  edits: readonly Edit[],
  documents: ReadonlyMap<string, string>,
): Map<string, string> {
  const changed = new Map<string, string>();
  for (const edit of edits) {
    const contents = changed.get(edit.path) ?? documents.get(edit.path) ?? "";
    changed.set(edit.path, edited(contents, edit));
  }
  return changed;
}

function edited(contents: string, { find, replace }: Edit): string {
  const passage = passageIn(contents, find);
  if (passage === null) throw new Error("an edit does not fit");
  const put = passage.includes("\r\n") ? replace.replaceAll(/\r?\n/g, "\r\n") : replace;
  return contents.split(passage).join(put);
}

/** A passage as it may stand in a document: line ends are the one thing that nobody sees. */
const formsOf = (passage: string): string[] => [
  ...new Set([passage, passage.replaceAll(/\r?\n/g, "\r\n"), passage.replaceAll("\r\n", "\n")]),
];

/** The form of a passage that stands in a document once; null where none does. */
const passageIn = (contents: string, passage: string): string | null =>
  formsOf(passage).find((form) => countOf(contents, form) === 1) ?? null;

/** How often a passage stands somewhere, with those that overlap. */
function countOf(contents: string, passage: string): number {
  let count = 0;
  for (let at = contents.indexOf(passage); at !== -1; at = contents.indexOf(passage, at + 1)) count += 1;
  return count;
}
