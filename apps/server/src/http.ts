import { negotiateLocale } from "@ciclo/contract";
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { join } from "node:path";
import type { PlainRoutes, Routes } from "./domain/feature.ts";
import { serverFolder } from "./lib/places.ts";
import { createMount, type MountDeps, refuseOtherHosts } from "./mount.ts";
import { handleProblems } from "./problems.ts";
import { addressOf, type App, apiBase } from "./request.ts";
import { openApiDocument } from "./openapi.ts";
import { docsPage, docsStyle } from "./pages.ts";
import { serveWeb } from "./web.ts";

const webFolder = join(serverFolder, "../web/dist");

export type HttpDeps = MountDeps & {
  features: readonly { routes: Routes }[];
  /** Throws while the console cannot do its work. */
  ready(): Promise<void>;
};

/** Everything that answers HTTP. */
export function createHttp(deps: HttpDeps): App {
  const app: App = new Hono();
  handleProblems(app, deps);
  refuseOtherHosts(app, deps);
  app.use(secureHeaders({ contentSecurityPolicy, referrerPolicy: "no-referrer", xFrameOptions: "DENY" }));
  const mount = createMount(app, deps);
  const plain: PlainRoutes = {
    post: (path, handler) => void app.post(`${apiBase}${path}`, (c) => handler(c.req.raw)),
    get: (path, handler) => void app.get(path, (c) => handler(c.req.raw, addressOf(c))),
  };
  for (const { routes } of deps.features) routes(mount, plain);
  plainRoutes(app, deps.ready);
  serveWeb(app, webFolder);
  return app;
}

const contentSecurityPolicy = {
  defaultSrc: ["'none'"],
  // Recordings are played by a terminal that is compiled from WebAssembly. It lets no text be run as a script.
  scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
  styleSrc: ["'self'"],
  connectSrc: ["'self'"],
  // Pictures and videos that tests left, which the console knows by their first bytes.
  imgSrc: ["'self'", "data:"],
  mediaSrc: ["data:"],
  fontSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
};

/** Health and documents. */
function plainRoutes(app: App, ready: () => Promise<void>): void {
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", async (c) => {
    await ready();
    return c.json({ status: "ok" });
  });
  // Made when it is first asked for: a start does without.
  let document: string | undefined;
  app.get(`${apiBase}/openapi.json`, (c) => {
    document ??= JSON.stringify(openApiDocument());
    return c.body(document, 200, { "content-type": "application/json" });
  });
  app.get("/api/docs", (c) => c.html(docsPage(negotiateLocale(c.req.header("accept-language")))));
  app.get(docsStyle.path, (c) => c.body(docsStyle.body, 200, { "content-type": docsStyle.type }));
}
