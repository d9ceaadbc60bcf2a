import type { Git } from "../../lib/git.ts";

/** From so many loose objects or packs on, a repository is packed. */
const manyLoose = 200;
const manyPacks = 20;
const timeoutMs = 15 * 60_000;

/**
 * Packs a repository that has grown many loose objects or packs, and drops what nothing refers to and is older than
 * git's `date` text: throw-away commits of plans, branches that are gone. What a submission is just writing is newer, or
 * made new by being written again.
 */
export async function maintain(git: Git, signal: AbortSignal, date = "1.day.ago"): Promise<void> {
  const counts = await git.text(["count-objects", "-v"]);
  const count = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(counts)?.[1] ?? 0);
  if (count("count") < manyLoose && count("packs") < manyPacks) return;
  // Nothing else collects garbage here: a gc.pid is one that a killed git left.
  // A cruft pack would keep unreachable objects in a form whose age a new write does not renew.
  await git.run(["-c", "gc.cruftPacks=false", "gc", "--quiet", "--force", `--prune=${date}`], {
    timeoutMs,
    signal,
  });
}
