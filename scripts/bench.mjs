// npm run bench: install and build when needed, then measure on the project's own Node.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ensureBuilt, ensureInstalled, projectEnvironment, projectNode, root } from "./ensure.mjs";

ensureInstalled();
ensureBuilt();
const { status } = spawnSync(projectNode(), [join(root, "bench/main.ts"), ...process.argv.slice(2)], {
  stdio: "inherit",
  env: projectEnvironment(),
});
process.exitCode = status ?? 1;
