import { readFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { serveConsole as start } from "../../src/serve.ts";

enableCompileCache();

/** The console, killed as by a power cut at the point of its journal that a file names: `land land:started`. */
const crashFile = process.env["CICLO_TEST_CRASH_FILE"];

// As it is built for whoever runs it, and loaded behind the first line, as its own entry does it.
const serve = pathToFileURL(join(process.argv[2] ?? "", "serve.js"));
const { serveConsole } = (await import(serve.href)) as { serveConsole: typeof start };
await serveConsole({
  onJournal(operation, point) {
    if (crashFile === undefined) return;
    if (readFileSync(crashFile, "utf8") === `${operation} ${point}`) process.kill(process.pid, "SIGKILL");
  },
});
