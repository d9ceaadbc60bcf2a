// Runs on any Node from 20: makes sure that everything is installed, and finds the project's own Node.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
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

const lock = join(root, "package-lock.json");
const contract = join(root, "packages/contract");
const web = join(root, "apps/web");
const builtMarker = join(root, "node_modules", ".built");
/** Everything that the web console is built of. */
const webSources = [
  ...["src", "public", "build", "index.html", "vite.config.ts", "lingui.config.ts", "package.json"].map(
    (name) => join(web, name),
  ),
  contract,
  lock,
];
const server = join(root, "apps/server");
const serverSources = [join(server, "src"), join(server, "rolldown.config.mjs"), contract, lock];

/** Changes with every file that is written. Reading them all would take a quarter of a command's time. */
function fingerprintOf(sources) {
  const hash = createHash("sha256");
  for (const file of sources.flatMap(filesOf)) {
    const { mtimeMs, size } = statSync(file);
    // Whole seconds: that much of a file's time an image of a container keeps.
    hash.update(`${file.slice(root.length)} ${Math.trunc(mtimeMs / 1000)} ${size}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}

const keptBuilds = 3;
/** A command may be at work with a build, and one may be under way. */
const freshMs = 3_600_000;

function filesOf(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  // A link that leads nowhere, as editors leave them.
  if (found === undefined) return [];
  if (!found.isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => name !== "node_modules");
  return names.toSorted().flatMap((name) => filesOf(join(path, name)));
}

function hashOf(sources) {
  const hash = createHash("sha256");
  for (const file of sources.flatMap(filesOf))
    hash.update(file.slice(root.length)).update(readFileSync(file));
  return hash.digest("hex");
}

/** Builds what its sources have changed of. Returns the folder of the server's build. */
export function ensureBuilt() {
  ensureWebBuilt();
  return ensureServerBuilt();
}

function ensureWebBuilt() {
  const wanted = hashOf(webSources);
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

/**
 * Builds the server and its command line where these sources have not been built yet. Returns the folder, which is
 * named by what it was built of: builds at the same time, or beside a console that runs, are in nobody's way.
 */
export function ensureServerBuilt() {
  const builds = join(server, "dist");
  const folder = join(builds, fingerprintOf(serverSources));
  if (isWhole(folder)) return folder;
  const making = `${folder}.${process.pid}`;
  buildServer(making);
  removeOldBuilds(builds);
  try {
    if (!isWhole(folder)) rmSync(folder, { recursive: true, force: true });
    renameSync(making, folder);
  } catch (error) {
    // Somebody else was quicker.
    if (!isWhole(folder)) throw error;
    rmSync(making, { recursive: true, force: true });
  }
  return folder;
}

const isWhole = (folder) => ["main.js", "cli.js", "serve.js"].every((name) => existsSync(join(folder, name)));

function buildServer(folder) {
  const rolldown = join(root, "node_modules/rolldown/bin/cli.mjs");
  if (!existsSync(rolldown) || !existsSync(projectNode())) {
    process.stderr.write("Nothing is installed here yet. Run npm start, which does it, or npm ci.\n");
    process.exit(1);
  }
  const { status, signal } = spawnSync(
    projectNode(),
    [rolldown, "-c", "--dir", folder, "--log-level", "warn"],
    {
      cwd: server,
      stdio: ["ignore", "ignore", 2],
      env: process.stderr.isTTY ? process.env : { ...process.env, NO_COLOR: "1" },
    },
  );
  if (status === 0) return;
  rmSync(folder, { recursive: true, force: true });
  const reason = signal === null ? "see above" : `ended by ${signal}`;
  process.stderr.write(`The server could not be built in ${folder}: ${reason}.\n`);
  process.exit(1);
}

/**
 * Removes builds, broken off ones too, that are neither new nor those of a console that runs: it reads parts of its
 * build when they are first needed.
 */
function removeOldBuilds(builds) {
  const { status, stdout } = spawnSync("ps", ["-axww", "-o", "args="], { encoding: "utf8" });
  if (status !== 0) return;
  const changedAt = (folder) => statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const old = readdirSync(builds)
    .map((name) => join(builds, name))
    .toSorted((a, b) => changedAt(b) - changedAt(a))
    .slice(keptBuilds)
    .filter((folder) => changedAt(folder) < Date.now() - freshMs && !stdout.includes(folder));
  for (const folder of old) rmSync(folder, { recursive: true, force: true });
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
