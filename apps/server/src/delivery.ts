import { randomBytes } from "node:crypto";
import { type CycleCost, policyOf, text, type UsageSums } from "@ciclo/contract";
import type { AppDeps } from "./app.ts";
import type { createCore } from "./core.ts";
import type { Actor } from "./domain/actor.ts";
import type { createEngine } from "./engine.ts";
import type { Cost, MeteredCall } from "./domain/usage.ts";
import { invalidPayload, Refusal } from "./errors.ts";
import type { ForgeConfig } from "./domain/forge.ts";
import { type Clock, systemClock } from "./lib/clock.ts";
import { projectAt } from "./lib/forge/address.ts";
import type { Forge } from "./lib/forge/forge.ts";
import { createForge } from "./lib/forge/index.ts";
import { nodeName } from "./lib/node-name.ts";
import type { CostsService } from "./features/costs/index.ts";
import { createCycles } from "./features/cycles/index.ts";
import type { createGateway } from "./features/gateway/index.ts";
import type { ModelsService } from "./features/models/index.ts";

/** What cycles need of the features that people and programs meet. */
type Met = {
  models: ModelsService;
  gateway: ReturnType<typeof createGateway>["service"];
  costs: CostsService;
};

/** Delivery cycles, with what they need of the other features. */
export async function createDelivery(
  deps: AppDeps,
  core: Awaited<ReturnType<typeof createCore>>,
  { base, host, features }: Awaited<ReturnType<typeof createEngine>>,
  { models, gateway, costs }: Met,
) {
  const { service: access } = core.features.access;
  const { service: audit } = core.features.audit;
  return createCycles({
    ...base,
    ...host,
    home: deps.config.home,
    path: host.environment.PATH,
    program: process.execPath,
    outbound: features.servers.service.outbound,
    signingSeed: await core.vault.named("cycle manifests", () => randomBytes(32)),
    node: nodeName(deps.config.home),
    isReplay: deps.isReplay ?? false,
    send: features.servers.service.send,
    forge: deps.config.forge,
    exclusively: deps.database.exclusively,
    forgeFor: forgeFinder(deps.config.forge, deps.clock ?? systemClock),
    pageOf: (id) => (deps.config.publicUrl === undefined ? null : `${deps.config.publicUrl}/cycles/${id}`),
    policy: async () => {
      const { repository } = features.configRepo.service;
      return policyOf((await repository.snapshot(await repository.head())).policies, "cycles");
    },
    matchesAny: features.configRepo.service.matchesAny,
    activeRoles: access.activeRoles,
    async refuseSecrets(words) {
      const errors = await features.plans.service.findSecretsInWords(words);
      if (errors.length > 0) throw invalidPayload(errors);
    },
    async requester({ requested_by: id, requested_by_name: named }): Promise<Actor> {
      const { name, email, roles, disabled_at: disabledAt } = await access.users.find({ id });
      if (disabledAt !== null) throw mayNoMore(named);
      return { id, name, email, roles };
    },
    ask: (asked) => models.client.ask({ ...asked, maxOutput: mostOutput }),
    withRunToken: ({ cycle, agent, minutes }, work) =>
      access.runTokens.withToken(
        {
          userId: cycle.requested_by,
          context: { run: cycle.id, phase: "executor", pullRequest: null, sprint: null, agent },
          minutes,
        },
        work,
      ),
    answer(request, response) {
      if (gateway.takes(request)) return gateway.handle(request, response);
      return models.handle(request, response);
    },
    listenToCalls: (run, hear) => features.usage.service.ledger.listen(onlyModelsOf(run, hear)),
    ...costsOf(costs),
    async historyOf(id) {
      const events = await audit.eventsOf(id);
      return events.map(({ at, action, actor_name: actor, metadata }) => ({
        at,
        type: action,
        actor,
        detail: detailOf(metadata),
      }));
    },
  });
}

/** Finds the repository of an address on the configured forge. */
function forgeFinder(
  config: ForgeConfig | undefined,
  clock: Clock,
): (repository: string) => Promise<Forge | null> {
  const known = new Map<string, Promise<Forge>>();
  return async (repository) => {
    const project = config === undefined ? null : projectAt(repository, config);
    if (config === undefined || project === null) return null;
    const made = known.get(project) ?? createForge(config, project, clock);
    known.set(project, made);
    return made;
  };
}

type Hear = (call: MeteredCall, cost: Cost) => void;

const onlyModelsOf =
  (run: string, hear: Hear): Hear =>
  (call, cost) => {
    if (call.subject.run === run && call.subject.kind === "model") hear(call, cost);
  };

/** What the ledger says of cycles. */
const costsOf = (costs: CostsService) => ({
  async agentModelOf({ id, from }: { id: string; from: string }): Promise<string | null> {
    const query = { group_by: "model", run: id, phase: "executor", from, tz: "UTC" } as const;
    const { groups } = await costs.report(query, "en");
    return groups.toSorted((a, b) => b.calls - a.calls)[0]?.key ?? null;
  },
  async costOf({ id, from }: { id: string; from: string }): Promise<CycleCost> {
    const { total, groups } = await costs.report({ group_by: "phase", run: id, from, tz: "UTC" }, "en");
    const phases = groups.map(({ key, ...sums }) => ({
      phase: key ?? "",
      ...costIn(sums),
      p50_ms: sums.p50_ms,
    }));
    return { ...costIn(total), phases };
  },
});

const costIn = (sums: UsageSums): Omit<CycleCost, "phases"> => ({
  calls: sums.calls,
  input_tokens:
    sums.input_tokens + sums.cache_read_tokens + sums.cache_write_short_tokens + sums.cache_write_long_tokens,
  output_tokens: sums.output_tokens,
  usd: sums.cost_usd,
  unknown_calls: sums.unpriced_calls + sums.unknown_calls,
});

/** An analysis or a plan may be long. */
const mostOutput = 32_000;

const detailOf = (metadata: Readonly<Record<string, unknown>>): string =>
  Object.entries(metadata)
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ")
    .slice(0, 1000);

const mayNoMore = (name: string): Refusal =>
  new Refusal(
    "policy_denied",
    text(
      `${name} may not use the console any more, and nothing is done in that name. Start another cycle in the name of somebody who may`,
      `${name} não pode mais usar a console, e nada é feito em seu nome. Inicie outro ciclo em nome de alguém que possa`,
    ),
  );
