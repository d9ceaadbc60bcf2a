// npm start: install and build when needed, then serve on the project's own Node.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ensureBuilt, ensureInstalled, projectEnvironment, projectNode } from "./ensure.mjs";

ensureInstalled();
const built = ensureBuilt();
const server = spawn(projectNode(), [join(built, "main.js")], {
  stdio: "inherit",
  env: projectEnvironment(),
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => server.kill(signal));
server.on("exit", (code) => process.exit(code ?? 1));
