#!/usr/bin/env node
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ensureServerBuilt, projectNode } from "../../../scripts/ensure.mjs";

// The command line runs on the project's own Node, also when started by an older one.
const wanted = 26;
const entry = join(ensureServerBuilt(), "cli.js");

if (Number(process.versions.node.split(".")[0]) >= wanted) {
  await import(entry);
} else {
  const { status } = spawnSync(projectNode(), [entry, ...process.argv.slice(2)], { stdio: "inherit" });
  process.exitCode = status ?? 1;
}
