// Runs on any Node from 20: makes sure that everything is installed, and finds the project's own Node.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
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

const web = join(root, "apps/web");
const builtMarker = join(root, "node_modules", ".built");
/** Everything that the bundle is made of. */
const sources = [
  ...["src", "public", "build", "index.html", "vite.config.ts", "lingui.config.ts", "package.json"].map(
    (name) => join(web, name),
  ),
  join(root, "packages/contract"),
  join(root, "package-lock.json"),
];

function filesOf(path) {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => name !== "node_modules");
  return names.toSorted().flatMap((name) => filesOf(join(path, name)));
}

function sourceHash() {
  const hash = createHash("sha256");
  for (const file of sources.flatMap(filesOf))
    hash.update(file.slice(root.length)).update(readFileSync(file));
  return hash.digest("hex");
}

/** Builds the web console when its sources differ from those it was built from. */
export function ensureBuilt() {
  const wanted = sourceHash();
  const isThere = existsSync(join(web, "dist/index.html")) && existsSync(builtMarker);
  if (isThere && readFileSync(builtMarker, "utf8") === wanted) return;
  process.stderr.write("Building the web console…\n");
  const vite = join(root, "node_modules/vite/bin/vite.js");
  const { status } = spawnSync(projectNode(), [vite, "build", "--logLevel", "warn"], {
    cwd: web,
    stdio: ["ignore", 2, 2],
    env: projectEnvironment(),
  });
  if (status !== 0) {
    process.stderr.write("The web console could not be built; see above.\n");
    process.exit(status ?? 1);
  }
  writeFileSync(builtMarker, wanted);
}

/** The pinned Node of node_modules. */
export const projectNode = () => join(root, "node_modules", "node", "bin", "node");

/** PATH with the project's tools first. */
export const projectEnvironment = () => ({
  ...process.env,
  PATH: `${join(root, "node_modules", ".bin")}:${process.env.PATH}`,
  // Its own transform comes in a package that npm leaves out where the machine's Node is older than 22.
  LINGUI_SUPPRESS_BABEL_WARNING: "1",
});
