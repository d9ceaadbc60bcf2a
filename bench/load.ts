import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { timed } from "./measure.ts";

/** Calls a second, with so many under way at once. */
export async function throughputOf(
  ask: () => Promise<unknown>,
  atOnce: number,
  seconds: number,
): Promise<{ rate: number; done: number }> {
  const until = performance.now() + seconds * 1000;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < until) {
      await ask();
      done += 1;
    }
  };
  const { ms } = await timed(() => Promise.all(Array.from({ length: atOnce }, worker)));
  return { rate: done / (ms / 1000), done };
}

/** Of `/proc/PID/stat`: processor time in ticks, of which Linux counts a hundred a second. */
const tickMs = 10;

/** Processor time that a process has taken. */
export function processorMs({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid ?? "none"}/stat`, "utf8");
  const [user = "", system = ""] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13);
  return (Number(user) + Number(system)) * tickMs;
}
