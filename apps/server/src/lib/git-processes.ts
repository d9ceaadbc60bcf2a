import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";

/** What `sysconf(_SC_CLK_TCK)` is on every Linux that Node runs on. */
const ticksPerSecond = 100;

/**
 * Git processes at work on a repository that had been started by a moment (milliseconds since 1970): those that
 * name it in their arguments or environment, by whatever path, or stand in it or in a worktree of it. Null where that
 * cannot be told: it needs `/proc`, and a git of another user may not be looked at. Processes of other
 * containers are not seen.
 */
export function gitsOn(folder: string, startedBy: number): number[] | null {
  if (process.platform !== "linux") return null;
  const real = realpathSync(folder);
  const bootedAt = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1]) * 1000;
  const gits: number[] = [];
  for (const name of readdirSync("/proc").filter((each) => /^\d+$/.test(each))) {
    const seen = lookAt(Number(name));
    if (seen === null || bootedAt + (seen.startTicks / ticksPerSecond) * 1000 > startedBy) continue;
    if (seen.paths === null) return null;
    if (seen.paths.some((path) => path === real || path.startsWith(real + sep))) gits.push(Number(name));
  }
  return gits;
}

/** A git process; `paths` are those that it may be at work on, null where that may not be read. */
type Seen = { startTicks: number; paths: string[] | null };

/** A process as proc(5) shows it; null where it is no git, or has ended. */
function lookAt(pid: number): Seen | null {
  const stat = orNull(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  if (stat === null) return null;
  const end = stat.lastIndexOf(")");
  if (!stat.slice(stat.indexOf("(") + 1, end).startsWith("git")) return null;
  // Field 22 of stat(5); the third is the first behind the command. Z is one that has ended.
  const fields = stat.slice(end + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return null;
  return { startTicks: Number(fields[19]), paths: pathsOf(pid) };
}

function pathsOf(pid: number): string[] | null {
  try {
    const folder = readlinkSync(`/proc/${pid}/cwd`);
    const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    const named = [
      ...args.map((arg) => arg.replace(/^--[a-z-]+=/, "")),
      ...environment.flatMap((entry) => /^GIT_(?:COMMON_)?DIR=(.+)$/.exec(entry)?.[1] ?? []),
    ];
    const paths = named.filter((path) => path !== "").map((path) => resolve(folder, path));
    return [folder, ...worktreeOf(folder), ...paths].map((path) => orNull(() => realpathSync(path)) ?? path);
  } catch (error) {
    // One that has ended meanwhile is at work on nothing.
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return [];
    return null;
  }
}

/** The git folder that a linked worktree, or a folder in it, belongs to. */
function worktreeOf(folder: string): string[] {
  for (let at = folder; ; at = dirname(at)) {
    const pointer = orNull(() => readFileSync(join(at, ".git"), "utf8"));
    const found = /^gitdir: (.+)$/m.exec(pointer ?? "")?.[1];
    if (found !== undefined) return [resolve(at, found)];
    if (dirname(at) === at) return [];
  }
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
