import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join, normalize, resolve } from "node:path";
import { inheritedEnvironment, passedEnvironment } from "../config.ts";

/** Runs the system's git. The only place that starts it; never through a shell. */

export type GitOptions = {
  input?: string | Uint8Array;
  /** Added to the environment: identities, a temporary index. */
  env?: Readonly<Record<string, string>>;
  /** Exit codes that are answers, not failures. */
  accept?: readonly number[];
  timeoutMs?: number;
  /** Ends it early. */
  signal?: AbortSignal;
};

export type GitResult = { code: number; stdout: Buffer; stderr: string };

/** A git command that failed. `stderr` is git's own explanation, credentials masked. */
export class GitError extends Error {
  readonly stderr: string;
  readonly code: number | null;
  constructor(command: string, code: number | null, stderr: string) {
    const explanation = maskCredentials(stderr.trim());
    super(`git ${command}: ${explanation === "" ? `exit ${code}` : explanation}`);
    this.stderr = explanation;
    this.code = code;
  }
}

/** A git command that met a lock file. `path` is the file, on whichever machine the repository is. */
export class GitLockError extends GitError {
  readonly path: string;
  constructor(command: string, code: number | null, stderr: string, path: string) {
    super(command, code, stderr);
    this.path = path;
  }
}

/** The lock file that git says is in its way; null when it complains of something else. */
function lockIn(stderr: string): string | null {
  const created = /unable to create (?:'([^\n]+)'|file ([^\n]+)): File exists/i.exec(stderr);
  const path = created?.[1] ?? created?.[2];
  if (path !== undefined && /\.(lock|new)$/.test(path)) return normalize(path);
  const config = /could not lock config file ([^\n]+): File exists/.exec(stderr)?.[1];
  return config === undefined ? null : `${config}.lock`;
}

export type Git = {
  readonly folder: string;
  run(args: readonly string[], options?: GitOptions): Promise<GitResult>;
  /** Standard output as text, without the last line end. */
  text(args: readonly string[], options?: GitOptions): Promise<string>;
};

const defaultTimeoutMs = 60_000;
const maxOutput = 256 * 1024 * 1024;

/**
 * Settings of whoever runs the console must not change what a commit holds: hooks,
 * filters, line ends, signing and colours are set here.
 */
const settings = [
  "core.hooksPath=/dev/null",
  "core.autocrlf=false",
  "core.quotePath=true",
  // What the database says has landed must be on the disk too. Loose objects are not flushed by default.
  "core.fsync=committed,reference",
  "commit.gpgSign=false",
  "color.ui=never",
  "gc.auto=0",
  "diff.noprefix=false",
  "diff.mnemonicPrefix=false",
  "diff.algorithm=myers",
  "diff.context=3",
  "protocol.ext.allow=never",
  "advice.detachedHead=false",
].flatMap((setting) => ["-c", setting]);

/** Git on a bare repository. */
export function openGit(folder: string): Git {
  const run = (args: readonly string[], options: GitOptions = {}): Promise<GitResult> =>
    runGit(["--git-dir", folder, ...settings, ...args], args[0] ?? "", options);
  return {
    folder,
    run,
    async text(args, options) {
      const { stdout } = await run(args, options);
      return stdout.toString("utf8").replace(/\n$/, "");
    },
  };
}

export async function isAncestor(git: Git, one: string, of: string): Promise<boolean> {
  const { code } = await git.run(["merge-base", "--is-ancestor", one, of], { accept: [1] });
  return code === 0;
}

/** Whether a repository has a commit, whichever branch it is on. */
export async function hasCommit(git: Git, commit: string): Promise<boolean> {
  const { code } = await git.run(["cat-file", "-e", `${commit}^{commit}`], { accept: [1, 128] });
  return code === 0;
}

/** What somebody's repository on this machine is: whether it is bare, and which of its settings run programs on files. */
export async function openGitAt(folder: string): Promise<{ isBare: boolean; programs: string[] }> {
  const at = async (args: readonly string[]): Promise<string> => {
    const { stdout } = await runGit(["-C", folder, ...args], args[0] ?? "", { accept: [1] });
    return stdout.toString("utf8").trim();
  };
  const isBare = (await at(["rev-parse", "--is-bare-repository"])) === "true";
  const named = await at(["config", "--name-only", "--get-regexp", "^filter\\..*\\.(smudge|process)$"]);
  return {
    isBare,
    programs: named.split("\n").filter((name) => name !== "" && !name.startsWith("filter.lfs.")),
  };
}

/** Makes an empty bare repository. Does nothing where there is one. */
export async function initBare(folder: string, branch: string): Promise<Git> {
  await runGit(["init", "--quiet", "--bare", `--initial-branch=${branch}`, folder], "init", {});
  return openGit(folder);
}

/**
 * Checks a commit of a bare repository out into a new folder: a repository of its own that borrows the objects of the other
 * one, and shares no ref, hook, setting or work tree with it. Whoever only reads those objects cannot harm them from there.
 */
export async function checkOutShared(git: Git, to: string, commit: string): Promise<void> {
  // Filters and templates of whoever runs the console are none of the repository's.
  const options = { env: { GIT_CONFIG_GLOBAL: "/dev/null" }, timeoutMs: checkoutMs };
  // On no commit yet: of the one that it is on already, git would check nothing out.
  await newSharedRepository(git, to, commit, "ref: refs/heads/main\n");
  const inside = ["-C", to, ...settings];
  const fast = ["-c", "checkout.workers=0", "-c", "checkout.thresholdForParallelism=1000"];
  await runGit([...inside, ...fast, "checkout", "--quiet", "--detach", commit], "checkout", options);
}

/** A repository in a folder that has none, which borrows the objects of another one, with a commit for its HEAD. No git is run. */
export async function newSharedRepository(
  { folder: from }: Git,
  to: string,
  commit: string,
  head = `${commit}\n`,
): Promise<void> {
  const folder = join(to, ".git");
  const info = join(folder, "objects", "info");
  // As `git init` and `git clone --shared` do, without two more processes and a remote that would have to be taken out again.
  await mkdir(join(folder, "refs"), { recursive: true });
  await mkdir(info, { recursive: true });
  await writeFile(join(info, "alternates"), `${join(resolve(from), "objects")}\n`);
  await writeFile(
    join(folder, "config"),
    commit.length === 64 ? repositoryConfig.sha256 : repositoryConfig.sha1,
  );
  await writeFile(join(folder, "HEAD"), head);
}

const core = "\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n";
/** Settings of a new repository, by how it names objects. https://git-scm.com/docs/repository-version */
const repositoryConfig = {
  sha1: `[core]\n\trepositoryformatversion = 0\n${core}`,
  sha256: `[core]\n\trepositoryformatversion = 1\n${core}[extensions]\n\tobjectformat = sha256\n`,
};

/** A repository of 100,000 files on a slow disk. */
const checkoutMs = 600_000;

function runGit(args: readonly string[], name: string, options: GitOptions): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const child = spawn("git", args, {
      env: environment(options.env),
      stdio: ["pipe", "pipe", "pipe"],
      timeout: options.timeoutMs ?? defaultTimeoutMs,
      killSignal: "SIGKILL",
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let size = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxOutput) child.kill("SIGKILL");
      else out.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      if (err.length < 1000) err.push(chunk);
    });
    child.on("error", reject);
    // Git may end before it has read everything; its exit code tells why.
    child.stdin.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") reject(error);
    });
    child.on("close", (code, signal) => {
      const stderr = Buffer.concat(err).toString("utf8");
      if (code !== null && (code === 0 || (options.accept ?? []).includes(code))) {
        resolve({ code, stdout: Buffer.concat(out), stderr });
      } else {
        // `push --porcelain` says on standard output what became of each ref.
        const said = name === "push" ? `${stderr}\n${Buffer.concat(out).toString("utf8")}` : stderr;
        const lock = lockIn(said);
        if (lock !== null) reject(new GitLockError(name, code, said, lock));
        else
          reject(
            new GitError(name, code, signal === null ? said : `ended by ${signal} (time or size limit)`),
          );
      }
    });
    child.stdin.end(options.input ?? "");
  });
}

/** Only what git needs: home and agent for credentials, what the operator passes on, no `GIT_…` of the caller's. */
function environment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = ["PATH", "HOME", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "SSL_CERT_FILE", "TMPDIR"];
  return {
    ...passedEnvironment(),
    ...inheritedEnvironment(kept),
    LC_ALL: "C.UTF-8",
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_NOSYSTEM: "1",
    ...extra,
  };
}

/** `https://user:token@host` → `https://***@host`. */
export const maskCredentials = (text: string): string => text.replace(/(\w+:\/\/)[^/\s@]+@/g, "$1***@");
