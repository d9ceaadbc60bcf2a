import { spawnSync } from "node:child_process";
import { aptInstalls } from "./apt.ts";

/** Prometheus's own judge of what it reads, from Debian's `prometheus`. Installed where it is missing. */
export function promtool(args: readonly string[], input = ""): { status: number | null; said: string } {
  const run = () => spawnSync("promtool", args, { input, encoding: "utf8" });
  let { status, stdout, stderr, error } = run();
  if (error !== undefined && aptInstalls("prometheus")) ({ status, stdout, stderr, error } = run());
  if (error !== undefined)
    throw new Error("Tests need promtool: apt-get install prometheus (Debian, Ubuntu)");
  return { status, said: `${stdout}${stderr}` };
}
