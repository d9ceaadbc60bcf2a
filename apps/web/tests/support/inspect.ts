import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Locale } from "@ciclo/contract";
import { type AxeResults, type ElementContext, type RunOptions, source as axeSource } from "axe-core";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { isThorough } from "../../../server/tests/support/extent.ts";
import { catalogue } from "./words.ts";

/** Where each page's picture goes. */
export const pictures = fileURLToPath(new URL("../../../../.artifacts/screenshots", import.meta.url));
mkdirSync(pictures, { recursive: true });

export const sizes = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
] as const;
export const themes = ["light", "dark"] as const;

type Rules = { except?: string[]; onlyColours?: boolean };

/**
 * What axe finds, in words. It measures where everything is before it looks: what a page that changes meanwhile has
 * moved is mistaken for what lies there, so what is found must be found twice.
 */
export async function violations(page: Page, rules: Rules = {}): Promise<string[]> {
  const found = await look(page, rules);
  return found.length === 0 ? found : look(page, rules);
}

/** Base UI's focus guards pass focus on as soon as they have it. */
async function look(page: Page, { except = [], onlyColours = false }: Rules): Promise<string[]> {
  // Once a document: it is half a megabyte.
  const isThere = await page.evaluate(() => "axe" in globalThis);
  if (!isThere) await page.evaluate(axeSource);
  return page.evaluate(
    async ({ disabled, runOnly }) => {
      const run = Reflect.get(globalThis, "axe").run as (
        context: ElementContext,
        options: RunOptions,
      ) => Promise<AxeResults>;
      const { violations: found } = await run(
        { exclude: "[data-base-ui-focus-guard]" },
        {
          resultTypes: ["violations"],
          rules: Object.fromEntries(disabled.map((rule) => [rule, { enabled: false }])),
          ...(runOnly === null ? {} : { runOnly }),
        },
      );
      return found.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 300)}`));
    },
    { disabled: except, runOnly: onlyColours ? ["color-contrast"] : null },
  );
}

/** Lines of the page that are the English of a message whose translation differs. */
async function untranslated(page: Page, locale: Locale): Promise<string[]> {
  const said = await catalogue(locale);
  const lines = (await page.locator("body").innerText()).split("\n").map((line) => line.trim());
  return lines.filter((line) => said.has(line) && said.get(line) !== line);
}

export const sideways = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

/** Nothing is being read any more. */
async function settled(page: Page): Promise<void> {
  await page.locator("h1").first().waitFor();
  await page.waitForFunction(() => document.querySelector("[role=status][aria-label]") === null);
  await page.evaluate(() => document.fonts.ready);
}

export type Axe = "all" | "colours" | "none";
export type Seen = { picture: string; locale: Locale; axe: Axe };

export async function inspect(page: Page, { picture, locale, axe }: Seen): Promise<void> {
  await settled(page);
  if (isThorough) await page.screenshot({ path: `${pictures}/${picture}.png`, fullPage: true });
  expect(await sideways(page), `${picture} scrolls sideways`).toBeLessThanOrEqual(0);
  expect(await untranslated(page, locale), picture).toEqual([]);
  if (axe !== "none") {
    expect(await violations(page, { onlyColours: axe === "colours" }), picture).toEqual([]);
  }
}

/**
 * A page that is open, as it is and on a phone; where more is tried in the light theme too. Theme and width change
 * little that axe looks at but colours. Leaves the page dark and wide, as it must be to begin with.
 */
export async function inspectForms(page: Page, name: string, locale: Locale): Promise<void> {
  const [wide, narrow] = sizes;
  await inspect(page, { picture: `${name}-${locale}-dark-${wide.width}`, locale, axe: "all" });
  if (isThorough) {
    await page.emulateMedia({ colorScheme: "light" });
    await inspect(page, { picture: `${name}-${locale}-light-${wide.width}`, locale, axe: "colours" });
  }
  await page.setViewportSize(narrow);
  await inspect(page, { picture: `${name}-${locale}-${narrow.width}`, locale, axe: "none" });
  await page.setViewportSize(wide);
  await page.emulateMedia({ colorScheme: "dark" });
}
