// Runs on any Node from 20: makes sure that everything is installed, and finds the project's own Node.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
const marker = join(root, "node_modules", ".installed");
const lockHash = () =>
  createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");

/** Installs from the lock file when that has not been done for it yet. Needs no network otherwise. */
export function ensureInstalled() {
  if (existsSync(marker) && readFileSync(marker, "utf8") === lockHash()) return;
  process.stderr.write("Installing dependencies…\n");
  const npm = process.env.npm_execpath;
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const [command, ...rest] = npm === undefined ? ["npm", ...args] : [process.execPath, npm, ...args];
  const { status } = spawnSync(command, rest, { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) {
    process.stderr.write("npm ci failed; see above. It needs the npm registry once.\n");
    process.exit(status ?? 1);
  }
  writeFileSync(marker, lockHash());
}

/** The pinned Node of node_modules. */
export const projectNode = () => join(root, "node_modules", "node", "bin", "node");

/** PATH with the project's tools first. */
export const projectEnvironment = () => ({
  ...process.env,
  PATH: `${join(root, "node_modules", ".bin")}:${process.env.PATH}`,
});
