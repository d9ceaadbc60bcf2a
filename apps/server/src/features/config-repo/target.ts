import { text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import { Rounds } from "../../lib/background.ts";
import { type Git, GitError } from "../../lib/git.ts";
import { moveRefs, tipOf } from "./plumbing.ts";

/**
 * Where branches live: in the embedded repository itself, or in the team's own,
 * of which we hold a mirror. Both are changed by compare-and-swap only.
 */
export type Target = {
  /** The local ref that shows the base branch as last seen. */
  baseRef: `refs/${string}`;
  /** How often it is worth asking for news, in milliseconds. */
  lookEveryMs: number;
  /** Takes in what others pushed. */
  refresh(): Promise<void>;
  branchTip(branch: string): Promise<string | null>;
  /** Creates a branch; false when it exists with another commit. */
  createBranch(branch: string, commit: string): Promise<boolean>;
  /** Deletes a branch that still is at `commit`; one that is gone is fine. */
  deleteBranch(branch: string, commit: string): Promise<void>;
  /** Moves the base branch; false when it is not at `from` any more. */
  advanceBase(from: string, to: string): Promise<boolean>;
};

const local = (branch: string): `refs/${string}` => `refs/heads/${branch}`;

/** The embedded bare repository. */
export function embeddedTarget(git: Git, baseBranch: string): Target {
  const baseRef = local(baseBranch);
  return {
    baseRef,
    lookEveryMs: 2000,
    refresh: () => Promise.resolve(),
    branchTip: (branch) => tipOf(git, local(branch)),
    async createBranch(branch, commit) {
      if (await moveRefs(git, [{ ref: local(branch), from: null, to: commit }])) return true;
      return (await tipOf(git, local(branch))) === commit;
    },
    async deleteBranch(branch, commit) {
      if (await moveRefs(git, [{ ref: local(branch), from: commit, to: null }])) return;
      const tip = await tipOf(git, local(branch));
      if (tip !== null) throw movedBranch(branch, tip);
    },
    advanceBase: (from, to) => moveRefs(git, [{ ref: baseRef, from, to }]),
  };
}

/** A mirror of a repository elsewhere, by path or URL. */
export function remoteTarget(git: Git, baseBranch: string): Target {
  const baseRef = `refs/remotes/origin/${baseBranch}` as const;
  const base = `+${local(baseBranch)}:${baseRef}`;
  // Two at once would fight over the refs of the mirror.
  const fetches = new Rounds(async () => {
    await reach(() => fetchBase(git, base, baseRef));
  });
  const remoteTip = async (branch: string): Promise<string | null> => {
    const listed = await reach(() => git.text(["ls-remote", "origin", local(branch)]));
    return listed === "" ? null : (listed.split("\t")[0] ?? null);
  };
  const push = async (...args: string[]): Promise<"pushed" | "moved"> => {
    try {
      await git.run(["push", "--quiet", "--porcelain", ...args]);
      return "pushed";
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      if (/non-fast-forward|fetch first|stale info|is at [0-9a-f]+ but expected/.test(error.stderr))
        return "moved";
      throw unreachable(error);
    }
  };
  return {
    baseRef,
    lookEveryMs: 15_000,
    refresh: () => fetches.run(),
    branchTip: remoteTip,
    async createBranch(branch, commit) {
      const tip = await remoteTip(branch);
      if (tip !== null) return tip === commit;
      const ref = local(branch);
      return (await push(`--force-with-lease=${ref}:`, "origin", `${commit}:${ref}`)) === "pushed";
    },
    async deleteBranch(branch, commit) {
      const tip = await remoteTip(branch);
      if (tip === null) return;
      const ref = local(branch);
      const outcome = await push(`--force-with-lease=${ref}:${commit}`, "origin", `:${ref}`);
      if (outcome === "moved") throw movedBranch(branch, tip);
    },
    async advanceBase(_, to) {
      const outcome = await push("origin", `${to}:${local(baseBranch)}`);
      await fetches.run();
      return outcome === "pushed";
    },
  };
}

/** Fetches the base branch alone. One that the repository does not have is one that we have no more either. */
async function fetchBase(git: Git, refspec: string, ref: string): Promise<void> {
  try {
    await git.run(["fetch", "--quiet", "--no-tags", "origin", refspec]);
  } catch (error) {
    if (!(error instanceof GitError) || !/couldn't find remote ref/.test(error.stderr)) throw error;
    await git.run(["update-ref", "-d", ref]);
  }
}

async function reach<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof GitError ? unreachable(error) : error;
  }
}

function unreachable(error: GitError): Refusal {
  const checkedOut = /currently checked out/.test(error.stderr);
  const why = lastLines(error.stderr);
  return new Refusal(
    "repository_unavailable",
    checkedOut
      ? text(
          "The config repository has its base branch checked out and refuses pushes. Give a bare clone " +
            "(git clone --bare) as CICLO_CONFIG_REPO, or check out another branch there.",
          "O repositório de configuração está com a branch base em checkout e recusa pushes. Informe um clone " +
            "bare (git clone --bare) em CICLO_CONFIG_REPO ou faça checkout de outra branch nele.",
        )
      : text(
          `The config repository does not answer: ${why}`,
          `O repositório de configuração não responde: ${why}`,
        ),
    { cause: error },
  );
}

/** Git's own reason, without its advice. */
const lastLines = (stderr: string): string => {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  return (lines.find((line) => /^(fatal|error|remote: error|!)/.test(line)) ?? lines.at(-1) ?? "").slice(
    0,
    400,
  );
};

const movedBranch = (branch: string, tip: string): Refusal =>
  new Refusal(
    "branch_exists",
    text(
      `Branch ${branch} was moved to ${tip.slice(0, 10)} by somebody else and is left alone. Look at it, then delete it by hand.`,
      `A branch ${branch} foi movida para ${tip.slice(0, 10)} por outra pessoa e foi mantida. Examine-a e apague-a manualmente.`,
    ),
  );
