import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { negotiateLocale } from "@ciclo/contract";
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { type Config, inheritedEnvironment, version } from "./config.ts";
import type { Database, Queries } from "./db/dialect.ts";
import { type AccessFeature, createAccess } from "./features/access/index.ts";
import { accessRoutes } from "./features/access/routes.ts";
import { assistantRoutes } from "./features/assistant/routes.ts";
import { type AssistantService, createAssistant } from "./features/assistant/service.ts";
import { auditRoutes } from "./features/audit/routes.ts";
import { type AuditService, createAudit } from "./features/audit/service.ts";
import { canaryRoutes } from "./features/canary/routes.ts";
import { type CanaryService, createCanary } from "./features/canary/service.ts";
import { createForge } from "./features/changes/forge/index.ts";

import type { OperationKind } from "./features/changes/journal-store.ts";
import { changesRoutes } from "./features/changes/routes.ts";
import { type ChangesService, createChanges } from "./features/changes/service.ts";
import { allowsDirect, requirementsFor, usablePolicy } from "./features/config-repo/approval-rules.ts";
import { type ConfigRepository, openConfigRepository } from "./features/config-repo/repository.ts";
import { createConfigSearch, type SearchConfig } from "./features/config-repo/search.ts";
import { overlaySnapshot, type Snapshot } from "./features/config-repo/snapshot.ts";
import { Door } from "./features/gateway/door.ts";
import type { Gateway } from "./features/gateway/gateway.ts";
import { createOwnServer } from "./features/gateway/own-server.ts";
import { CallRates } from "./features/gateway/rates.ts";
import { gitLabProvider } from "./features/keys/renewal/gitlab.ts";
import { keysRoutes } from "./features/keys/routes.ts";
import { createKeys, type KeysService } from "./features/keys/service.ts";
import { openVault, type Vault } from "./features/keys/vault.ts";
import { liveRoutes } from "./features/live/routes.ts";
import { createLive, type LiveService } from "./features/live/service.ts";
import { onboardingRoutes } from "./features/onboarding/routes.ts";
import { createOnboarding, type OnboardingService } from "./features/onboarding/service.ts";
import { draftFiles } from "./features/plans/draft.ts";
import { patchProblems } from "./features/plans/patch-check.ts";
import { plansRoutes } from "./features/plans/routes.ts";
import { findSecrets } from "./features/plans/secrets.ts";
import { createPlans, type PlansService } from "./features/plans/service.ts";
import { callMsOf } from "./features/servers/connect.ts";
import { explainFailure, explainStatus } from "./features/servers/explain.ts";
import { presentValidation } from "./features/servers/present.ts";
import { serversRoutes } from "./features/servers/routes.ts";
import { createServers, noServer, type ServersService } from "./features/servers/service.ts";
import { statusRoutes } from "./features/status/routes.ts";
import { createStatus, type StatusService } from "./features/status/service.ts";
import type { AuditedTransaction } from "./lib/actor.ts";
import { Budgets, budgetsOf } from "./features/usage/budgets.ts";
import { UsageRecorder } from "./features/usage/recorder.ts";
import { type Clock, systemClock } from "./lib/clock.ts";
import { deriveKey } from "./lib/crypto.ts";
import type { Logger } from "./lib/logger.ts";
import { openMasterKey } from "./lib/master-key.ts";
import type { ResolveHost } from "./lib/outbound.ts";
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
  /** Resolves host names; tests hand in one of theirs. */
  resolve?: ResolveHost;
};

/** Access and audit alone: what the local commands need, beside a running server or without one. */
export async function createCore({ config, database, logger, clock = systemClock, follows = true }: AppDeps) {
  const { queries } = database;
  const master = await openMasterKey(config.masterKey, config.masterKeyFile);
  const vault = await openVault({ queries, clock, master });
  const signingKey = await vault.named("audit checkpoint", auditSigningKey);
  const folder = join(config.home, "audit");
  const audit = createAudit({ database, clock, logger, signingKey, folder, follows });
  return { audit, vault, ...createAccess({ queries, transaction: audit.transaction, clock }) };
}

const auditSigningKey = (masterKey: Buffer): Buffer => deriveKey(masterKey, "ciclo audit checkpoint v1");

/** The composition root: constructs every service, and nothing else does. */
export async function createApp(deps: AppDeps) {
  const { config, database, logger, clock = systemClock } = deps;
  const { queries } = database;
  const core = await createCore(deps);
  const { audit, users, sessions, vault } = core;
  const { transaction } = audit;
  const repository = await openConfigRepository({
    home: config.home,
    source: config.configRepository,
    branch: config.configBranch,
  });
  const search = createConfigSearch();
  const base: Base = { ...deps, clock, queries, transaction, repository, vault };
  const canary: CanaryService = createCanary({
    ...base,
    states: () => new Map(mcp.servers.all().map(({ server, link }) => [server.id, link.state])),
    takeIn: () => mcp.servers.reconcile(),
    probe: async (id) => (await mcp.servers.find(id)?.link.probe()) ?? { ok: false, ms: null },
    rollback: (actor, request, locale) => changes.rollback(actor, request, locale),
  });
  const { plans, changes } = await createChanging({
    ...base,
    ...core,
    search,
    canary,
    onFinished: () => {
      mcp.follow();
      if (deps.follows !== false) void canary.run();
    },
  });
  const mcp = createMcp({ ...base, plan: plans.plan });
  const assistant = createAssistant({ ...base, search, docsFolder, plan: mcp.onboarding.plan });
  const askDatabase = () => queries.selectFrom("roles").select("id").limit(1).execute();
  const ready = async (): Promise<void> => {
    await askDatabase();
    await repository.refresh();
  };
  const waiting = async () => [...(await changes.waiting()), ...(await canary.waiting())];
  const live = createLive({ ...audit, eventsAfter: audit.after, logger });
  const status = createStatus({ ...audit, repository, logger, askDatabase, waiting });
  const services = { users, sessions, assistant, plans, changes, audit, live, status, vault, canary, ...mcp };
  const gateway = new Door(() => createGateway({ ...base, ...services }));
  mcp.servers.onChange(() => gateway.serversChanged());
  audit.onCommit(() => gateway.accessChanged());
  return { app: await createRoutes(deps, services, ready), gateway, ...services };
}

/** What most features stand on. */
type Base = AppDeps & {
  clock: Clock;
  queries: Queries;
  transaction: AuditedTransaction;
  repository: ConfigRepository;
  vault: Vault;
};

type ChangingDeps = Base & {
  audit: AuditService;
  search: SearchConfig;
  canary: CanaryService;
  countOthers: AccessFeature["countOthers"];
  activeRoles: AccessFeature["activeRoles"];
  onFinished(kind: OperationKind, planId: string): void;
};

/** From a request to a plan, and from a plan to the live branch. */
async function createChanging(deps: ChangingDeps) {
  const { config, clock, audit } = deps;
  const forge = config.forge === undefined ? null : await createForge(config.forge, clock);
  const bySnapshot = {
    requirementsFor: (snapshot: Snapshot, paths: Iterable<string>) =>
      requirementsFor(usablePolicy(snapshot), paths),
    allowsDirect: (snapshot: Snapshot, paths: Iterable<string>) =>
      allowsDirect(usablePolicy(snapshot), paths),
  };
  const plans = createPlans({
    ...deps,
    ...bySnapshot,
    overlay: overlaySnapshot,
    isSpent: (planId) => changes.isSpent(planId),
    forgeProvider: forge?.provider ?? null,
  });
  const changes: ChangesService = createChanges({
    ...deps,
    ...bySnapshot,
    forge,
    findPlan: plans.find,
    preview: plans.preview,
    checkFiles: plans.check,
    planFiles: draftFiles,
    patchProblems,
    findSecrets,
    eventsOf: audit.eventsOf,
    planCanary: deps.canary.plan,
    canaryOf: deps.canary.of,
  });
  return { plans, changes };
}

/** MCP servers, their keys, and how they come to be. */
function createMcp(deps: Base & { plan: PlansService["plan"] }) {
  const { config, logger } = deps;
  const keys: KeysService = createKeys({
    ...deps,
    providers: { gitlab: gitLabProvider((input, init) => servers.send(input, init)) },
    usersOf: () => servers.usersOf(),
    handshake: async (id, values, onStep, signal) => {
      await servers.handshakeWith(id, values, { onStep, signal });
    },
    onChange: () => takeIn(),
  });
  const servers: ServersService = createServers({
    ...deps,
    home: config.home,
    ring: keys.ring,
    version,
    environment: inheritedEnvironment(["PATH", "LANG", "LC_ALL", "TZ", "TMPDIR"]),
  });
  const onboarding = createOnboarding({
    plan: deps.plan,
    handshake: servers.handshake,
    presentValidation,
    findServer: servers.find,
    refuseUnknownServer: (id) => {
      throw noServer(
        id,
        servers.all().map(({ server }) => server.id),
      );
    },
    addKey: keys.add,
    revealKey: async (reference) => (await keys.ring()).reveal(reference),
    hasKey: async (reference) => (await keys.ring()).versionOf(reference) !== null,
    findSecrets,
    registered: () => servers.all().map(({ server }) => server),
  });
  // What fails here is tried again when the live branch is looked at next.
  const takeIn = (): Promise<void> =>
    servers
      .reconcile()
      .catch((error: unknown) => logger.warn({ err: error }, "the live branch could not be read"));
  const recorder = new UsageRecorder(deps);
  const budgets = new Budgets(deps);
  return { keys, servers, onboarding, recorder, budgets, follow: () => void takeIn() };
}

/** The way in for IDEs and agents. It stands beside the API, on the bare HTTP server. */
async function createGateway(deps: Base & Services & { vault: Vault }): Promise<Gateway> {
  const { config, servers, recorder, budgets, plans, changes, status } = deps;
  const { Gateway: GatewayOf } = await import("./features/gateway/gateway.ts");
  return new GatewayOf({
    ...deps,
    authenticate: deps.sessions.authenticate,
    publicUrl: config.publicUrl,
    maxBodyBytes: config.maxBodyBytes,
    sessionKey: await deps.vault.named("gateway sessions", () => randomBytes(32)),
    version,
    policies: () => servers.snapshot()?.policies ?? new Map(),
    rates: new CallRates(deps.clock),
    budgets,
    budgetsOf,
    record: (event) => recorder.record(event),
    servers: servers.all,
    find: servers.find,
    callMsOf,
    explainStatus,
    explainFailure,
    own: createOwnServer({
      chat: deps.assistant.chat,
      plan: deps.onboarding.plan,
      findPlan: plans.find,
      submit: changes.submit,
      listChanges: (limit) => changes.list({ limit }),
      getChange: changes.get,
      inbox: (actor, locale) => changes.inbox(actor, { status: "pending", limit: 50 }, locale),
      health: status.health,
      servers: servers.list,
    }),
  });
}

type Services = Pick<Awaited<ReturnType<typeof createCore>>, "users" | "sessions" | "audit"> & {
  assistant: AssistantService;
  plans: PlansService;
  changes: ChangesService;
  live: LiveService;
  status: StatusService;
  canary: CanaryService;
  keys: KeysService;
  servers: ServersService;
  onboarding: OnboardingService;
  recorder: UsageRecorder;
  budgets: Budgets;
};

/** Everything that answers HTTP. */
async function createRoutes(deps: AppDeps, services: Services, ready: () => Promise<void>): Promise<App> {
  const { config, logger } = deps;
  const { users, sessions, assistant, changes, audit, live, status, keys, servers, onboarding } = services;
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
  plansRoutes(mount, onboarding);
  changesRoutes(mount, changes);
  auditRoutes(mount, audit);
  liveRoutes(mount, live);
  statusRoutes(mount, status);
  canaryRoutes(mount, services.canary);
  keysRoutes(mount, keys);
  serversRoutes(mount, servers);
  onboardingRoutes(mount, onboarding, config.publicUrl);
  if (config.forge !== undefined) {
    const { webhookRoute } = await import("./features/changes/forge/webhooks.ts");
    webhookRoute(app, {
      forge: config.forge,
      maxBodyBytes: config.maxBodyBytes,
      syncBranch: changes.syncBranch,
      async pushed(branch) {
        if (branch !== config.configBranch) return false;
        await servers.reconcile();
        return true;
      },
    });
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
