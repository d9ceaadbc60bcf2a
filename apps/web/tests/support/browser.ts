import { fileURLToPath } from "node:url";
import type { Locale } from "@ciclo/contract";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { expect, inject, type RunnerTestCase } from "vitest";

let browser: Browser | undefined;
const contexts: BrowserContext[] = [];
/** Pages in which somebody is signed in, kept from test to test; `free` are those that no test uses. */
type Kept = { page: Page; key: string };
const kept: { free: Kept[]; used: Kept[] } = { free: [], used: [] };

/** Where a test that fails leaves a picture of each page it had open. */
const failures = fileURLToPath(new URL("../../../../.artifacts/failures", import.meta.url));

/** Ends what a test opened, and keeps the pages in which somebody is signed in. */
export async function putPagesBack(task: Readonly<RunnerTestCase>): Promise<void> {
  const used = kept.used.splice(0);
  const open = contexts.splice(0);
  if (task.result?.state === "fail") {
    const pages = [...open.flatMap((context) => context.pages()), ...used.map(({ page }) => page)];
    const name = task.name.replace(/\W+/g, "-").slice(0, 80);
    for (const [index, page] of pages.entries()) {
      await page.screenshot({ path: `${failures}/${name}-${index}.png` });
    }
  }
  for (const context of open) await context.close();
  for (const each of used) await giveBack(each, task.result?.state === "fail");
}

/** Leaves nothing of a test in its page. One of a test that failed, or that cannot be cleaned, is not kept. */
async function giveBack({ page, key }: Kept, hasFailed: boolean): Promise<void> {
  const isClean =
    !hasFailed &&
    (await clean(page).then(
      () => true,
      () => false,
    ));
  if (isClean) kept.free.push({ page, key });
  else await page.context().close();
}

async function clean(page: Page): Promise<void> {
  await page.unrouteAll({ behavior: "ignoreErrors" });
  page.removeAllListeners();
  await page.evaluate(() => {
    localStorage.clear();
    sessionStorage.clear();
  });
  // Of the same origin, so that Chromium keeps the process; and nothing goes on there.
  await page.goto(new URL("/icon.svg", page.url()).href);
}

/** The consoles that the pages are of end with a test file. The browser is the next file's too, and ends with the process. */
export async function closePages(): Promise<void> {
  for (const { page } of kept.free.splice(0)) await page.context().close();
}

export type Look = {
  locale?: Locale;
  width?: number;
  height?: number;
  theme?: "light" | "dark";
  /** Messages that the page may write to the browser's console as errors. */
  expectedErrors?: RegExp;
};

/** Waits for conditions at most this long. */
export const patienceMs = 15_000;

/** A person's own browser: nothing in it is shared with another's. */
export async function newContext(look: Look = {}): Promise<BrowserContext> {
  const context = await createContext(look);
  contexts.push(context);
  return context;
}

async function createContext(look: Look): Promise<BrowserContext> {
  browser ??= await chromium.launch({
    executablePath: inject("chromiumPath"),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // A name that is not loopback's: there a page over plain HTTP is in no secure context.
      "--host-resolver-rules=MAP console.test 127.0.0.1",
    ],
  });
  const { locale = "en", width = 1440, height = 900, theme = "light" } = look;
  const context = await browser.newContext({
    locale,
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: "reduce",
    timezoneId: "America/Sao_Paulo",
  });
  context.setDefaultTimeout(patienceMs);
  return context;
}

/** Errors that a page met: exceptions, broken policies, what it wrote to the console as one. */
export function watchErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    // A refused request is told to the person; the browser's own note of it is no error of ours.
    // Nor is its note, over plain HTTP, that a header asks for HTTPS.
    if (
      message.type() === "error" &&
      !/^(Failed to load resource|The Cross-Origin-Opener-Policy)/.test(message.text())
    ) {
      errors.push(message.text());
    }
  });
  return errors;
}

/** Signs in as a person does, by token, and lands on `path`. */
export async function signIn(context: BrowserContext, url: string, token: string, path = "/"): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${url}${path}`);
  await page.locator("input[type=password]").fill(token);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${url}${path}`);
  await page.locator("#content h1").first().waitFor();
  return page;
}

/**
 * A page on which somebody is signed in already. It is another test's afterwards: a test that ends sessions,
 * or needs a browser that has been nowhere yet, takes a context of its own.
 */
export async function openAs(
  { url, tokens }: { url: string; tokens: Record<string, string> },
  who: string,
  path: string,
  look: Look = {},
): Promise<Page> {
  const token = tokens[who] ?? "";
  const key = JSON.stringify([url, token, look]);
  const found = kept.free.findIndex((each) => each.key === key);
  const [free] = found === -1 ? [] : kept.free.splice(found, 1);
  const page = free?.page ?? (await signedIn(await createContext(look), url, token));
  kept.used.push({ page, key });
  await page.goto(`${url}${path}`);
  await page.locator("h1").first().waitFor();
  return page;
}

async function signedIn(context: BrowserContext, url: string, token: string): Promise<Page> {
  const response = await context.request.post(`${url}/api/v1/session`, { data: { token } });
  expect(response.status()).toBe(201);
  return context.newPage();
}
