import { spawnSync } from "node:child_process";

export const runs = (command: string, args: string[]): boolean =>
  spawnSync(command, args, { stdio: "ignore", timeout: 300_000 }).status === 0;

/** Whether a Debian package could be installed: on a machine that only tests, as root. */
export function aptInstalls(name: string): boolean {
  if (process.getuid?.() !== 0) return false;
  process.stderr.write(`Trying apt-get install ${name}…\n`);
  const install = (): boolean => runs("apt-get", ["install", "-y", name]);
  return install() || (runs("apt-get", ["update"]) && install());
}
