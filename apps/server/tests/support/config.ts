import type { RegistryServer } from "@ciclo/contract";
import { stringify } from "yaml";
import { gitWith } from "./git.ts";

/** Commits files to a repository's main branch, as somebody does who pushes beside the console. Returns the commit. */
export function pushFiles(repository: string, files: Record<string, string>): string {
  const data = (contents: string): string => `data ${Buffer.byteLength(contents)}\n${contents}\n`;
  const commit = [
    "commit refs/heads/main\nmark :1\n",
    `committer Test <test@example.com> ${Math.floor(Date.now() / 1000)} +0000\n`,
    data("Pushed"),
    "from refs/heads/main^0\n",
    ...Object.entries(files).map(([path, contents]) => `M 100644 inline ${path}\n${data(contents)}`),
    "get-mark :1\ndone\n",
  ];
  return gitWith(commit.join(""), repository, "fast-import", "--quiet", "--done");
}

export const registryOf = (servers: readonly RegistryServer[]): string => stringify({ servers });

/** Policies that let a test reach servers on loopback, and run programs of the machine that may write to some folders. */
export const openPolicies = (
  commands: readonly string[] = [process.execPath],
  writes: readonly string[] = [],
): Record<string, string> => ({
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
    allow: commands.map((command) => ({ command, env: ["*"], writes })),
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
    unapproved_text: "pass",
    rules: [
      {
        roles: ["planner", "approver", "admin"],
        servers: ["*"],
        tools: ["*"],
        resources: ["*"],
        prompts: ["*"],
        effect: "allow",
      },
    ],
  }),
};
