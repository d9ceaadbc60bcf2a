import { enableCompileCache } from "node:module";

enableCompileCache();

// Loaded behind the line above, so that everything goes through the cache.
const { runCli } = await import("./run.ts");
process.exitCode = await runCli(process.argv.slice(2));
