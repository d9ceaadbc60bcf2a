import { type Documentation, text } from "@ciclo/contract";
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
const isDocument = /\.(?:md|mdx|rst|adoc|txt)$/i;
/** What the console writes itself, and what is nobody's to write. */
const isOwn = /^docs\/cycles\/|(?:^|\/)(?:CHANGELOG\.md$|node_modules\/|LICEN[CS]E)/i;

/** Documents of a commit that a change may have to touch: the README, and those that have most to do with a question. */
export async function documentsAt(git: Git, commit: string, question: string): Promise<Map<string, string>> {
  const files = (await filesAt(git, commit)).filter(
    ({ path, bytes }) =>
      (isReadme.test(path) || isDocument.test(path)) && !isOwn.test(path) && bytes <= largestBytes,
  );
  const byDepth = files.toSorted((a, b) => a.path.split("/").length - b.path.split("/").length);
  const contents = await contentsOf(git, byDepth.slice(0, mostRead));
  const index = new SearchIndex([...contents].map(([path, said]) => ({ path, title: path, text: said })));
  const best = index.search(question, mostShown).map(({ path }) => path);
  const shown = new Set([...[...contents.keys()].filter((path) => isReadme.test(path)), ...best]);
  return new Map([...contents].filter(([path]) => shown.has(path)));
}

/** What is wrong with edits of documents: each names one that was shown, and a passage that stands there once. Pure. */
export function editFindings(edits: readonly Edit[], documents: ReadonlyMap<string, string>): Finding[] {
  const now = new Map(documents);
  return edits.flatMap((edit, at) => {
    const path = `edits[${at}]`;
    const contents = now.get(edit.path);
    if (contents === undefined) {
      const shown = [...documents.keys()].join(", ") || "-";
      return [
        {
          path: `${path}.path`,
          message: text(
            `${edit.path} is none of the documents that were shown: ${shown}`,
            `${edit.path} não é um dos documentos mostrados: ${shown}`,
          ),
        },
      ];
    }
    const count = contents.split(inLinesOf(contents, edit.find)).length - 1;
    if (count === 1) now.set(edit.path, edited(contents, edit));
    return count === 1
      ? []
      : [
          {
            path: `${path}.find`,
            message: text(
              `this passage stands in ${edit.path} ${count} times: copy one that stands there once, letter by letter`,
              `este trecho aparece ${count} vezes em ${edit.path}: copie um que apareça uma vez, letra por letra`,
            ),
          },
        ];
  });
}

/** Documents as edits leave them; those that were not edited are left out. Edits that do not fit are skipped. Pure. */
export function withEdits(
  edits: readonly Edit[],
  documents: ReadonlyMap<string, string>,
): Map<string, string> {
  const changed = new Map<string, string>();
  for (const edit of edits) {
    const contents = changed.get(edit.path) ?? documents.get(edit.path);
    if (contents === undefined || contents.split(inLinesOf(contents, edit.find)).length !== 2) continue;
    changed.set(edit.path, edited(contents, edit));
  }
  return changed;
}

const edited = (contents: string, { find, replace }: Edit): string =>
  contents.split(inLinesOf(contents, find)).join(inLinesOf(contents, replace));

/** A passage with the line ends of the document that it is for. */
const inLinesOf = (contents: string, passage: string): string =>
  contents.includes("\r\n") ? passage.replaceAll(/\r?\n/g, "\r\n") : passage;
