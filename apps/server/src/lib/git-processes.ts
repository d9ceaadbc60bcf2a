import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { sep } from "node:path";

/** What `sysconf(_SC_CLK_TCK)` is on every Linux that Node runs on. */
const ticksPerSecond = 100;

/**
 * Git processes at work on a repository that had been started by a moment (milliseconds since 1970): those that
 * name it in their arguments, stand in it, or have it as `GIT_DIR`. Null where that cannot be told: it
 * needs `/proc`.
 */
export function gitsOn(folder: string, startedBy: number): number[] | null {
  if (process.platform !== "linux") return null;
  const real = realpathSync(folder);
  const names = [...new Set([folder, real])];
  const bootedAt = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1]) * 1000;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const seen = lookAt(pid);
      if (seen === null || !seen.command.startsWith("git")) return false;
      const isThere =
        names.some((name) => seen.args.includes(name) || seen.environment.includes(`GIT_DIR=${name}`)) ||
        seen.folder === real ||
        seen.folder.startsWith(real + sep);
      return isThere && bootedAt + (seen.startTicks / ticksPerSecond) * 1000 <= startedBy;
    });
}

type Seen = { command: string; args: string; environment: string; folder: string; startTicks: number };

/** A process as proc(5) shows it; null where it has ended, or is not ours to look at. */
function lookAt(pid: number): Seen | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const end = stat.lastIndexOf(")");
    return {
      command: stat.slice(stat.indexOf("(") + 1, end),
      args: readFileSync(`/proc/${pid}/cmdline`, "utf8"),
      environment: readFileSync(`/proc/${pid}/environ`, "utf8"),
      folder: readlinkSync(`/proc/${pid}/cwd`),
      // Field 22 of stat(5); the third is the first behind the command.
      startTicks: Number(stat.slice(end + 2).split(" ")[19]),
    };
  } catch {
    return null;
  }
}
