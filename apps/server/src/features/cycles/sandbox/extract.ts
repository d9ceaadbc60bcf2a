import { tmpdir } from "node:os";
import { homedir } from "node:os";
import { join } from "node:path";
import { installation, serverFolder } from "../../../lib/places.ts";
import type { Sandbox } from "../../../lib/sandbox.ts";
import { type Ran, runInSandbox } from "./run.ts";

const program = join(serverFolder, "src/features/cycles/sandbox/extract.mjs");
const limits = {
  timeoutMs: 30_000,
  outputBytes: 4_000_000,
  memoryBytes: 1024 * 1024 * 1024,
  processes: 20,
};

export type ExtractDeps = {
  sandbox: Sandbox;
  /** What it does not see, beside the home of whoever runs the console. */
  hidden: readonly string[];
  /** The console's own Node. */
  program: string;
};

/** The text of a document; why there is none. Throws a `Refusal` where there is no sandbox. */
export async function extracted(
  deps: ExtractDeps,
  kind: "pdf" | "docx",
  bytes: Buffer,
): Promise<{ text: string } | { why: "encrypted" | "unreadable" | Exclude<Ran["ended"], null> }> {
  const { code, ended, stdout } = await runInSandbox(deps.sandbox, {
    line: { command: deps.program, args: [program, kind] },
    rules: {
      folder: null,
      writable: [],
      hidden: [...deps.hidden, homedir()],
      readable: [installation, deps.program],
      network: "none",
    },
    env: { HOME: tmpdir() },
    limits,
    input: bytes,
  });
  if (ended !== null) return { why: ended };
  if (stdout.dropped > 0) return { why: "memory" };
  if (code === 3) return { why: "encrypted" };
  return code === 0 ? { text: stdout.bytes.toString("utf8") } : { why: "unreadable" };
}
