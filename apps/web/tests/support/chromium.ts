import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { aptInstalls, runs } from "../../../server/tests/support/apt.ts";

/**
 * The path of a Chromium that is there, or can be brought here: its headless shell where there is one, which
 * renders the same and takes half the time. Throws one line when none can.
 */
export const chromiumPath = (): string => wanted() ?? shell() ?? usual() ?? downloaded() ?? missing();

const shells = ["/usr/bin/chromium-headless-shell"];
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

function wanted(): string | null {
  const path = process.env["CHROMIUM_PATH"];
  if (path === undefined || path === "") return null;
  if (existsSync(path)) return path;
  throw new Error(`CHROMIUM_PATH: there is no ${path}`);
}

const firstOf = (paths: string[]): string | null => paths.find((path) => existsSync(path)) ?? null;
const usual = (): string | null => firstOf([...usualPaths, chromium.executablePath()]);

/** On a machine that only tests, it is installed where it is not there. */
function shell(): string | null {
  const found = firstOf(shells);
  if (found !== null || process.getuid?.() !== 0) return found;
  if (process.env["CI"] === undefined && usual() !== null) return null;
  return aptInstalls("chromium-headless-shell") ? firstOf(shells) : null;
}

function downloaded(): string | null {
  process.stderr.write("No Chromium here: trying Playwright's own download…\n");
  if (runs(process.execPath, [playwright, "install", "chromium"])) return usual();
  return aptInstalls("chromium") ? usual() : null;
}

function missing(): never {
  throw new Error("Browser tests need Chromium: install it, or set CHROMIUM_PATH to one");
}
