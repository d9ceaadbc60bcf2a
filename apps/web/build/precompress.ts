import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import type { Plugin } from "vite";

const compressors = { br: promisify(brotliCompress), gz: promisify(gzip) };

/** Writes each script, style and page compressed beside itself, so that the server need not do it. */
export function precompress(): Plugin {
  return {
    name: "ciclo:precompress",
    apply: "build",
    async writeBundle({ dir = "" }, bundle) {
      const names = Object.keys(bundle).filter((name) => /\.(js|css|html|svg)$/.test(name));
      for (const name of names) {
        const bytes = await readFile(join(dir, name));
        for (const [ending, compress] of Object.entries(compressors)) {
          await writeFile(join(dir, `${name}.${ending}`), await compress(bytes));
        }
      }
    },
  };
}
