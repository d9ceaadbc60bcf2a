import { gzipSync } from "node:zlib";
import type { Plugin, Rolldown } from "vite";

type Chunk = Rolldown.OutputChunk;

/**
 * Prints what each chunk weighs, gzipped, and fails the build when the JavaScript of the first
 * page is heavier than the limit: the entry and the page, all they import, and the heaviest catalogue.
 */
export function weigh({ limitKb, firstPage }: { limitKb: number; firstPage: string }): Plugin {
  return {
    name: "ciclo:weigh",
    apply: "build",
    writeBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((file): file is Chunk => file.type === "chunk");
      const weights = new Map(chunks.map(({ fileName, code }) => [fileName, gzipSync(code).length / 1024]));
      const weightOf = (name: string): number => weights.get(name) ?? 0;
      const entry = chunks.find((chunk) => chunk.isEntry);
      if (entry === undefined) throw new Error("the bundle has no entry");
      const page = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith(firstPage));
      if (page === undefined) throw new Error(`no chunk is ${firstPage}`);
      const first = staticImports([entry, page], new Map(chunks.map((chunk) => [chunk.fileName, chunk])));
      const catalogues = chunks.filter(({ facadeModuleId }) => facadeModuleId?.endsWith(".po"));
      const catalogue = Math.max(0, ...catalogues.map(({ fileName }) => weightOf(fileName)));
      const initial = [...first].reduce((sum, name) => sum + weightOf(name), catalogue);
      for (const [name, kb] of [...weights].toSorted(([, a], [, b]) => b - a)) {
        print(`${kb.toFixed(1).padStart(7)} kB  ${first.has(name) ? "first page" : "later     "}  ${name}`);
      }
      print(`The first page takes ${initial.toFixed(1)} kB of JavaScript, gzipped (limit ${limitKb}).`);
      if (initial > limitKb) {
        this.error(
          `the first page weighs ${initial.toFixed(1)} kB, more than ${limitKb}: load more of it later`,
        );
      }
    },
  };
}

const print = (line: string): void => void process.stderr.write(`${line}\n`);

function staticImports(starts: readonly Chunk[], chunks: ReadonlyMap<string, Chunk>): Set<string> {
  const seen = new Set<string>();
  const queue = starts.map(({ fileName }) => fileName);
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    queue.push(...(chunks.get(name)?.imports ?? []));
  }
  return seen;
}
