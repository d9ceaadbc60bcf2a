import { type AgentFile, type PolicyFile, policyOf, type Role, type Text, text } from "@ciclo/contract";
import type { AppDeps } from "./app.ts";
import { version } from "./config.ts";
import type { createCore } from "./core.ts";
import { keyUsersOf } from "./domain/key-uses.ts";
import { accessVerdict, matchesName } from "./features/gateway/index.ts";
import { createCanary } from "./features/canary/index.ts";
import { createChanges } from "./features/changes/index.ts";
import { createConfigRepo } from "./features/config-repo/index.ts";
import { createKeys } from "./features/keys/index.ts";
import { createPlans } from "./features/plans/index.ts";
import { createServers } from "./features/servers/index.ts";
import { createUsage } from "./features/usage/index.ts";
import { systemClock } from "./lib/clock.ts";
import { leadsHere } from "./lib/own-addresses.ts";
import { openHost } from "./lib/host.ts";

/** Who may raise a limit, and where. */
function raisedBy(roles: readonly string[], publicUrl: string | undefined): Text {
  const page = `${publicUrl ?? ""}/assistant`;
  const who = roles.length === 0 ? "approver" : roles.join(", ");
  return text(
    `A planner may plan a higher limit (${page}); ${who} approves it.`,
    `Um planner pode planejar um limite maior (${page}); ${who} aprova.`,
  );
}

const noPolicies: ReadonlyMap<string, PolicyFile> = new Map();
const noAgents: ReadonlyMap<string, AgentFile> = new Map();

/** The features that turn what is configured into what runs: `app.ts` puts before them what people and programs meet. */
export async function createEngine(
  deps: AppDeps,
  { bus, vault, consoleId, features }: Awaited<ReturnType<typeof createCore>>,
) {
  const { config, database, logger, clock = systemClock } = deps;
  const { service: audit } = features.audit;
  const { service: access } = features.access;
  const { transaction } = audit;
  const base = { database, queries: database.queries, transaction, clock, logger, bus };
  const configRepo = await createConfigRepo({
    logger,
    home: config.home,
    source: config.configRepository,
    branch: config.configBranch,
  });
  const { repository, search, overlay, requirementsFor, matchesAny, allowsDirect } = configRepo.service;
  const policies = () => servers.service.snapshot()?.policies ?? noPolicies;
  const unusable = () => servers.service.snapshot()?.unusable ?? new Set<string>();
  const usage = createUsage({
    ...base,
    home: config.home,
    policies,
    unusable,
    agents: () => servers.service.snapshot()?.agents ?? noAgents,
    unusableAgents: () => servers.service.snapshot()?.unusableAgents ?? new Set<string>(),
    decidedAt: `${config.publicUrl ?? ""}/costs`,
    activeRoles: access.activeRoles,
    endRunTokens: access.runTokens.endOf,
    accessChanged: () => bus.publish("access.changed"),
    mayUseModel: (roles, provider, model) =>
      accessVerdict(policyOf(policies(), "access"), roles as Role[], provider, "models", model).allowed,
    mayRaise: (file) => {
      const snapshot = servers.service.snapshot();
      // Where the approvals policy cannot be used nobody may; health says so.
      const rules = snapshot?.approvals == null ? [] : requirementsFor(snapshot, [file]);
      return raisedBy([...new Set(rules.flatMap(({ roles }) => roles))], config.publicUrl);
    },
  });
  const keys = createKeys({
    ...base,
    vault,
    send: (input, init) => servers.service.send(input, init),
    usersOf: async () => keyUsersOf(await repository.snapshot(await repository.head())),
    outcomeOf: (planId) => changes.service.outcomeOf(planId),
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
    ownId: consoleId,
    ...host,
  });
  const plans = createPlans({
    ...base,
    repository,
    search,
    overlay,
    requirementsFor,
    matchesAny,
    accessVerdict,
    matchesName,
    activeRoles: access.activeRoles,
    findProgram: host.findProgram,
    policyProblem: servers.service.policyProblem,
    definitionsOf: servers.service.definitionsOf,
    leadsHere: (text) => leadsHere(text, config),
    isSpent: (planId) => changes.service.isSpent(planId),
    forgeProvider: config.forge?.repository === undefined ? null : config.forge.provider,
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
    toolChanges: plans.service.toolChanges,
    keysOfPlan: keys.service.keysOfPlan,
    preview: plans.service.preview,
    checkFiles: plans.service.check,
    planFiles: plans.service.planFiles,
    patchProblems: plans.service.patchProblems,
    findSecrets: plans.service.findSecretsInWords,
    activeRoles: access.activeRoles,
    eventsOf: audit.eventsOf,
    planCanary: canary.service.plan,
    canaryOf: canary.service.of,
    onJournal: deps.onJournal,
  });
  // In the order in which they start; they stop in the opposite one.
  return {
    base,
    policies,
    unusable,
    host,
    features: { configRepo, usage, servers, keys, plans, changes, canary },
  };
}
