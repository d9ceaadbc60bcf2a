import type { Queries } from "../../db/dialect.ts";
import { FailureLimiter } from "./limiter.ts";
import { createSessions, type SessionsService } from "./sessions.ts";
import * as store from "./store.ts";
import { createUsers, type UsersDeps, type UsersService } from "./users.ts";

export type AccessFeature = {
  users: UsersService;
  sessions: SessionsService;
  /** How many active users other than this one hold any of the roles. */
  countOthers(queries: Queries, userId: string, roles: readonly string[]): Promise<number>;
  activeRoles(queries: Queries, userIds: readonly string[]): Promise<Map<string, readonly string[]>>;
};

export function createAccess(deps: UsersDeps): AccessFeature {
  return {
    users: createUsers(deps),
    sessions: createSessions({
      ...deps,
      limiter: new FailureLimiter(deps.clock),
      visitors: new FailureLimiter(deps.clock),
    }),
    countOthers: store.countActive,
    activeRoles: store.activeRoles,
  };
}
