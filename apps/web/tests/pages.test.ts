import { locales } from "@ciclo/contract";
import { beforeAll, describe, expect, it } from "vitest";
import { isEverything } from "../../server/tests/support/extent.ts";
import { newContext, signIn, watchErrors } from "./support/browser.ts";
import { inspect, sizes, themes } from "./support/inspect.ts";
import { seed } from "./support/seed.ts";
import { seedServers } from "./support/seed-servers.ts";
import { type RunningConsole, startConsole } from "./support/server.ts";

let server: RunningConsole;
/** Pages; `once` for parts of one that are seen in one language and theme alone. */
let pages: { name: string; path: string; once?: true }[];
beforeAll(async () => {
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

/**
 * Every page in each language, theme and width. `npm test` takes two combinations that have nothing in common;
 * `npm run test:all` takes all.
 */
const ways = locales
  .flatMap((locale) => themes.flatMap((theme) => sizes.map((size) => ({ locale, theme, ...size }))))
  .filter(
    ({ locale, theme, width }) =>
      isEverything || ((locale === "pt-BR") === (theme === "dark") && (theme === "dark") === width > 1000),
  );

describe("every page", () => {
  describe.each(ways)("in $locale and the $theme theme", ({ locale, theme, width, height }) => {
    it(`fits, at ${width} pixels, and axe finds nothing`, async () => {
      const context = await newContext({ locale, theme, width, height });
      const way = `${locale}-${theme}-${width}`;
      // Language and width change little that axe looks at; the theme changes its colours.
      const axe = theme === "dark" || isEverything ? "all" : "colours";
      const entry = await context.newPage();
      await entry.goto(`${server.url}/sign-in`);
      await inspect(entry, `sign-in-${way}`, locale, axe);
      const page = await signIn(context, server.url, server.tokens["root"] ?? "");
      const errors = watchErrors(page);
      const isFirst = locale === "pt-BR" && theme === "dark" && width > 1000;
      for (const { name, path } of pages.filter(({ once }) => once === undefined || isFirst)) {
        await page.goto(`${server.url}${path}`);
        await inspect(page, `${name}-${way}`, locale, axe);
      }
      expect(errors).toEqual([]);
    });
  });
});
