import { appendFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { privateFolder } from "../../lib/files.ts";
import { maskSecrets } from "../../lib/mask-secrets.ts";
import type { BadLine } from "./follow.ts";

const mostText = 4000;
/** A file that is bad throughout fills no disk: what is beyond is counted, and not kept. */
const mostKept = 10_000;

/** Lines that could not be used, by file: `<home>/rejected/<source>/<path>`, each with its number and the reason. */
export class Rejected {
  readonly #home: string;
  readonly #kept = new Map<string, number>();

  constructor(home: string) {
    this.#home = home;
  }

  /** Where the lines of a file are. */
  pathOf(source: string, path: string): string {
    return join(this.#home, "rejected", source, path.replace(/\.gz$/, ""));
  }

  async keep(source: string, path: string, lines: readonly BadLine[], withText: boolean): Promise<void> {
    const file = this.pathOf(source, path);
    const kept = this.#kept.get(file) ?? 0;
    const some = lines.slice(0, Math.max(0, mostKept - kept));
    if (some.length === 0) return;
    this.#kept.set(file, kept + some.length);
    const entries = some.map(({ line, reason, bytes }) => {
      const text = maskSecrets(bytes.subarray(0, mostText).toString("utf8"));
      return `${JSON.stringify(withText ? { line, reason, text } : { line, reason })}\n`;
    });
    await privateFolder(dirname(file));
    await appendFile(file, entries.join(""), { mode: 0o600 });
  }
}
