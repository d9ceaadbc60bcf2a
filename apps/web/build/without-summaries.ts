import type { Plugin } from "vite";

const operationFiles = /\/packages\/contract\/src\/(?:[a-z]+-)?operations\.ts$/;
/** A member of an operation that only the reference documentation reads, on one line or two. */
const member = /^[ \t]+(?:summary:\s*(?:"(?:[^"\\]|\\.)*"|`[^`]*`)|tag: "[a-z_]+"),\n/gm;

/** Leaves out of the browser's bundle what operations say of themselves: pages have words of their own. */
export function withoutSummaries(): Plugin {
  return {
    name: "ciclo:without-summaries",
    apply: "build",
    enforce: "pre",
    transform(code, id) {
      if (!operationFiles.test(id)) return null;
      const lean = code.replace(member, "");
      if (/\bsummary:\s*["`]/.test(lean))
        this.error(`${id}: a summary is written in a form that is not known`);
      return { code: lean, map: null };
    },
  };
}
