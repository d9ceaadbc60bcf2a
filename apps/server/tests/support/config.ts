import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { RegistryServer } from "@ciclo/contract";
import { stringify } from "yaml";
import { git } from "./git.ts";

/** Commits files to a repository's main branch, as somebody would who pushes beside the console. */
export function pushFiles(repository: string, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "ciclo-push-"));
  git(folder, "clone", "--quiet", repository, "work");
  const work = join(folder, "work");
  for (const [path, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(work, path)), { recursive: true });
    writeFileSync(join(work, path), contents);
  }
  git(work, "add", "--all");
  git(work, "commit", "--quiet", "--message", "Pushed");
  git(work, "push", "--quiet", "origin", "HEAD:main");
  const commit = git(work, "rev-parse", "HEAD");
  rmSync(folder, { recursive: true });
  return commit;
}

export const registryOf = (servers: readonly RegistryServer[]): string => stringify({ servers });

/** Policies that let a test reach servers on loopback and run programs of the machine. */
export const openPolicies = (commands: readonly string[] = [process.execPath]): Record<string, string> => ({
  "policies/network.yaml": stringify({
    id: "network",
    kind: "network",
    title: "Network",
    allow_hosts: ["*"],
    allow_private: true,
    require_tls: false,
  }),
  "policies/commands.yaml": stringify({
    id: "commands",
    kind: "commands",
    title: "Commands",
    allow: commands.map((command) => ({ command })),
  }),
});

/** Tools that nobody has approved are offered at once. */
export const newToolsAllowed: Record<string, string> = {
  "policies/access.yaml": stringify({
    id: "access",
    kind: "access",
    title: "Tool access",
    default: "deny",
    new_tools: "allow",
    rules: [{ roles: ["planner", "approver", "admin"], servers: ["*"], tools: ["*"], effect: "allow" }],
  }),
};
