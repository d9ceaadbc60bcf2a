import type { AuditedTransaction, Queries } from "../../db/dialect.ts";
import { type Feature, noWorkers, type Routes } from "../../domain/feature.ts";
import type { EventBus } from "../../lib/events.ts";
import { FailureLimiter } from "./limiter.ts";
import { accessRoutes } from "./routes.ts";
import { createSessions, type SessionsService } from "./sessions.ts";
import * as store from "./store.ts";
import { createUsers, type UsersDeps, type UsersService } from "./users.ts";

export type AccessDeps = UsersDeps & { bus: Pick<EventBus, "publish"> };

export type AccessService = {
  users: UsersService;
  sessions: SessionsService;
  /** How many active users other than this one hold any of the roles. */
  countOthers(queries: Queries, userId: string, roles: readonly string[]): Promise<number>;
  activeRoles(queries: Queries, userIds: readonly string[]): Promise<Map<string, readonly string[]>>;
};

/** Users, roles, tokens and sessions. */
export function createAccess(deps: AccessDeps): Feature<AccessService> {
  const changing: AuditedTransaction = async (work) => {
    const result = await deps.transaction(work);
    await deps.bus.publish("access.changed");
    return result;
  };
  const service: AccessService = {
    users: createUsers({ ...deps, transaction: changing }),
    sessions: createSessions({
      ...deps,
      limiter: new FailureLimiter(deps.clock),
      visitors: new FailureLimiter(deps.clock),
    }),
    countOthers: store.countActive,
    activeRoles: store.activeRoles,
  };
  const routes: Routes = (mount) => accessRoutes(mount, service.users, service.sessions);
  return { service, routes, workers: noWorkers };
}
