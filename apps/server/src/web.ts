import { existsSync } from "node:fs";
import { join } from "node:path";
import { negotiateLocale, text } from "@ciclo/contract";
import { serveStatic } from "@hono/node-server/serve-static";
import type { App } from "./request.ts";

/** Paths that belong to others, and those that are never a page. */
const notFiles = /^\/(api|mcp|healthz|readyz)(\/|$)/;
const notPages = /^\/(api|mcp|healthz|readyz|assets)(\/|$)/;

/** Built files carry their hash in their name; the page names them, and must be fresh. */
const cacheOf = (path: string): string =>
  path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";

/**
 * Serves the built console, with every address that is no file answered by its page,
 * so that deep links survive a reload.
 */
export function serveWeb(app: App, folder: string): void {
  app.get("*", async (c, next) => {
    await next();
    if (c.res.ok && !notFiles.test(c.req.path)) c.res.headers.set("cache-control", cacheOf(c.req.path));
  });
  app.get("*", serveStatic({ root: folder, precompressed: true }));
  app.get("*", async (c, next) => {
    const isPage = !notPages.test(c.req.path) && (c.req.header("accept") ?? "").includes("text/html");
    if (!isPage) return next();
    if (existsSync(join(folder, "index.html"))) {
      return serveStatic({ root: folder, path: "index.html", precompressed: true })(c, next);
    }
    return c.text(notBuilt[negotiateLocale(c.req.header("accept-language"))], 503);
  });
}

const notBuilt = text(
  "The web console is not built. Start Ciclo with: npm start",
  "A console web não foi compilada. Inicie o Ciclo com: npm start",
);
