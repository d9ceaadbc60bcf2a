import { readFileSync } from "node:fs";

/** Whether a process runs, on this machine. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** What `sysconf(_SC_CLK_TCK)` is on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** The fields of proc(5)'s `stat` behind the command: the first is the state, the twentieth the start. */
export const statFields = (stat: string): string[] => stat.slice(stat.lastIndexOf(")") + 2).split(" ");

/** When Linux started, in milliseconds since 1970, to a second. */
export const bootedAt = (): number =>
  Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1]) * 1000;

/** When a process started, in the milliseconds of `bootedAt`, by its fields. */
export const startOf = (fields: readonly string[]): number => (Number(fields[19]) / ticksPerSecond) * 1000;

/** When a process started, in milliseconds since 1970, to a second. Null where it has ended, or that cannot be told. */
export function startedAt(pid: number): number | null {
  try {
    return bootedAt() + startOf(statFields(readFileSync(`/proc/${pid}/stat`, "latin1")));
  } catch {
    return null;
  }
}
