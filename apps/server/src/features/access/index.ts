import type { AuditedTransaction, Queries } from "../../db/dialect.ts";
import { text } from "@ciclo/contract";
import type { HoldAnswer } from "../../domain/access.ts";
import type { BackgroundWork, Feature, Routes } from "../../domain/feature.ts";
import { Worker } from "../../lib/background.ts";
import type { EventBus } from "../../lib/events.ts";
import type { Logger } from "../../lib/logger.ts";
import { FailureLimiter } from "./limiter.ts";
import { accessRoutes } from "./routes.ts";
import { createRunTokens, type RunTokensService } from "./run-tokens.ts";
import { createSessions, type SessionsService } from "./sessions.ts";
import { StandingAnswers } from "./standing.ts";
import * as store from "./store.ts";
import { createUsers, type UsersDeps, type UsersService } from "./users.ts";

export type AccessDeps = UsersDeps & { bus: Pick<EventBus, "publish" | "on">; logger: Logger };

export type AccessService = {
  users: UsersService;
  sessions: SessionsService;
  runTokens: RunTokensService;
  /** Ends an answer as soon as its caller may no longer have it. Returns what lets go of it. */
  hold: HoldAnswer;
  activeRoles(queries: Queries, userIds?: readonly string[]): Promise<Map<string, readonly string[]>>;
};

/** Users, roles, tokens and sessions. */
export function createAccess(deps: AccessDeps): Feature<AccessService> {
  const changing: AuditedTransaction = async (work) => {
    const result = await deps.transaction(work);
    await deps.bus.publish("access.changed");
    return result;
  };
  const standing = new StandingAnswers(deps.clock);
  const service: AccessService = {
    users: createUsers({ ...deps, transaction: changing }),
    sessions: createSessions({
      ...deps,
      limiter: new FailureLimiter(deps.clock),
      visitors: new FailureLimiter(deps.clock),
    }),
    runTokens: createRunTokens({ ...deps, transaction: changing }),
    hold: (answer) => standing.hold(answer),
    activeRoles: store.activeRoles,
  };
  const routes: Routes = (mount) => accessRoutes(mount, service);
  return { service, routes, workers: workersOf(deps, standing) };
}

const lookEveryMs = 1000;

/** Ends answers that go on: at what this process changes at once, at what others do within a second or two. */
function workersOf({ bus, logger }: AccessDeps, standing: StandingAnswers): BackgroundWork {
  const looking = new Worker({
    name: text(
      "ending what somebody may no longer follow",
      "o encerramento do que alguém não pode mais acompanhar",
    ),
    logger,
    everyMs: lookEveryMs,
    pass: () => standing.look(),
  });
  bus.on("access.changed", () => standing.recheck());
  // The access policy may be another one.
  bus.on("live.moved", () => standing.recheck());
  bus.on("audit.appeared", ({ actions }) => {
    // Others of this process remember who may do what as well.
    if (actions.some(isAboutAccess)) void bus.publish("access.changed");
  });
  return {
    troubles: () => looking.troubles(),
    start: () => looking.start(),
    stop: () => looking.stop(),
  };
}

const isAboutAccess = (action: string): boolean =>
  /^(?:user|token)\.|^session\.closed$|^run\.stopped$/.test(action);
