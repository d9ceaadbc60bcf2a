import { readFileSync } from "node:fs";
import { enableCompileCache } from "node:module";

enableCompileCache();

/** The console, killed as by a power cut at the point of its journal that a file names: `land land:started`. */
const crashFile = process.env["CICLO_TEST_CRASH_FILE"];

// Loaded behind the first line, as the console's own entry does it.
const { serveConsole } = await import("../../src/serve.ts");
await serveConsole({
  onJournal(operation, point) {
    if (crashFile === undefined) return;
    if (readFileSync(crashFile, "utf8") === `${operation} ${point}`) process.kill(process.pid, "SIGKILL");
  },
});
