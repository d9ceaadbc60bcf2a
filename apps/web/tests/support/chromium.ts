import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

/** The path of a Chromium that is there, or can be brought here. Throws one line when none can. */
export const chromiumPath = (): string => found() ?? downloaded() ?? installed() ?? missing();

const usualPaths = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/snap/bin/chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];
const playwright = join(createRequire(import.meta.url).resolve("playwright-core/package.json"), "../cli.js");

function found(): string | null {
  const wanted = process.env["CHROMIUM_PATH"];
  if (wanted !== undefined && wanted !== "") {
    if (existsSync(wanted)) return wanted;
    throw new Error(`CHROMIUM_PATH: there is no ${wanted}`);
  }
  return [...usualPaths, chromium.executablePath()].find((path) => existsSync(path)) ?? null;
}

const runs = (command: string, args: string[]): boolean =>
  spawnSync(command, args, { stdio: "ignore", timeout: 300_000 }).status === 0;

function downloaded(): string | null {
  process.stderr.write("No Chromium here: trying Playwright's own download…\n");
  return runs(process.execPath, [playwright, "install", "chromium"]) ? found() : null;
}

function installed(): string | null {
  if (process.getuid?.() !== 0) return null;
  process.stderr.write("Trying apt-get install chromium…\n");
  return runs("apt-get", ["update"]) && runs("apt-get", ["install", "-y", "chromium"]) ? found() : null;
}

function missing(): never {
  throw new Error("Browser tests need Chromium: install it, or set CHROMIUM_PATH to one");
}
