import { type Locale, locales } from "@ciclo/contract";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { isEverything } from "../../server/tests/support/extent.ts";
import { newContext, openAs, signIn, watchErrors } from "./support/browser.ts";
import { inspect, inspectForms, sizes, themes } from "./support/inspect.ts";
import { startSeeded } from "./support/seed.ts";
import { seedCosts } from "./support/seed-costs.ts";
import { seedCycles } from "./support/seed-cycles.ts";
import { seedServers } from "./support/seed-servers.ts";
import { speaker } from "./support/words.ts";

type Seeded = Awaited<ReturnType<typeof startSeeded>>;
let server: Seeded["server"];
let seeded: Seeded["seeded"];
let cycles: Awaited<ReturnType<typeof seedCycles>>;
beforeAll(async () => {
  ({ server, seeded } = await startSeeded());
  await seedServers(server);
  await seedCosts(server);
  cycles = await seedCycles(server);
});

type Seen = { name: string; path: () => string; once?: true; opens?: string };
/** Pages; `once` for parts of one that are seen in one language alone, `opens` for the dialog behind a button. */
const pages: Seen[] = [
  { name: "home", path: () => "/" },
  { name: "assistant", path: () => "/assistant" },
  { name: "changes", path: () => "/changes" },
  { name: "change-pending", path: () => `/changes/${seeded.pending}` },
  { name: "change-steps", path: () => `/changes/${seeded.applied}?tab=plan` },
  { name: "change-audit", path: () => `/changes/${seeded.undone}?tab=audit` },
  { name: "change-none", path: () => "/changes/no-such-plan" },
  { name: "cycles", path: () => "/cycles" },
  { name: "cycle-start", path: () => "/cycles", opens: "Start a cycle…" },
  { name: "cycle-spec", path: () => `/cycles/${cycles.analyzed}?tab=spec` },
  { name: "cycle-proof", path: () => `/cycles/${cycles.checked}` },
  { name: "cycle-plan", path: () => `/cycles/${cycles.checked}?tab=plan`, once: true },
  { name: "cycle-diff", path: () => `/cycles/${cycles.checked}?tab=diff`, once: true },
  { name: "cycle-none", path: () => "/cycles/no-such-cycle", once: true },
  { name: "servers", path: () => "/servers" },
  { name: "onboarding", path: () => "/servers", opens: "Onboard a server…" },
  { name: "server-drifted", path: () => "/servers/files" },
  { name: "server-down", path: () => "/servers/search?tab=latency" },
  { name: "server-log", path: () => "/servers/files?tab=log", once: true },
  { name: "server-client", path: () => "/servers/files?tab=client", once: true },
  { name: "server-none", path: () => "/servers/no-such-server", once: true },
  { name: "keys", path: () => "/keys" },
  { name: "costs", path: () => "/costs" },
  { name: "invoice", path: () => "/costs", opens: "Check an invoice…" },
  { name: "audit", path: () => "/audit" },
  { name: "access", path: () => "/access" },
  { name: "not-found", path: () => "/nowhere" },
];

/** Opens the dialog that is to be seen, if one is. */
async function open(page: Page, opens: string | undefined, locale: Locale): Promise<void> {
  if (opens === undefined) return;
  const say = await speaker(locale);
  await page.getByRole("button", { name: say(opens), exact: true }).click();
  await page.getByRole("dialog").waitFor();
}

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

  it.each(pages)("$name", async ({ name, path, opens }) => {
    const page: Page = await openAs(server, "root", path(), look);
    const errors = watchErrors(page);
    await open(page, opens, locale);
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
    for (const { name, path, opens } of pages.filter(({ once }) => once === undefined)) {
      await page.goto(`${server.url}${path()}`);
      await open(page, opens, locale);
      await inspect(page, { picture: `${name}-${locale}-${theme}-${width}`, locale, axe: "all" });
    }
    expect(errors).toEqual([]);
  });
});
