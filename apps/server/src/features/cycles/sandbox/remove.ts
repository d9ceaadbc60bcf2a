import { rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { exists } from "../../../lib/files.ts";
import type { Sandbox } from "../../../lib/sandbox.ts";
import { runInSandbox } from "./run.ts";

const limits = { timeoutMs: 300_000, outputBytes: 10_000, memoryBytes: 1e9, processes: 20 };

/**
 * Deletes a folder that untrusted programs wrote to. Its paths may be longer than the system allows; `rm` descends one folder at a
 * time. It runs in the sandbox, so that it cannot delete anything else. Throws if something is left.
 */
export async function removeFolder(sandbox: Sandbox, folder: string): Promise<void> {
  if (!(await exists(folder))) return;
  // A program of its own deletes 100,000 files in a second, and keeps nobody waiting meanwhile.
  if ((await sandbox.state()).available) {
    const line = {
      command: "/bin/sh",
      // What is left may be in folders that their owner may not write to.
      args: [
        "-c",
        'rm -rf -- "$1" 2>/dev/null || { chmod -R u+rwX "$1"; rm -rf -- "$1"; }',
        "sh",
        basename(folder),
      ],
    };
    const rules = { folder: dirname(folder), writable: [], hidden: [], network: "none" as const };
    await runInSandbox(sandbox, { line, rules, limits, env: { PATH: "/usr/bin:/bin" } });
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
