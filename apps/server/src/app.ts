import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { negotiateLocale } from "@ciclo/contract";
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { Config } from "./config.ts";
import type { Database } from "./db/dialect.ts";
import { createAccess } from "./features/access/index.ts";
import { accessRoutes } from "./features/access/routes.ts";
import { assistantRoutes } from "./features/assistant/routes.ts";
import { type AssistantService, createAssistant } from "./features/assistant/service.ts";
import { auditRoutes } from "./features/audit/routes.ts";
import { createAudit } from "./features/audit/service.ts";
import { createForge } from "./features/changes/forge/index.ts";

import type { OperationKind } from "./features/changes/journal-store.ts";
import { changesRoutes } from "./features/changes/routes.ts";
import { type ChangesService, createChanges } from "./features/changes/service.ts";
import { allowsDirect, requirementsFor, usablePolicy } from "./features/config-repo/approval-rules.ts";
import { openConfigRepository } from "./features/config-repo/repository.ts";
import { createConfigSearch } from "./features/config-repo/search.ts";
import { overlaySnapshot } from "./features/config-repo/snapshot.ts";
import { liveRoutes } from "./features/live/routes.ts";
import { createLive, type LiveService } from "./features/live/service.ts";
import { draftFiles } from "./features/plans/draft.ts";
import { patchProblems } from "./features/plans/patch-check.ts";
import { plansRoutes } from "./features/plans/routes.ts";
import { findSecrets } from "./features/plans/secrets.ts";
import { createPlans, type PlansService } from "./features/plans/service.ts";
import { statusRoutes } from "./features/status/routes.ts";
import { createStatus, type StatusService } from "./features/status/service.ts";
import { type Clock, systemClock } from "./lib/clock.ts";
import type { Logger } from "./lib/logger.ts";
import { loadMasterKey } from "./lib/master-key.ts";
import { type App, apiBase, createMount, handleProblems } from "./mount.ts";
import { openApiDocument } from "./openapi.ts";
import { docsPage, docsStyle } from "./pages.ts";
import { serveWeb } from "./web.ts";

/** The product's own documentation, which the assistant answers from. */
const docsFolder = fileURLToPath(new URL("../../../docs", import.meta.url));
const webFolder = fileURLToPath(new URL("../../web/dist", import.meta.url));

export type AppDeps = {
  config: Config;
  database: Database;
  logger: Logger;
  clock?: Clock;
  /** Whether this process keeps the audit copy and signs checkpoints. One process a data folder may. */
  follows?: boolean;
  /** Called after each journal write; crash tests stop the process there. */
  onJournal?: (operation: OperationKind, point: string) => void;
};

/** Access and audit alone: what the local commands need, beside a running server or without one. */
export async function createCore({ config, database, logger, clock = systemClock, follows = true }: AppDeps) {
  const masterKey = await loadMasterKey(config.masterKey, config.masterKeyFile);
  const folder = join(config.home, "audit");
  const audit = createAudit({ database, clock, logger, masterKey, folder, follows });
  return { audit, ...createAccess({ queries: database.queries, transaction: audit.transaction, clock }) };
}

/** The composition root: constructs every service, and nothing else does. */
export async function createApp(deps: AppDeps) {
  const { config, database, logger, clock = systemClock } = deps;
  const { queries } = database;
  const { audit, users, sessions, countOthers, activeRoles } = await createCore(deps);
  const { transaction } = audit;
  const repository = await openConfigRepository({
    home: config.home,
    source: config.configRepository,
    branch: config.configBranch,
  });
  const search = createConfigSearch();
  const forge = config.forge === undefined ? null : await createForge(config.forge, clock);
  const plans = createPlans({
    queries,
    transaction,
    clock,
    repository,
    search,
    overlay: overlaySnapshot,
    requirementsFor: (snapshot, paths) => requirementsFor(usablePolicy(snapshot), paths),
    isSpent: (planId) => changes.isSpent(planId),
    forgeProvider: forge?.provider ?? null,
  });
  const changes: ChangesService = createChanges({
    database,
    transaction,
    clock,
    logger,
    repository,
    forge,
    findPlan: plans.find,
    preview: plans.preview,
    checkFiles: plans.check,
    planFiles: draftFiles,
    patchProblems,
    findSecrets,
    requirementsFor: (snapshot, paths) => requirementsFor(usablePolicy(snapshot), paths),
    allowsDirect: (snapshot, paths) => allowsDirect(usablePolicy(snapshot), paths),
    countOthers,
    activeRoles,
    eventsOf: audit.eventsOf,
    onJournal: deps.onJournal,
  });
  const assistant = createAssistant({
    queries,
    transaction,
    clock,
    repository,
    search,
    docsFolder,
    plan: plans.plan,
  });

  const askDatabase = () => queries.selectFrom("roles").select("id").limit(1).execute();
  const ready = async (): Promise<void> => {
    await askDatabase();
    await repository.refresh();
  };
  const live = createLive({ ...audit, eventsAfter: audit.after, logger });
  const status = createStatus({ ...audit, repository, logger, askDatabase, waiting: changes.waiting });
  const services = { users, sessions, assistant, plans, changes, audit, live, status };
  return { app: await createRoutes(deps, services, ready), ...services };
}

type Services = Pick<Awaited<ReturnType<typeof createCore>>, "users" | "sessions" | "audit"> & {
  assistant: AssistantService;
  plans: PlansService;
  changes: ChangesService;
  live: LiveService;
  status: StatusService;
};

/** Everything that answers HTTP. */
async function createRoutes(deps: AppDeps, services: Services, ready: () => Promise<void>): Promise<App> {
  const { config, logger } = deps;
  const { users, sessions, assistant, plans, changes, audit, live, status } = services;
  const app: App = new Hono();
  const mountDeps = {
    authenticate: sessions.authenticate,
    transaction: audit.transaction,
    logger,
    maxBodyBytes: config.maxBodyBytes,
  };
  handleProblems(app, mountDeps);
  app.use(secureHeaders({ contentSecurityPolicy, referrerPolicy: "no-referrer", xFrameOptions: "DENY" }));
  const mount = createMount(app, mountDeps);
  accessRoutes(mount, users, sessions);
  assistantRoutes(mount, assistant);
  plansRoutes(mount, plans);
  changesRoutes(mount, changes);
  auditRoutes(mount, audit);
  liveRoutes(mount, live);
  statusRoutes(mount, status);
  if (config.forge !== undefined) {
    const { webhookRoute } = await import("./features/changes/forge/webhooks.ts");
    webhookRoute(app, config.forge, config.maxBodyBytes, changes.syncBranch);
  }
  plainRoutes(app, ready);
  serveWeb(app, webFolder);
  return app;
}

const contentSecurityPolicy = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  connectSrc: ["'self'"],
  imgSrc: ["'self'"],
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
  const document = JSON.stringify(openApiDocument());
  app.get(`${apiBase}/openapi.json`, (c) => c.body(document, 200, { "content-type": "application/json" }));
  app.get("/api/docs", (c) => c.html(docsPage(negotiateLocale(c.req.header("accept-language")))));
  app.get(docsStyle.path, (c) => c.body(docsStyle.body, 200, { "content-type": docsStyle.type }));
}
