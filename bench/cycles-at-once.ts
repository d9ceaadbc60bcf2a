// node bench/cycles-at-once.ts: twenty cycles at once on one console. Prints the most memory that its process had, in megabytes.
import { closeAll } from "../apps/server/tests/support/closing.ts";
import { carriedThrough, cyclesConsole } from "../apps/server/tests/support/cycles/console.ts";
import { peakMegabytes } from "./memory.ts";

const running = await cyclesConsole({ patienceMs: 900_000 });
// Each merges into a branch of its own: that of another would have moved meanwhile.
for (let at = 0; at < 20; at += 1) running.repository.git("branch", `branch-${at}`);
const cycles = await Promise.all(
  Array.from({ length: 20 }, async (_, at) => {
    const { id } = await running.person.client.call("startCycle", {
      body: {
        repository: running.repository.folder,
        base_branch: `branch-${at}`,
        issue: "# Sums are wrong\n\nsum(2, 2) is 0.",
      },
    });
    return carriedThrough(running, id);
  }),
);
const failed = cycles.find(({ state }) => state !== "completed");
if (failed !== undefined) throw new Error(`the cycle is ${failed.state}: ${failed.reason}`);
console.log(peakMegabytes(process.pid).toFixed(1));
await closeAll();
