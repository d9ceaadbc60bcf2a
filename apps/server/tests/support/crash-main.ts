import { enableCompileCache } from "node:module";

enableCompileCache();

/** The console, killed as by a power cut at one point of its journal: `land land:started`. */
const [wantedOperation, wantedPoint] = process.argv.slice(2);

// Loaded behind the first line, as the console's own entry does it.
const { serveConsole } = await import("../../src/serve.ts");
await serveConsole({
  onJournal(operation, point) {
    if (operation === wantedOperation && point === wantedPoint) process.kill(process.pid, "SIGKILL");
  },
});
