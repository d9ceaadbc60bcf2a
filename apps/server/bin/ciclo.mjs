#!/usr/bin/env node
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// The command line runs on the project's own Node, also when started by an older one.
const wanted = 26;
const entry = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));

if (Number(process.versions.node.split(".")[0]) >= wanted) {
  await import(entry);
} else {
  const node = join(dirname(createRequire(import.meta.url).resolve("node/package.json")), "bin", "node");
  const { status } = spawnSync(node, [entry, ...process.argv.slice(2)], { stdio: "inherit" });
  process.exitCode = status ?? 1;
}
