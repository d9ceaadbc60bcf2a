import { enableCompileCache } from "node:module";

enableCompileCache();

// Whoever reads only the first lines, as `head` does, closes the pipe: no fault of anybody's.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  process.stderr.write(`standard output: ${error.message}\n`);
  process.exit(1);
});

// Loaded behind the line above, so that everything goes through the cache.
const { runCli } = await import("./run.ts");
process.exitCode = await runCli(process.argv.slice(2));
