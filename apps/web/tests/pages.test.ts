import { locales } from "@ciclo/contract";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { isEverything } from "../../server/tests/support/extent.ts";
import { newContext, openAs, signIn, watchErrors } from "./support/browser.ts";
import { inspect, inspectForms, sizes, themes } from "./support/inspect.ts";
import { startSeeded } from "./support/seed.ts";
import { seedServers } from "./support/seed-servers.ts";

type Seeded = Awaited<ReturnType<typeof startSeeded>>;
let server: Seeded["server"];
let seeded: Seeded["seeded"];
beforeAll(async () => {
  ({ server, seeded } = await startSeeded());
  await seedServers(server);
});

/** Pages; `once` for parts of one that are seen in one language alone. */
const pages: { name: string; path: () => string; once?: true }[] = [
  { name: "home", path: () => "/" },
  { name: "assistant", path: () => "/assistant" },
  { name: "changes", path: () => "/changes" },
  { name: "change-pending", path: () => `/changes/${seeded.pending}` },
  { name: "change-steps", path: () => `/changes/${seeded.applied}?tab=plan` },
  { name: "change-audit", path: () => `/changes/${seeded.undone}?tab=audit` },
  { name: "change-none", path: () => "/changes/no-such-plan" },
  { name: "servers", path: () => "/servers" },
  { name: "server-drifted", path: () => "/servers/files" },
  { name: "server-down", path: () => "/servers/search?tab=latency" },
  { name: "server-log", path: () => "/servers/files?tab=log", once: true },
  { name: "server-client", path: () => "/servers/files?tab=client", once: true },
  { name: "server-none", path: () => "/servers/no-such-server", once: true },
  { name: "keys", path: () => "/keys" },
  { name: "audit", path: () => "/audit" },
  { name: "access", path: () => "/access" },
  { name: "not-found", path: () => "/nowhere" },
];

describe("every page fits at each width, is translated, and axe finds nothing", () => {
  const locale = "pt-BR";
  const look = { locale, theme: "dark" } as const;

  it("sign-in", async () => {
    const page = await (await newContext(look)).newPage();
    const errors = watchErrors(page);
    await page.goto(`${server.url}/sign-in`);
    await inspectForms(page, "sign-in", locale);
    expect(errors).toEqual([]);
  });

  it.each(pages)("$name", async ({ name, path }) => {
    const page: Page = await openAs(server, "root", path(), look);
    const errors = watchErrors(page);
    await inspectForms(page, name, locale);
    expect(errors).toEqual([]);
  });
});

/** Loaded in a language, theme and width, rather than changed to them: for `npm run test:all`. */
const ways = isEverything
  ? locales.flatMap((locale) => themes.flatMap((theme) => sizes.map((size) => ({ locale, theme, ...size }))))
  : [];

describe.each(ways)("every page in $locale and the $theme theme", ({ locale, theme, width, height }) => {
  it(`fits, at ${width} pixels, and axe finds nothing`, { timeout: 120_000 }, async () => {
    const context = await newContext({ locale, theme, width, height });
    const page = await signIn(context, server.url, server.tokens["root"] ?? "");
    const errors = watchErrors(page);
    for (const { name, path } of pages.filter(({ once }) => once === undefined)) {
      await page.goto(`${server.url}${path()}`);
      await inspect(page, { picture: `${name}-${locale}-${theme}-${width}`, locale, axe: "all" });
    }
    expect(errors).toEqual([]);
  });
});
