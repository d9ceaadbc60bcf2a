import { randomBytes } from "node:crypto";
import { version } from "./config.ts";
import { type CoreDeps, createCore } from "./core.ts";
import { together } from "./domain/feature.ts";
import { createDelivery } from "./delivery.ts";
import { createEngine } from "./engine.ts";
import { createAssistant } from "./features/assistant/index.ts";
import { createCosts } from "./features/costs/index.ts";
import type { OperationKind } from "./domain/operations.ts";
import { accessVerdict, createGateway } from "./features/gateway/index.ts";
import { createLive } from "./features/live/index.ts";
import { createModels } from "./features/models/index.ts";
import { createOnboarding } from "./features/onboarding/index.ts";
import { createRetention } from "./features/retention/index.ts";
import { createStatus } from "./features/status/index.ts";
import { createHttp } from "./http.ts";
import { createOutside } from "./outside.ts";
import { systemClock } from "./lib/clock.ts";
import { freeBytes } from "./lib/files.ts";
import type { ResolveHost } from "./lib/outbound.ts";

export type AppDeps = CoreDeps & {
  /** Called after each journal write; crash tests stop the process there. */
  onJournal?: (operation: OperationKind, point: string) => void;
  /** Resolves host names; tests hand in one of theirs. */
  resolve?: ResolveHost;
  /** How much room there is on the disk of a folder, in bytes; tests hand in a full one. */
  freeBytes?: typeof freeBytes;
  /** Whether the models are a replay: cycles are labelled with that wherever they are shown. */
  isReplay?: boolean;
};

export type App = Awaited<ReturnType<typeof createApp>>;

/**
 * The composition root: makes every feature, and nothing else does. Nothing goes on in the background
 * before `start`; what is asked of the services works without it.
 */
export async function createApp(deps: AppDeps) {
  const { config, database, logger, clock = systemClock } = deps;
  const core = await createCore(deps);
  const engine = await createEngine({ ...deps, clock }, core);
  const { base } = engine;
  const { usage, keys, servers, plans, changes, canary, configRepo } = engine.features;
  const { repository, search } = configRepo.service;
  const { service: audit } = core.features.audit;
  const { service: access } = core.features.access;
  const onboarding = createOnboarding({
    plan: plans.service.plan,
    findSecrets: plans.service.findSecrets,
    serverProblems: plans.service.serverProblems,
    policyProblem: async (server) =>
      servers.service.policyProblem(server, await repository.snapshot(await repository.refresh())),
    handshake: servers.service.handshakeUnapproved,
    presentValidation: servers.service.presentValidation,
    findServer: servers.service.find,
    refuseUnknownServer: servers.service.refuseUnknown,
    registered: () => servers.service.all().map(({ server }) => server),
    offerKeys: keys.service.offer,
    revealKey: async (reference) => (await keys.service.ring()).reveal(reference),
    hasKey: async (reference) => (await keys.service.ring()).versionOf(reference) !== null,
    publicUrl: config.publicUrl,
  });
  const models = createModels({
    ...base,
    ...config,
    ...servers.service.outbound,
    authenticate: access.sessions.authenticate,
    hold: access.hold,
    policies: engine.policies,
    unusable: engine.unusable,
    accessVerdict,
    ...usage.service,
    callerOf: (name) => usage.service.ledger.callerOf(name),
    revealKey: async (reference) => (await keys.service.ring()).reveal(reference),
    begin: (call) => usage.service.ledger.begin(call),
    record: (call) => usage.service.ledger.record(call),
  });
  const assistant = createAssistant({
    ...base,
    repository,
    search,
    plan: onboarding.service.plan,
    model: models.service.client,
    startCycle: (actor, wish, locale) => cycles.service.startFor(actor, wish, locale),
  });
  const status = createStatus({
    ...base,
    repository,
    askDatabase: database.ping,
    waiting: async () => [...(await changes.service.waiting()), ...(await canary.service.waiting())],
    leftLive: changes.service.leftLive,
    lastCheckpoint: audit.lastCheckpoint,
    tampering: audit.tampering,
    auditTroubles: core.features.audit.workers.troubles,
    servers: servers.service.standings,
    sandbox: servers.service.sandbox,
    keys: keys.service.standings,
    logs: () => outside.ingest.service.standings(),
    troubles: () => workers.troubles(),
    freeBytes: () => (deps.freeBytes ?? freeBytes)(config.home),
  });
  const retention = createRetention({
    ...base,
    repository,
    subjects: {
      usage_events: usage.service.purge,
      idempotency_keys: changes.service.purgeAnswers,
      unsubmitted_plans: async (before, limit) =>
        (await keys.service.purgeOffered(before, limit)) + (await plans.service.purge(before, limit)),
      threads: assistant.service.purge,
      tool_definitions: servers.service.purge,
      operations: changes.service.purgeOperations,
      cycle_evidence: (before, limit) => cycles.service.purgeEvidence(before, limit),
      cycle_repositories: (before) => cycles.service.purgeRepositories(before),
    },
  });
  const costs = createCosts({
    ...base,
    flush: () => usage.service.ledger.flush(),
    ...usage.service,
  });
  const live = createLive({ ...base, eventsAfter: audit.after, latest: audit.latest });
  const gateway = createGateway({
    ...base,
    ...usage.service,
    authenticate: access.sessions.authenticate,
    hold: access.hold,
    publicUrl: config.publicUrl,
    host: config.host,
    maxBodyBytes: config.maxBodyBytes,
    ownId: core.consoleId,
    sessionKey: () => core.vault.named("gateway sessions", () => randomBytes(32)),
    version,
    database,
    policies: engine.policies,
    record: (call) => usage.service.ledger.recordTool(call),
    servers: servers.service.all,
    find: servers.service.find,
    callMsOf: servers.service.callMsOf,
    explainStatus: servers.service.explainStatus,
    explainFailure: servers.service.explainFailure,
    own: {
      chat: (actor, input, locale) =>
        assistant.service.chat(actor, { ...input, isForSomebody: true }, locale),
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
  const cycles = await createDelivery(deps, core, engine, {
    models: models.service,
    gateway: gateway.service,
    costs: costs.service,
  });
  const outside = createOutside(deps, core, engine, {
    health: status.service.health,
    troubles: () => workers.troubles(),
  });
  // In the order in which they start; they stop in the opposite one.
  const features = {
    ...core.features,
    ...engine.features,
    retention,
    onboarding,
    assistant,
    status,
    costs,
    live,
    gateway,
    models,
    cycles,
    ...outside,
  };
  const workers = together(Object.values(features));
  const app = createHttp({
    features: Object.values(features),
    ready: async () => void (await Promise.all([database.ping(), repository.refresh()])),
    authenticate: access.sessions.authenticate,
    hold: access.hold,
    mustOwnThread: assistant.service.mustOwnThread,
    addresses: config,
    transaction: audit.transaction,
    logger,
    maxBodyBytes: config.maxBodyBytes,
  });
  return { app, features, workers };
}
