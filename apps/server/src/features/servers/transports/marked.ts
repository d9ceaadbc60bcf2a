import { readdirSync, readFileSync } from "node:fs";

/** Processes whose environment has an entry that begins like this. Linux only; elsewhere none are found. */
export function markedProcesses(entry: string): number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const environment = readFileSync(`/proc/${name}/environ`, "latin1");
      return environment.split("\0").some((each) => each.startsWith(entry)) ? [Number(name)] : [];
    } catch {
      // It ended meanwhile, or is somebody else's.
      return [];
    }
  });
}
