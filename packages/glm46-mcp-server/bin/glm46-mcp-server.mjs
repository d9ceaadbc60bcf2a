#!/usr/bin/env node
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

// Built where it is published; in its workspace the sources run as they are.
const built = new URL("../dist/main.js", import.meta.url);
await import(existsSync(fileURLToPath(built)) ? built.href : new URL("../src/main.ts", import.meta.url).href);
