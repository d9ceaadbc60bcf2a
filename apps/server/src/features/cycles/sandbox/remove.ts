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
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    return;
  } catch (error) {
    // Or a folder that its owner may not write to.
    if (!(await exists(folder))) return;
    const parent = dirname(folder);
    const line = {
      command: "/bin/sh",
      args: ["-c", 'chmod -R u+rwX "$1" 2>/dev/null; rm -rf -- "$1"', "sh", basename(folder)],
    };
    const rules = { folder: parent, writable: [], hidden: [], network: "none" as const };
    await runInSandbox(sandbox, { line, rules, limits, env: { PATH: "/usr/bin:/bin" } });
    if (await exists(folder)) throw error;
  }
}
