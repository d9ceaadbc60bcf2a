import { rm, stat } from "node:fs/promises";
import { sep } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { text } from "@ciclo/contract";
import { Refusal } from "../errors.ts";
import { type Git, GitLockError, type GitOptions, type GitResult } from "./git.ts";
import { gitsOn } from "./git-processes.ts";

/** A git that is at work holds a lock for some milliseconds. */
const patienceMs = 2000;
const pauseMs = 25;
/** A lock may be written a moment after its file's time says; starts are known to a hundredth of a second. */
const slackMs = 1000;

/**
 * Git on a repository that is the console's own: the embedded one, or a mirror. A lock that a killed git left there
 * is removed once it is proven that no git lives which could hold it. A lock in somebody else's repository, met while
 * pushing there, is theirs: it is named.
 */
export function ownedGit(git: Git): Git {
  const run = (args: readonly string[], options?: GitOptions): Promise<GitResult> =>
    pastLocks(git.folder, () => git.run(args, options));
  return {
    folder: git.folder,
    run,
    async text(args, options) {
      const { stdout } = await run(args, options);
      return stdout.toString("utf8").replace(/\n$/, "");
    },
  };
}

async function pastLocks<T>(folder: string, work: () => Promise<T>): Promise<T> {
  for (let until = performance.now() + patienceMs; ;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof GitLockError)) throw error;
      if (performance.now() < until) {
        await wait(pauseMs);
        continue;
      }
      const isOurs = error.path.startsWith(folder + sep);
      if (!isOurs || (await removeAbandoned(folder, error.path)) === "held") throw await locked(error);
      until = performance.now() + patienceMs;
    }
  }
}

/**
 * Removes a lock that no living git can hold. `held` where one may, or where that cannot be told; `gone` where it is
 * no longer that lock: it was let go, or another git has made its own since.
 */
async function removeAbandoned(folder: string, path: string): Promise<"removed" | "gone" | "held"> {
  const since = await timeOf(path);
  if (since === null) return "gone";
  const gits = gitsOn(folder, since + slackMs);
  if ((await timeOf(path)) !== since) return "gone";
  if (gits === null || gits.length > 0) return "held";
  await rm(path, { force: true });
  return "removed";
}

async function timeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    // It is gone, or on another machine.
    return null;
  }
}

async function locked(error: GitLockError): Promise<Refusal> {
  const since = await timeOf(error.path);
  const [en, ptBR] =
    since === null
      ? ["", ""]
      : [`, since ${new Date(since).toISOString()}`, `, desde ${new Date(since).toISOString()}`];
  return new Refusal(
    "repository_unavailable",
    text(
      `Git holds the lock ${error.path}${en}. If no git is at work there, one was cut off and left it: delete the file. It is tried again.`,
      `O git mantém o lock ${error.path}${ptBR}. Se nenhum git estiver em execução ali, um foi interrompido e o deixou: apague o arquivo. Será tentado de novo.`,
    ),
    { cause: error },
  );
}
