import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const collector = fileURLToPath(new URL("collect-garbage.mjs", import.meta.url));

/** Arguments of Node for a process whose memory is measured after its garbage is collected. */
export const collecting = ["--expose-gc", "--import", collector];

/** Resident memory now. */
export const residentMegabytes = (pid: number | undefined): number => megabytes(pid, "VmRSS");

/** The most memory that was ever resident. */
export const peakMegabytes = (pid: number | undefined): number => megabytes(pid, "VmHWM");

/** Resident memory without garbage: what it is before a collection depends on when the last one was. */
export async function retainedMegabytes(child: ChildProcess): Promise<number> {
  const collected = once(child, "message");
  child.send("collect");
  await collected;
  return residentMegabytes(child.pid);
}

function megabytes(pid: number | undefined, field: string): number {
  const status = readFileSync(`/proc/${pid ?? "none"}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN) / 1024;
}
