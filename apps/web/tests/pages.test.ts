import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { AxeBuilder } from "@axe-core/playwright";
import { type Locale, locales } from "@ciclo/contract";
import type { Page } from "playwright-core";
import { createServer, type ViteDevServer } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newContext, signIn, watchErrors } from "./support/browser.ts";
import { isEverything } from "../../server/tests/support/extent.ts";
import { seed } from "./support/seed.ts";
import { seedServers } from "./support/seed-servers.ts";
import { type RunningConsole, startConsole } from "./support/server.ts";
import { catalogue } from "./support/words.ts";

const pictures = fileURLToPath(new URL("../../../.artifacts/screenshots", import.meta.url));
const sizes = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
];
const themes = ["light", "dark"] as const;

let server: RunningConsole;
/** Pages; `once` for parts of one that are seen in one language and theme alone. */
let pages: { name: string; path: string; once?: true }[];
beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  server = await startConsole({
    ana: ["viewer", "planner"],
    bruno: ["viewer", "approver"],
    root: ["viewer", "planner", "approver", "admin"],
  });
  const seeded = await seed(server.url, server.tokens);
  await seedServers(server);
  pages = [
    { name: "home", path: "/" },
    { name: "assistant", path: "/assistant" },
    { name: "changes", path: "/changes" },
    { name: "change-pending", path: `/changes/${seeded.pending}` },
    { name: "change-steps", path: `/changes/${seeded.applied}?tab=plan` },
    { name: "change-audit", path: `/changes/${seeded.undone}?tab=audit` },
    { name: "change-none", path: "/changes/no-such-plan" },
    { name: "servers", path: "/servers" },
    { name: "server-drifted", path: "/servers/files" },
    { name: "server-down", path: "/servers/search?tab=latency" },
    { name: "server-log", path: "/servers/files?tab=log", once: true },
    { name: "server-client", path: "/servers/files?tab=client", once: true },
    { name: "server-none", path: "/servers/no-such-server", once: true },
    { name: "keys", path: "/keys" },
    { name: "audit", path: "/audit" },
    { name: "access", path: "/access" },
    { name: "not-found", path: "/nowhere" },
  ];
});

/** What axe finds, in words. Base UI's focus guards pass focus on as soon as they have it. */
async function violations(page: Page, { except = [] }: { except?: string[] } = {}): Promise<string[]> {
  const axe = new AxeBuilder({ page }).exclude("[data-base-ui-focus-guard]").disableRules(except);
  const { violations: found } = await axe.analyze();
  return found.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 300)}`));
}

/** Lines of the page that are the English of a message whose translation differs. */
async function untranslated(page: Page, locale: Locale): Promise<string[]> {
  const said = await catalogue(locale);
  const lines = (await page.locator("body").innerText()).split("\n").map((line) => line.trim());
  return lines.filter((line) => said.has(line) && said.get(line) !== line);
}

const sideways = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

/** Nothing is being read any more. */
async function settled(page: Page): Promise<void> {
  await page.locator("h1").first().waitFor();
  await page.waitForFunction(() => document.querySelector("[role=status][aria-label]") === null);
  await page.evaluate(() => document.fonts.ready);
}

async function inspect(page: Page, picture: string, locale: Locale, withAxe: boolean): Promise<void> {
  await settled(page);
  await page.screenshot({ path: `${pictures}/${picture}.png`, fullPage: true });
  expect(await sideways(page), `${picture} scrolls sideways`).toBeLessThanOrEqual(0);
  expect(await untranslated(page, locale), picture).toEqual([]);
  if (withAxe) expect(await violations(page), picture).toEqual([]);
}

/**
 * Every page in each language, theme and width. `npm test` takes combinations in which each two of these meet once;
 * `npm run test:all` takes all.
 */
const ways = locales
  .flatMap((locale) => themes.flatMap((theme) => sizes.map((size) => ({ locale, theme, ...size }))))
  .filter(
    ({ locale, theme, width }) =>
      isEverything || (locale === "pt-BR") === ((theme === "dark") === width > 1000),
  );

describe("every page", () => {
  describe.each(ways)("in $locale and the $theme theme", ({ locale, theme, width, height }) => {
    it(`fits, at ${width} pixels, and axe finds nothing`, { timeout: 120_000 }, async () => {
      const context = await newContext({ locale, theme, width, height });
      const way = `${locale}-${theme}-${width}`;
      // Language and width change little that axe looks at, and it takes a second a page.
      const withAxe = width > 1000;
      const entry = await context.newPage();
      await entry.goto(`${server.url}/sign-in`);
      await inspect(entry, `sign-in-${way}`, locale, withAxe);
      const page = await signIn(context, server.url, server.tokens["root"] ?? "");
      const errors = watchErrors(page);
      const isFirst = locale === "pt-BR" && theme === "dark" && width > 1000;
      for (const { name, path } of pages.filter(({ once }) => once === undefined || isFirst)) {
        await page.goto(`${server.url}${path}`);
        await inspect(page, `${name}-${way}`, locale, withAxe);
      }
      expect(errors).toEqual([]);
    });
  });
});

describe("what opens", () => {
  it.each(themes)("is free of axe's findings too, in the %s theme", async (theme) => {
    const page = await signIn(
      await newContext({ theme, locale: "pt-BR" }),
      server.url,
      server.tokens["root"] ?? "",
    );
    await page.keyboard.press("Control+k");
    await page.getByRole("option").first().waitFor();
    await page.getByRole("combobox").fill("catalog");
    await page.getByRole("option", { name: /add-agent-catalog/ }).waitFor();
    await page.screenshot({ path: `${pictures}/palette-${theme}.png` });
    expect(await violations(page)).toEqual([]);
    await page.getByRole("combobox").fill("add-agent-catalog");
    await expect.poll(() => page.getByRole("option").count()).toBe(1);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/changes\/add-agent-catalog/);
    await page.goto(`${server.url}${pages[4]?.path}`);
    await page.getByRole("button", { name: "Reverter…" }).click();
    await page.getByText("é removido").first().waitFor();
    await page.screenshot({ path: `${pictures}/rollback-${theme}.png` });
    expect(await violations(page)).toEqual([]);
    await page.goto(`${server.url}/access`);
    await page.getByRole("button", { name: "Adicionar usuário" }).click();
    await page.getByRole("textbox", { name: "Nome" }).waitFor();
    await page.screenshot({ path: `${pictures}/add-user-${theme}.png` });
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Ações para ana" }).click();
    await page.getByRole("menuitem").first().waitFor();
    await page.screenshot({ path: `${pictures}/user-menu-${theme}.png` });
    // An open menu floats over the page's regions, in none of them.
    expect(await violations(page, { except: ["region"] })).toEqual([]);
  });

  it.each(sizes)("a conversation with its plan, at $width pixels", async ({ width, height }) => {
    for (const theme of themes) {
      const context = await newContext({ theme, width, height, locale: "pt-BR" });
      const page = await signIn(context, server.url, server.tokens["ana"] ?? "", "/assistant");
      await page
        .getByRole("complementary")
        .getByRole("link", { name: /agente fiscal/ })
        .click();
      await page.getByRole("article").waitFor();
      await page.getByText("agents/fiscal/agent.yaml").waitFor();
      await inspect(page, `thread-pt-BR-${theme}-${width}`, "pt-BR", width > 1000);
      expect(await page.getByRole("tab").allInnerTexts()).toHaveLength(4);
    }
  });
});

describe("choices", () => {
  it("of language and theme hold at once, and after a reload", async () => {
    const page = await signIn(await newContext({ locale: "en" }), server.url, server.tokens["root"] ?? "");
    await page.getByRole("button", { name: "Language" }).click();
    await page.getByRole("menuitemradio", { name: "Português (Brasil)" }).click();
    await page.getByRole("heading", { name: "Início" }).waitFor();
    await page.getByText("Nada está parado").waitFor();
    await page.getByRole("button", { name: "Tema" }).click();
    await page.getByRole("menuitemradio", { name: "Escuro" }).click();
    await page.reload();
    await page.getByRole("heading", { name: "Início" }).waitFor();
    expect(
      await page.evaluate(() => [document.documentElement.lang, document.documentElement.dataset["theme"]]),
    ).toEqual(["pt-BR", "dark"]);
  });

  it("of filters and pages are in the address, and the way back leads through them", async () => {
    const page = await signIn(
      await newContext({ locale: "en" }),
      server.url,
      server.tokens["root"] ?? "",
      "/changes",
    );
    await page.getByLabel("Outcome").selectOption("rejected");
    await page.waitForURL(/outcome=rejected/);
    await expect.poll(() => page.getByRole("table").getByRole("row").count()).toBe(2);
    await page.getByRole("searchbox", { name: "Search" }).fill("nothing like this");
    await page.getByText("No change fits these filters").waitFor();
    await page.goBack();
    await page
      .getByRole("table")
      .getByRole("link", { name: /shadow/ })
      .click();
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.goBack();
    await page.waitForURL(/outcome=rejected/);
    await page.reload();
    expect(await page.getByLabel("Outcome").inputValue()).toBe("rejected");
  });
});

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

  it.each(themes)("shows each part in its states, in the %s theme", async (theme) => {
    const address = vite.resolvedUrls?.local[0] ?? "";
    for (const { width, height } of sizes) {
      const page = await (await newContext({ theme, width, height })).newPage();
      await page.goto(`${address}kit`, { timeout: 60_000 });
      await page.getByRole("heading", { name: "Diff" }).waitFor({ timeout: 60_000 });
      await page.getByText("‹U+202E›").waitFor();
      await page.screenshot({ path: `${pictures}/kit-${theme}-${width}.png`, fullPage: true });
      expect(await sideways(page)).toBeLessThanOrEqual(0);
      expect(await violations(page)).toEqual([]);
      if (width > 1000) await sortAndFilter(page);
    }
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

  it("is not part of what is shipped", async () => {
    const response = await fetch(`${server.url}/kit`, { headers: { accept: "text/html" } });
    expect(response.status).toBe(200);
    const page = await signIn(await newContext(), server.url, server.tokens["root"] ?? "", "/");
    await page.goto(`${server.url}/kit`);
    await page.getByText("Nothing is at this address").waitFor();
  });
});
