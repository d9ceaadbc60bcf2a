import { locales } from "@ciclo/contract";
import { fileURLToPath } from "node:url";
import { describe, expect, inject, it } from "vitest";
import { executorOf, type Step } from "../../server/tests/support/cycles/console.ts";
import { isThorough } from "../../server/tests/support/extent.ts";
import { newContext, signIn, watchErrors } from "./support/browser.ts";
import { allowCycles, checkedCycle } from "./support/seed-cycles.ts";
import { startConsole } from "./support/server.ts";
import { speaker } from "./support/words.ts";

const playwright = fileURLToPath(new URL("../../../node_modules/@playwright/test", import.meta.url));

/** A shop with a page, whose total is wrong, tested in a browser. */
const shop = (chromium: string) => ({
  "src/sum.js": "exports.sum = (a, b) => a - b;\n",
  "server.js": [
    'const { sum } = require("./src/sum.js");',
    "const page = () => `<!doctype html><title>Shop</title><h1>Shop</h1>Total: <output>${sum(2, 2)}</output>`;",
    'const reply = (_, response) => response.setHeader("content-type", "text/html").end(page());',
    'require("node:http").createServer(reply).listen(4173, "127.0.0.1");',
  ].join("\n"),
  "playwright.config.js": `module.exports = {
    testDir: "test",
    use: { baseURL: "http://127.0.0.1:4173", screenshot: "on", launchOptions: { executablePath: ${JSON.stringify(chromium)} } },
    webServer: { command: "node server.js", url: "http://127.0.0.1:4173" },
  };`,
  "test/shop.spec.js": spec(""),
  ".gitignore": "test-results\nmovies\n",
  ".ciclo/cycle.yaml": `version: 1\ntest: node ${playwright}/cli.js test\nevidence: [movies, nowhere]\n`,
});

const spec = (more: string): string => `
  const { test, expect } = require(${JSON.stringify(playwright)});
  test("has a heading", async ({ page }) => {
    await page.goto("/");
    await expect(page.locator("h1")).toHaveText("Shop");
  });
  ${more}`;

/** The first bytes of a WebM file, and such as no kind of file begins with. */
const [movie, unknown] = ["GkXfo59ChoEBQveBAULygQRC84EIQoKEd2VibQ==", "AAEC/w=="];
const mends: Step[] = [
  { do: "write", path: "src/sum.js", contents: "exports.sum = (a, b) => a + b;\n" },
  {
    do: "write",
    path: "test/shop.spec.js",
    contents: spec(`
      const { mkdirSync, symlinkSync, writeFileSync } = require("node:fs");
      test("shows the total [T1]", async ({ page }) => {
        mkdirSync("movies", { recursive: true });
        writeFileSync("movies/total.webm", Buffer.from("${movie}", "base64"));
        writeFileSync("movies/core", Buffer.from("${unknown}", "base64"));
        symlinkSync("/etc/hostname", \`movies/elsewhere-\${Date.now()}\`);
        await page.goto("/");
        await expect(page.locator("output")).toHaveText("4", { timeout: 1000 });
      });`),
  },
];

describe.each(isThorough ? locales : (["en"] as const))("tests in a browser, in %s", (locale) => {
  it("show how it looked, before the change and after it", async () => {
    const server = await startConsole({
      ana: ["viewer", "planner"],
      root: ["viewer", "planner", "approver", "admin"],
    });
    const files = shop(inject("chromiumPath"));
    // Each mutant would be another start of a browser.
    const policy = { limits: { mutants: 0 } };
    const repository = await allowCycles(server, executorOf([mends]), { files, policy });
    const { id, artifacts, evidence } = await checkedCycle(server, repository);
    const check = artifacts.findLast((one) => one.kind === "check")?.content;
    const kept = (check?.captures ?? []).map(({ on, test, media_type: type, name }) => [
      on,
      test,
      type,
      name.slice(name.lastIndexOf("/") + 1),
    ]);
    const [shows, heading] = ["shows the total [T1]", "has a heading"];
    expect(kept).toEqual([
      ["red", shows, "image/png", "test-failed-1.png"],
      ["red", shows, "text/plain", "error-context.md"],
      ["red", shows, "application/zip", "trace.zip"],
      ["red", heading, "image/png", "test-finished-1.png"],
      ["red", heading, "application/zip", "trace.zip"],
      ["red", null, "video/webm", "movies-total.webm"],
      ["head", shows, "image/png", "test-finished-1.png"],
      ["head", shows, "application/zip", "trace.zip"],
      ["head", heading, "image/png", "test-finished-1.png"],
      ["head", heading, "application/zip", "trace.zip"],
      ["head", null, "video/webm", "movies-total.webm"],
    ]);
    expect([check?.problems, check?.captures_left_out]).toEqual([[], 2]);

    expect(
      check?.captures.every(({ sha256, bytes }) =>
        evidence.some((one) => one.sha256 === sha256 && one.bytes === bytes),
      ),
    ).toBe(true);

    const say = await speaker(locale);
    const page = await signIn(
      await newContext({ locale }),
      server.url,
      server.tokens["root"] ?? "",
      `/cycles/${id}`,
    );
    const errors = watchErrors(page);
    await page.getByRole("tab", { name: say("Proof") }).click();
    const requirements = page.getByRole("tabpanel").getByRole("listitem").filter({ hasText: shows }).first();
    await requirements.getByRole("button", { name: say("Show how it looked") }).click();
    const pictures = requirements.getByRole("img");
    await pictures.nth(1).waitFor();
    expect(await pictures.count()).toBe(2);
    const widths = await pictures.evaluateAll((all) =>
      Promise.all(
        all.map(
          async (one) => (await (one as HTMLImageElement).decode(), (one as HTMLImageElement).naturalWidth),
        ),
      ),
    );
    expect(widths).toEqual([1280, 1280]);
    const before = requirements.getByRole("figure").first();
    await before.getByText(say("before the change")).waitFor();
    await requirements.getByText("npx playwright show-trace trace.zip").first().waitFor();
    await page.getByRole("button", { name: say("other tests") }).click();
    await page.locator("video").nth(1).waitFor();
    expect(errors).toEqual([]);
  });
});
