import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isAlive } from "../../lib/processes.ts";
import { gitsOn } from "../../lib/git-processes.ts";

/**
 * What a git that was killed leaves in a repository: lock files, half-written packs, indexes and objects, the
 * quarantine of a push, the pid file of a garbage collection, and our own throw-away indexes.
 */
const leftover = new RegExp(
  [
    String.raw`\.lock$`,
    String.raw`^packed-refs\.new$`,
    String.raw`(^|\/)tmp_[a-z]+_?[^/]*$`,
    String.raw`(^|\/)\.tmp-[^/]*$`,
    String.raw`^objects\/(incoming|tmp_objdir)-[^/]*$`,
    String.raw`^objects\/info\/packs_[^/]*$`,
    String.raw`^objects\/pack\/[^/]*\.keep$`,
    String.raw`^info\/refs_[^/]*$`,
    String.raw`^shallow_[^/]*$`,
    String.raw`^gc\.pid$`,
    String.raw`^fast_import_crash_\d+$`,
    String.raw`^ciclo-check-[^/]*$`,
  ].join("|"),
);
const clockLagMs = 20;

/**
 * Whether the process that made a throw-away index still runs; its pid is in the name. This process, at its start, has
 * made none: a container gives the same pid again.
 */
function isInUse(name: string): boolean {
  const pid = /^ciclo-check-(\d+)-/.exec(name)?.[1];
  return pid !== undefined && Number(pid) !== process.pid && isAlive(Number(pid));
}

/**
 * Removes what killed gits left in a repository of the console's own. Leaves everything where a git is at
 * work, or where that cannot be told: then a lock is dealt with when it is met. Returns what was removed.
 */
export async function clearLeftovers(folder: string): Promise<string[]> {
  const looked = Date.now();
  const gits = gitsOn(folder, looked);
  if (gits === null || gits.length > 0) return [];
  const names = await readdir(folder, { recursive: true });
  const found = names.filter((name) => leftover.test(name));
  const removed: string[] = [];
  for (const name of found) {
    const path = join(folder, name);
    // One that was made since is that of a git which has been started since. File times lag by some milliseconds.
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs > looked - clockLagMs || isInUse(name)) continue;
    await rm(path, { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}
