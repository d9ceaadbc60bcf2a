import { createInterface } from "node:readline";
import { markedProcesses } from "./marked.ts";

/**
 * A process of its own that outlives the console by a moment. It is told which process
 * groups are servers (`+12`, `-12`), and when its input ends, however the console ended,
 * it ends them. On Linux it also finds those that left their group, by a mark in their environment.
 *
 * `node reaper.ts MARK`
 */
const mark = process.argv[2] ?? "";
const graceMs = 1000;
const groups = new Set<number>();

const signal = (pid: number, name: "SIGTERM" | "SIGKILL"): void => {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
};

const endAll = (name: "SIGTERM" | "SIGKILL"): void => {
  for (const group of groups) signal(-group, name);
  for (const pid of mark === "" ? [] : markedProcesses(mark)) signal(pid, name);
};

const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  const group = Number(line.slice(1));
  if (line.startsWith("+")) groups.add(group);
  else groups.delete(group);
});
input.on("close", () => {
  endAll("SIGTERM");
  setTimeout(() => endAll("SIGKILL"), graceMs);
});
// Ctrl-C in the console's terminal is the console's to handle.
process.on("SIGINT", () => {});
