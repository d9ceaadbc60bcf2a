import { mkdir, realpath, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { type PolicyOf, text } from "@ciclo/contract";
import type { ForgeConfig } from "../../domain/forge.ts";
import { fieldError, invalidPayload, Refusal } from "../../errors.ts";
import { sha256 } from "../../lib/crypto.ts";
import { isMissing, namesIn } from "../../lib/files.ts";
import {
  type Git,
  type GitOptions,
  hasCommit,
  initBare,
  isAncestor,
  openGit,
  openGitAt,
} from "../../lib/git.ts";
import { forgeOrigin, projectAt } from "../../lib/forge/address.ts";
import { ownedGit } from "../../lib/owned-git.ts";
import { KeyedMutex } from "../../lib/keyed-mutex.ts";
import {
  explained,
  isDetached,
  isElsewhere,
  isEmpty,
  isShallow,
  noBranch,
  runsPrograms,
} from "./repository-problems.ts";
import { policyFile } from "./rules.ts";

export type RepositoriesDeps = {
  /** The console's home: copies of repositories are below it. */
  home: string;
  matchesAny(path: string, patterns: readonly string[]): boolean;
  /** Its token is git's too, for repositories there. */
  forge: ForgeConfig | undefined;
};

/** Where a branch of a repository was when it was last looked at. */
export type Base = { branch: string; commit: string };

const fetchMs = 600_000;
/** How long a reader waits for commits that are not here. */
const lookMs = 30_000;
const mostKnown = 10_000;
/** What git clones from, but for paths: nothing that names a program to run. */
const addresses = /^(?:https?:\/\/|ssh:\/\/|file:\/\/\/|[\w.-]+@[\w.-]+:)[^\s\0]+$/;

/**
 * Repositories that cycles work on: each has a bare copy below the console's home, from which checkouts are made. The repository
 * itself is read by `git fetch`, and written by `git push` of a branch; no program of a cycle ever sees it.
 */
export class Repositories {
  readonly #deps: RepositoriesDeps;
  readonly #mutex = new KeyedMutex();
  /** Commits that copies were seen to have. */
  readonly #here = new Set<string>();

  constructor(deps: RepositoriesDeps) {
    this.#deps = deps;
  }

  /** The address of a repository as it is stored. Throws a `Refusal` for one that policy does not name, or that is none. */
  async allowed(said: string, { repositories }: PolicyOf<"cycles">): Promise<string> {
    const address = await addressOf(said);
    if (this.#deps.matchesAny(address, repositories)) return address;
    throw new Refusal(
      "policy_denied",
      text(
        `${policyFile}, repositories: cycles may not work on ${address}. Plan a change that names it`,
        `${policyFile}, repositories: ciclos não podem trabalhar em ${address}. Planeje uma mudança que o nomeie`,
      ),
    );
  }

  get #root(): string {
    return join(this.#deps.home, "cycles", "repositories");
  }

  #folderOf(address: string): string {
    return join(this.#root, `${sha256(address).slice(0, 32)}.git`);
  }

  /** Deletes the copies on this node, but for those of these addresses. Returns how many. */
  async dropCopies(but: readonly string[]): Promise<number> {
    const kept = new Set(but.map((address) => this.#folderOf(address)));
    let dropped = 0;
    for (const name of await namesIn(this.#root)) {
      const folder = join(this.#root, name);
      if (kept.has(folder)) continue;
      await this.#mutex.run(folder, () => rm(folder, { recursive: true, force: true }));
      dropped += 1;
    }
    if (dropped > 0) this.#here.clear();
    return dropped;
  }

  /** The copy of a repository on this node. */
  async copyOf(address: string): Promise<Git> {
    const folder = this.#folderOf(address);
    return this.#mutex.run(folder, async () => {
      try {
        await stat(join(folder, "HEAD"));
        return ownedGit(openGit(folder));
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return ownedGit(await initBare(folder, "main"));
    });
  }

  /**
   * Fetches a repository, and returns the tip of a branch: the one named, or the default branch. Throws a
   * `Refusal` where it cannot be read, has no such branch, or lacks a part of its history.
   */
  async fetch(address: string, branch: string | null, signal: AbortSignal): Promise<Base> {
    const git = await this.copyOf(address);
    return this.#mutex.run(git.folder, () =>
      explained(address, async () => {
        const name = branch ?? (await defaultBranch(git, address, { ...this.#access(address), signal }));
        await this.#takeIn(git, address, signal);
        const { code, stdout } = await git.run(
          ["rev-parse", "--is-shallow-repository", `refs/source/${name}^{commit}`],
          { accept: [128] },
        );
        const [shallow, commit = ""] = stdout.toString("utf8").trim().split("\n");
        if (shallow === "true") throw isShallow(address);
        if (code !== 0 || !/^[0-9a-f]{40,64}$/.test(commit)) throw noBranch(address, name);
        return { branch: name, commit };
      }),
    );
  }

  /** Sees to it that this node has a commit. Throws a `Refusal` where the repository does not have it either. */
  async ensure(address: string, commit: string, signal: AbortSignal): Promise<void> {
    const git = await this.copyOf(address);
    const key = `${git.folder} ${commit}`;
    if (this.#here.has(key)) return;
    await this.#sought(git, { address, commit }, signal);
    // Nothing takes a commit out of a copy again, while there is one.
    if (this.#here.size >= mostKnown) this.#here.clear();
    this.#here.add(key);
  }

  async #sought(
    git: Git,
    { address, commit }: { address: string; commit: string },
    signal: AbortSignal,
  ): Promise<void> {
    if (await hasCommit(git, commit)) return;
    await this.#mutex.run(git.folder, () => explained(address, () => this.#takeIn(git, address, signal)));
    if (!(await hasCommit(git, commit))) throw isElsewhere(address, commit);
  }

  async #takeIn(git: Git, address: string, signal: AbortSignal): Promise<void> {
    const args = ["fetch", "--quiet", "--prune", "--no-tags", "--end-of-options", address, allBranches];
    await git.run(args, { ...this.#access(address), timeoutMs: fetchMs, signal });
  }

  /** Git's access to a repository of the console's forge by https; elsewhere what the console's user has set up for git. */
  #access(address: string): { env?: Record<string, string> } {
    const { forge } = this.#deps;
    if (forge === undefined || !/^https?:/i.test(address) || projectAt(address, forge) === null) return {};
    const user = forge.provider === "github" ? "x-access-token" : "oauth2";
    const basic = Buffer.from(`${user}:${forge.token}`).toString("base64");
    // In the environment, which other users of the machine cannot read; sent nowhere else.
    const settings = [
      [`http.${forgeOrigin(forge)}/.extraHeader`, `Authorization: Basic ${basic}`],
      [`http.${forgeOrigin(forge)}/.followRedirects`, "false"],
    ].flatMap(([key = "", value = ""], at) => [
      [`GIT_CONFIG_KEY_${at}`, key],
      [`GIT_CONFIG_VALUE_${at}`, value],
    ]);
    return { env: Object.fromEntries([["GIT_CONFIG_COUNT", "2"], ...settings]) as Record<string, string> };
  }

  /** The diff between two commits, as git writes it; null where neither this node nor the repository has both. */
  async diff(address: string, base: string, head: string): Promise<string | null> {
    try {
      for (const commit of [base, head]) await this.ensure(address, commit, AbortSignal.timeout(lookMs));
    } catch (error) {
      if (error instanceof Refusal) return null;
      throw error;
    }
    const git = await this.copyOf(address);
    const args = ["diff", "--no-ext-diff", "--no-textconv", "--find-renames", "--end-of-options", base, head];
    return `${await git.text(args)}\n`;
  }

  /**
   * Has branches of the repository point to commits, all at once: each from where it was seen last; or, for a branch of a cycle's own,
   * from any of the commits that the cycle had put there. Returns the branch that is somewhere else, in which case none is moved; null
   * where all were: what others put there is never taken away. A work tree in which one is checked out goes along, where nothing
   * is changed there.
   */
  async push(address: string, moves: readonly Move[], signal: AbortSignal): Promise<string | null> {
    const git = await this.copyOf(address);
    return this.#mutex.run(git.folder, () =>
      explained(address, async () => {
        const at = await this.#refsOf(
          git,
          address,
          moves.map(({ branch }) => refOf(branch)),
          signal,
        );
        const sent: { lease: string; what: string }[] = [];
        for (const { branch, to, ...where } of moves) {
          const ref = refOf(branch);
          const now = at.get(ref) ?? null;
          if (now === to) continue;
          if ("from" in where && (now !== where.from || !(await isAncestor(git, where.from, to))))
            return branch;
          if ("ours" in where && now !== null && !where.ours.includes(now)) return branch;
          sent.push({ lease: `--force-with-lease=${ref}:${now ?? ""}`, what: `${to}:${ref}` });
        }
        if (sent.length === 0) return null;
        try {
          await this.#send(git, address, sent, signal);
          return null;
        } catch (error) {
          // Somebody may have been faster; otherwise git's own words say why.
          const now = await this.#refsOf(
            git,
            address,
            moves.map(({ branch }) => refOf(branch)),
            signal,
          );
          const moved = moves.find(({ branch }) => now.get(refOf(branch)) !== at.get(refOf(branch)));
          if (moved === undefined) throw error;
          return moved.branch;
        }
      }),
    );
  }

  /** Takes a branch away that still points to a commit of the cycle's; one that somebody pushed to is theirs now, and stays. */
  async withdraw(
    address: string,
    { branch, head }: { branch: string; head: string },
    signal: AbortSignal,
  ): Promise<void> {
    const git = await this.copyOf(address);
    const ref = refOf(branch);
    await this.#mutex.run(git.folder, () =>
      explained(address, async () => {
        const now = (await this.#refsOf(git, address, [ref], signal)).get(ref);
        if (now === undefined || !(await isAncestor(git, now, head))) return;
        const lease = `--force-with-lease=${ref}:${now}`;
        await this.#send(git, address, [{ lease, what: `:${ref}` }], signal);
      }),
    );
  }

  async #send(
    git: Git,
    address: string,
    sent: readonly { lease: string; what: string }[],
    signal: AbortSignal,
  ): Promise<void> {
    // All or none: a base branch that moved without the rest would be a merge that nobody knows of.
    const whole = sent.length > 1 ? ["--atomic"] : [];
    const how = ["--quiet", ...whole, ...sent.map(({ lease }) => lease), ...(await receiving(address))];
    const args = ["push", ...how, "--end-of-options", address, ...sent.map(({ what }) => what)];
    await git.run(args, { ...this.#access(address), timeoutMs: fetchMs, signal });
  }

  /** Where refs of the repository point to now; those that are not there are left out. */
  async #refsOf(
    git: Git,
    address: string,
    refs: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> {
    const args = ["ls-remote", "--end-of-options", address, ...refs];
    const said = await git.text(args, { ...this.#access(address), signal });
    // A name is a pattern for git, which may find longer ones by it: they are never asked for.
    return new Map(
      [...said.matchAll(/^([0-9a-f]{40,64})\t(.+)$/gm)].map(([, commit = "", ref = ""]) => [ref, commit]),
    );
  }
}

/** A branch, where it should point to, and from where it may be taken. */
export type Move = { branch: string; to: string } & ({ from: string } | { ours: readonly string[] });

const refOf = (branch: string): string => `refs/heads/${branch}`;

/**
 * How a repository on this machine receives. Where it has a work tree, what is checked out there is what an agent wrote: no hook of
 * it may run, nor any program that its settings name by a place in the tree.
 */
async function receiving(address: string): Promise<string[]> {
  if (!isAbsolute(address)) return [];
  const there = await openGitAt(address);
  if (there.isBare) return [];
  if (there.programs.length > 0) throw runsPrograms(address, there.programs);
  const settings = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "receive.denyCurrentBranch=updateInstead",
  ].map((setting) => `-c ${setting}`);
  return [`--receive-pack=git ${settings.join(" ")} receive-pack`];
}

const allBranches = "+refs/heads/*:refs/source/*";

async function addressOf(said: string): Promise<string> {
  if (/^[a-z+]+:\/\/[^/\s]*:[^/\s]*@|^https?:\/\/[^/\s]*@/i.test(said))
    throw invalidPayload([
      fieldError(
        "repository",
        "holds a password: leave it out, and let git's credential helper or an SSH key of the console give it",
        "contém uma senha: retire-a, e deixe o auxiliar de credenciais do git ou uma chave SSH da console fornecê-la",
      ),
    ]);
  const path = said.startsWith("~/") ? join(homedir(), said.slice(2)) : said;
  if (isAbsolute(path)) {
    try {
      return await realpath(path);
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw invalidPayload([
        fieldError("repository", "is not there on the console's machine", "não existe na máquina da console"),
      ]);
    }
  }
  if (addresses.test(said) && !said.includes("/-")) return said;
  throw invalidPayload([
    fieldError(
      "repository",
      "takes an absolute path, or an address such as https://host/team/shop.git",
      "recebe um caminho absoluto, ou um endereço como https://host/time/loja.git",
    ),
  ]);
}

async function defaultBranch(git: Git, address: string, options: GitOptions): Promise<string> {
  const said = await git.text(["ls-remote", "--symref", "--end-of-options", address, "HEAD"], options);
  const name = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(said)?.[1];
  if (name === undefined) throw said === "" ? isEmpty(address) : isDetached(address);
  return name;
}
