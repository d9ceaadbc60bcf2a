import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { AxeBuilder } from "@axe-core/playwright";
import type { Locale } from "@ciclo/contract";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { catalogue } from "./words.ts";

/** Where each page's picture goes. */
export const pictures = fileURLToPath(new URL("../../../../.artifacts/screenshots", import.meta.url));
mkdirSync(pictures, { recursive: true });

export const sizes = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
];
export const themes = ["light", "dark"] as const;

/** What axe finds, in words. Base UI's focus guards pass focus on as soon as they have it. */
export async function violations(
  page: Page,
  { except = [], onlyColours = false }: { except?: string[]; onlyColours?: boolean } = {},
): Promise<string[]> {
  // In one go, and without a second page to put its answer together: there are no frames. Only what fails is kept.
  const axe = new AxeBuilder({ page })
    .setLegacyMode()
    .options({ resultTypes: ["violations"] })
    .exclude("[data-base-ui-focus-guard]")
    .disableRules(except);
  if (onlyColours) axe.withRules("color-contrast");
  const { violations: found } = await axe.analyze();
  return found.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 300)}`));
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

export async function inspect(page: Page, picture: string, locale: Locale, axe: Axe): Promise<void> {
  await settled(page);
  await page.screenshot({ path: `${pictures}/${picture}.png`, fullPage: true });
  expect(await sideways(page), `${picture} scrolls sideways`).toBeLessThanOrEqual(0);
  expect(await untranslated(page, locale), picture).toEqual([]);
  if (axe !== "none") {
    expect(await violations(page, { onlyColours: axe === "colours" }), picture).toEqual([]);
  }
}
