import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { chromiumPath } from "../apps/web/tests/support/chromium.ts";
import { type Figures, median } from "./measure.ts";
import { startAndAsk } from "./server.ts";

const rounds = 7;

type Visit = { firstPaintMs: number; scriptBytes: number };

/**
 * The console's first page on a cold browser and a console that has just started: when something is
 * painted, beside the plain page of the API's documentation, and what script it takes.
 */
export async function measureWeb(): Promise<Figures> {
  const home = mkdtempSync(join(tmpdir(), "ciclo-bench-web-"));
  const { child, url } = await startAndAsk(home);
  const browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const console_: Visit[] = [];
  const plain: Visit[] = [];
  for (let round = 0; round < rounds; round += 1) {
    console_.push(await visit(browser, `${url}/sign-in`));
    plain.push(await visit(browser, `${url}/api/docs`));
  }
  await browser.close();
  child.kill("SIGTERM");
  const paint = median(console_.map(({ firstPaintMs }) => firstPaintMs));
  return {
    web_first_paint_ms: paint,
    web_first_paint_over_plain_page: paint / median(plain.map(({ firstPaintMs }) => firstPaintMs)),
    web_sign_in_script_kb: median(console_.map(({ scriptBytes }) => scriptBytes)) / 1024,
  };
}

/** One visit with nothing cached. */
async function visit(browser: Browser, url: string): Promise<Visit> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url, { waitUntil: "networkidle" });
  const seen = await page.evaluate(() => ({
    firstPaintMs: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
    scriptBytes: performance
      .getEntriesByType("resource")
      .map((entry) => entry as PerformanceResourceTiming)
      .filter(({ name }) => name.endsWith(".js"))
      .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
  }));
  await context.close();
  return seen;
}
