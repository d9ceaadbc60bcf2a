import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { createServer, type ViteDevServer } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newContext } from "./support/browser.ts";
import { pictures, sideways, sizes, themes, violations } from "./support/inspect.ts";

/** Parts rather than pages: for `.ci/run` and `npm run test:all`. */
describe("the kit", () => {
  let vite: ViteDevServer;
  beforeAll(async () => {
    vite = await createServer({
      configFile: fileURLToPath(new URL("../vite.config.ts", import.meta.url)),
      logLevel: "error",
      server: { host: "127.0.0.1", port: 0, hmr: false, watch: null },
    });
    await vite.listen();
  });
  afterAll(async () => {
    await vite.close();
  });

  it("shows each part in its states, at each width", async () => {
    const address = vite.resolvedUrls?.local[0] ?? "";
    const page = await (await newContext({ theme: "dark" })).newPage();
    await page.goto(`${address}kit`, { timeout: 60_000 });
    await page.getByRole("heading", { name: "Diff" }).waitFor({ timeout: 60_000 });
    await page.getByText("‹U+202E›").waitFor();
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme });
      for (const size of sizes.toReversed()) {
        await page.setViewportSize(size);
        await page.screenshot({ path: `${pictures}/kit-${theme}-${size.width}.png`, fullPage: true });
        expect(await sideways(page)).toBeLessThanOrEqual(0);
      }
      expect(await violations(page, { onlyColours: theme === "light" })).toEqual([]);
    }
    await sortAndFilter(page);
  });

  async function sortAndFilter(page: Page): Promise<void> {
    const table = page.getByRole("table", { name: "Agents" });
    const first = () => table.getByRole("cell").first().innerText();
    await table.getByRole("button", { name: "Calls" }).click();
    expect(await table.getByRole("columnheader", { name: "Calls" }).getAttribute("aria-sort")).not.toBeNull();
    const before = await first();
    await table.getByRole("button", { name: "Calls" }).click();
    expect(await first()).not.toBe(before);
    await page.getByLabel("Filter").fill("catalog");
    await expect.poll(() => table.getByRole("row").count()).toBe(2);
  }
});
