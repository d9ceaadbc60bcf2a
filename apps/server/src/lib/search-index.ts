import type { Reference } from "@ciclo/contract";
import MiniSearch from "minisearch";
import { fold } from "./fold.ts";

export type SearchDocument = { path: string; title: string; text: string };

/** Words that say nothing of a subject, in both languages. */
const stopWords = new Set(
  (
    "a an and are as at be by can do does for from has have how i in is it of on or that the this to was what when " +
    "where which who why will with you my me we our o os um uma e de da do das dos em no na nos nas por para com " +
    "que qual quais quem como quando onde se ser sao sobre eu meu minha nos ao aos as esta este isso tem ha"
  ).split(" "),
);

export class SearchIndex {
  readonly #index: MiniSearch;
  readonly #documents: readonly SearchDocument[];

  constructor(documents: readonly SearchDocument[]) {
    this.#documents = documents;
    this.#index = new MiniSearch({
      fields: ["title", "text", "path"],
      tokenize: (text) => fold(text).split(/[^a-z0-9]+/),
      processTerm: (term) => (term.length < 2 || stopWords.has(term) ? null : term),
      searchOptions: { boost: { title: 3, path: 2 }, prefix: (term) => term.length > 3, fuzzy: 0.15 },
    });
    this.#index.addAll(documents.map((document, id) => ({ id, ...document })));
  }

  /** The best documents for a query, each with the lines that fit it most. */
  search(query: string, limit: number): Reference[] {
    return this.#index
      .search(query.slice(0, 500))
      .slice(0, limit)
      .flatMap(({ id, score, terms }) => {
        const document = this.#documents[id as number];
        if (document === undefined) return [];
        const { path, title, text } = document;
        return [{ path, title, snippet: snippetOf(text, terms), score: Number(score.toFixed(2)) }];
      });
  }
}

const snippetLines = 4;

/** The lines around the one that holds most of the terms. */
function snippetOf(text: string, terms: readonly string[]): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const hits = (line: string): number => {
    const folded = fold(line);
    return terms.filter((term) => folded.includes(term)).length;
  };
  const scores = lines.map(hits);
  const best = scores.indexOf(Math.max(...scores));
  return lines
    .slice(Math.max(0, best - 1), best - 1 + snippetLines)
    .join("\n")
    .slice(0, 600);
}

/** Cuts Markdown at its headings, so that a hit is a section and not a book. */
export function markdownSections(path: string, source: string): SearchDocument[] {
  const parts = source.split(/^(?=#{1,3} )/m).filter((part) => part.trim() !== "");
  return parts.map((part) => {
    const title = /^#{1,3} (.*)$/m.exec(part)?.[1] ?? path;
    return { path, title, text: part.replace(/^#{1,3} .*\n?/, "") };
  });
}
