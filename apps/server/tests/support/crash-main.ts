import { serveConsole } from "../../src/serve.ts";

/** The console, killed as by a power cut at one point of its journal: `land land:started`. */
const [wantedOperation, wantedPoint] = process.argv.slice(2);

await serveConsole({
  onJournal(operation, point) {
    if (operation === wantedOperation && point === wantedPoint) process.kill(process.pid, "SIGKILL");
  },
});
