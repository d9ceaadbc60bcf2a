import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryFolder } from "./temporary.ts";

export type TestRepository = {
  folder: string;
  /** Runs git there. Returns what it prints. */
  git(...args: string[]): string;
  /** Commits files: contents, or null for one that goes away. Returns the commit. */
  commit(files: Readonly<Record<string, string | null>>, message?: string): string;
};

/** A repository of somebody's, with a work tree in which `main` is checked out. */
export async function repositoryWith(files: Readonly<Record<string, string>>): Promise<TestRepository> {
  const folder = join(await temporaryFolder(), "shop");
  mkdirSync(folder);
  const git = (...args: string[]): string => {
    const who = ["-c", "user.name=Ana", "-c", "user.email=ana@example.com", "-c", "commit.gpgSign=false"];
    const { status, stdout, stderr } = spawnSync("git", [...who, ...args], { cwd: folder, encoding: "utf8" });
    if (status !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };
  const commit: TestRepository["commit"] = (changed, message = "feat: change") => {
    for (const [path, contents] of Object.entries(changed)) {
      const at = join(folder, path);
      if (contents === null) {
        rmSync(at);
        continue;
      }
      mkdirSync(dirname(at), { recursive: true });
      writeFileSync(at, contents);
    }
    git("add", "--all");
    git("commit", "--quiet", "--allow-empty", "-m", message);
    return git("rev-parse", "HEAD");
  };
  git("init", "--quiet", "--initial-branch=main");
  commit(files, "feat: begin");
  return { folder, git, commit };
}
