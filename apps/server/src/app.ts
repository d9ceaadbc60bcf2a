import { randomBytes } from "node:crypto";
import { version } from "./config.ts";
import { type CoreDeps, createCore } from "./core.ts";
import { together } from "./domain/feature.ts";
import { createAssistant } from "./features/assistant/index.ts";
import { createCanary } from "./features/canary/index.ts";
import type { OperationKind } from "./domain/operations.ts";
import { createChanges } from "./features/changes/index.ts";
import { createConfigRepo } from "./features/config-repo/index.ts";
import { createGateway } from "./features/gateway/index.ts";
import { createKeys } from "./features/keys/index.ts";
import { createLive } from "./features/live/index.ts";
import { createOnboarding } from "./features/onboarding/index.ts";
import { createPlans } from "./features/plans/index.ts";
import { createRetention } from "./features/retention/index.ts";
import { createServers } from "./features/servers/index.ts";
import { createStatus } from "./features/status/index.ts";
import { createUsage } from "./features/usage/index.ts";
import { createHttp } from "./http.ts";
import { systemClock } from "./lib/clock.ts";
import { freeBytes } from "./lib/files.ts";
import { openHost } from "./lib/host.ts";
import type { ResolveHost } from "./lib/outbound.ts";

export type AppDeps = CoreDeps & {
  /** Called after each journal write; crash tests stop the process there. */
  onJournal?: (operation: OperationKind, point: string) => void;
  /** Resolves host names; tests hand in one of theirs. */
  resolve?: ResolveHost;
};

export type App = Awaited<ReturnType<typeof createApp>>;

/**
 * The composition root: makes every feature, and nothing else does. Nothing goes on in the background
 * before `start`; what is asked of the services works without it.
 */
export async function createApp(deps: AppDeps) {
  const { config, database, logger, clock = systemClock } = deps;
  const core = await createCore(deps);
  const { bus, vault } = core;
  const { service: audit } = core.features.audit;
  const { service: access } = core.features.access;
  const { transaction } = audit;
  const base = { database, queries: database.queries, transaction, clock, logger, bus };
  const configRepo = await createConfigRepo({
    logger,
    home: config.home,
    source: config.configRepository,
    branch: config.configBranch,
  });
  const { repository, search, overlay, requirementsFor, allowsDirect } = configRepo.service;
  const usage = createUsage(base);
  const keys = createKeys({
    ...base,
    vault,
    send: (input, init) => servers.service.send(input, init),
    usersOf: () => servers.service.usersOf(),
    handshake: async (id, values, onStep, signal) => {
      await servers.service.handshakeWith(id, values, { onStep, signal });
    },
  });
  const host = openHost(config);
  const servers = createServers({
    ...base,
    repository,
    home: config.home,
    ring: keys.service.ring,
    resolve: deps.resolve,
    version,
    ...host,
  });
  const plans = createPlans({
    ...base,
    repository,
    search,
    overlay,
    requirementsFor,
    findProgram: host.findProgram,
    policyProblem: servers.service.policyProblem,
    isSpent: (planId) => changes.service.isSpent(planId),
    forgeProvider: config.forge?.provider ?? null,
  });
  const canary = createCanary({
    ...base,
    repository,
    states: () => new Map(servers.service.all().map(({ server, link }) => [server.id, link.state])),
    takeIn: servers.service.reconcile,
    ensureCommit: (recordId) => changes.service.ensureCommit(recordId),
    probe: async (id) => (await servers.service.find(id)?.link.probe()) ?? { ok: false, ms: null },
    rollback: (actor, request, locale) => changes.service.rollback(actor, request, locale),
  });
  const changes = await createChanges({
    ...base,
    repository,
    requirementsFor,
    allowsDirect,
    forge: config.forge,
    maxBodyBytes: config.maxBodyBytes,
    findPlan: plans.service.find,
    preview: plans.service.preview,
    checkFiles: plans.service.check,
    planFiles: plans.service.planFiles,
    patchProblems: plans.service.patchProblems,
    findSecrets: plans.service.findSecrets,
    countOthers: access.countOthers,
    activeRoles: access.activeRoles,
    eventsOf: audit.eventsOf,
    planCanary: canary.service.plan,
    canaryOf: canary.service.of,
    onJournal: deps.onJournal,
  });
  const onboarding = createOnboarding({
    plan: plans.service.plan,
    findSecrets: plans.service.findSecrets,
    serverProblems: plans.service.serverProblems,
    handshake: servers.service.handshakeUnapproved,
    presentValidation: servers.service.presentValidation,
    findServer: servers.service.find,
    refuseUnknownServer: servers.service.refuseUnknown,
    registered: () => servers.service.all().map(({ server }) => server),
    addKey: (actor, key) => keys.service.add(actor, key, "en"),
    revealKey: async (reference) => (await keys.service.ring()).reveal(reference),
    hasKey: async (reference) => (await keys.service.ring()).versionOf(reference) !== null,
    publicUrl: config.publicUrl,
  });
  const assistant = createAssistant({
    ...base,
    repository,
    search,
    plan: onboarding.service.plan,
  });
  const status = createStatus({
    repository,
    logger,
    askDatabase: database.ping,
    waiting: async () => [...(await changes.service.waiting()), ...(await canary.service.waiting())],
    lastCheckpoint: audit.lastCheckpoint,
    servers: servers.service.standings,
    sandbox: servers.service.sandbox,
    keys: keys.service.standings,
    troubles: () => workers.troubles(),
    freeBytes: () => freeBytes(config.home),
  });
  const retention = createRetention({
    ...base,
    repository,
    subjects: {
      usage_events: usage.service.purge,
      idempotency_keys: changes.service.purgeAnswers,
      unsubmitted_plans: plans.service.purge,
      threads: assistant.service.purge,
      tool_definitions: servers.service.purge,
      operations: changes.service.purgeOperations,
    },
  });
  const live = createLive({ bus, logger, eventsAfter: audit.after, latest: audit.latest });
  const gateway = createGateway({
    ...base,
    ...usage.service,
    authenticate: access.sessions.authenticate,
    publicUrl: config.publicUrl,
    maxBodyBytes: config.maxBodyBytes,
    sessionKey: () => vault.named("gateway sessions", () => randomBytes(32)),
    version,
    database,
    policies: () => servers.service.snapshot()?.policies ?? new Map(),
    record: (event) => usage.service.recorder.record(event),
    servers: servers.service.all,
    find: servers.service.find,
    callMsOf: servers.service.callMsOf,
    explainStatus: servers.service.explainStatus,
    explainFailure: servers.service.explainFailure,
    own: {
      chat: assistant.service.chat,
      plan: onboarding.service.plan,
      findPlan: plans.service.find,
      submit: changes.service.submit,
      listChanges: (limit) => changes.service.list({ limit }),
      getChange: changes.service.get,
      inbox: (actor, locale) => changes.service.inbox(actor, { status: "pending", limit: 50 }, locale),
      health: status.service.health,
      servers: servers.service.list,
    },
  });

  // In the order in which they start; they stop in the opposite one.
  const working = { configRepo, usage, servers, keys, plans, changes, canary, retention };
  const features = { ...core.features, ...working, onboarding, assistant, status, live, gateway };
  const workers = together(Object.values(features));
  const app = createHttp({
    features: Object.values(features),
    ready: async () => void (await Promise.all([database.ping(), repository.refresh()])),
    authenticate: access.sessions.authenticate,
    transaction,
    logger,
    maxBodyBytes: config.maxBodyBytes,
  });
  return { app, features, workers };
}
