import { execFileSync } from "node:child_process";

/** Git as a person would run it, for looking at what the console did. */
export const git = (folder: string, ...args: string[]): string => gitWith("", folder, ...args);

/** The same, with something to read. */
export const gitWith = (input: string | Buffer, folder: string, ...args: string[]): string =>
  execFileSync("git", ["-C", folder, ...args], {
    encoding: "utf8",
    input,
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      ...process.env,
      GIT_AUTHOR_NAME: "Test",
      GIT_AUTHOR_EMAIL: "test@example.com",
      GIT_COMMITTER_NAME: "Test",
      GIT_COMMITTER_EMAIL: "test@example.com",
    },
  }).trim();

/** Branches of a repository. */
export const branches = (folder: string): string[] =>
  git(folder, "for-each-ref", "--format=%(refname:short)", "refs/heads").split("\n");
