import { changeOutcomes, changeStatuses, cycleStates, ProblemError } from "@ciclo/contract";
import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { changeTabs } from "./features/changes/tabs.ts";
import type { ChangeFilters } from "./features/changes/queries.ts";
import type { CycleFilters } from "./features/cycles/queries.ts";
import { cycleTabs } from "./features/cycles/tabs.ts";
import { costsSearch } from "./features/costs/search.ts";
import type { AuditFilters } from "./features/audit/queries.ts";
import { serverTabs } from "./features/servers/tabs.ts";
import { sessionQuery } from "./features/session/session.tsx";
import { Broken, Console, NotFound } from "./routes/console.tsx";
import { instantOf, oneOf, present, textOf } from "./search.ts";

const root = createRootRouteWithContext<{ queries: QueryClient }>()({
  notFoundComponent: NotFound,
  errorComponent: Broken,
});

/** A path of our own, so that a link cannot send somebody elsewhere after signing in. */
const ownPath = (next: string | undefined): string | undefined =>
  next !== undefined && /^\/(?![/\\])/.test(next) ? next : undefined;

const signInRoute = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (raw) => present({ next: ownPath(textOf(raw, "next")) }),
  component: lazyRouteComponent(() => import("./routes/sign-in.tsx"), "SignInRoute"),
});

/** Everything that needs a session. */
const consoleRoute = createRoute({
  getParentRoute: () => root,
  id: "console",
  async beforeLoad({ context, location }) {
    try {
      await context.queries.ensureQueryData(sessionQuery);
    } catch (error) {
      if (!(error instanceof ProblemError) || error.problem.status !== 401) throw error;
      throw redirect({ to: "/sign-in", search: location.href === "/" ? {} : { next: location.href } });
    }
  },
  component: Console,
  errorComponent: Broken,
});

const home = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/",
  component: lazyRouteComponent(() => import("./routes/home.tsx"), "HomeRoute"),
});

const assistantRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/assistant",
  validateSearch: (raw) => present({ say: textOf(raw, "say") }),
  component: lazyRouteComponent(() => import("./routes/assistant.tsx"), "AssistantRoute"),
});

const threadRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/assistant/$threadId",
  component: lazyRouteComponent(() => import("./routes/assistant.tsx"), "ThreadRoute"),
});

const changesRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/changes",
  validateSearch: (raw): ChangeFilters =>
    present({
      status: oneOf(raw, "status", changeStatuses),
      outcome: oneOf(raw, "outcome", changeOutcomes),
      intent: textOf(raw, "intent"),
      actor: textOf(raw, "actor"),
      search: textOf(raw, "search"),
      cursor: textOf(raw, "cursor"),
    }),
  component: lazyRouteComponent(() => import("./routes/changes.tsx"), "ChangesRoute"),
});

const changeRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/changes/$planId",
  validateSearch: (raw) => present({ tab: oneOf(raw, "tab", changeTabs) }),
  component: lazyRouteComponent(() => import("./routes/change.tsx"), "ChangeRoute"),
});

const cyclesRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/cycles",
  validateSearch: (raw): CycleFilters =>
    present({ state: oneOf(raw, "state", cycleStates), cursor: textOf(raw, "cursor") }),
  component: lazyRouteComponent(() => import("./routes/cycles.tsx"), "CyclesRoute"),
});

const cycleRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/cycles/$cycleId",
  validateSearch: (raw) => present({ tab: oneOf(raw, "tab", cycleTabs) }),
  component: lazyRouteComponent(() => import("./routes/cycles.tsx"), "CycleRoute"),
});

const serversRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/servers",
  component: lazyRouteComponent(() => import("./routes/servers.tsx"), "ServersRoute"),
});

const serverRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/servers/$serverId",
  validateSearch: (raw) => present({ tab: oneOf(raw, "tab", serverTabs) }),
  component: lazyRouteComponent(() => import("./routes/server.tsx"), "ServerRoute"),
});

const keysRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/keys",
  component: lazyRouteComponent(() => import("./routes/keys.tsx"), "KeysRoute"),
});

const costsRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/costs",
  validateSearch: costsSearch,
  component: lazyRouteComponent(() => import("./routes/costs.tsx"), "CostsRoute"),
});

const auditRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/audit",
  validateSearch: (raw): AuditFilters =>
    present({
      actor: textOf(raw, "actor"),
      action: textOf(raw, "action"),
      plan_id: textOf(raw, "plan_id"),
      from: instantOf(raw, "from"),
      to: instantOf(raw, "to"),
    }),
  component: lazyRouteComponent(() => import("./routes/audit.tsx"), "AuditRoute"),
});

const access = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/access",
  component: lazyRouteComponent(() => import("./routes/access.tsx"), "AccessRoute"),
});

const pages = [
  home,
  assistantRoute,
  threadRoute,
  changesRoute,
  changeRoute,
  cyclesRoute,
  cycleRoute,
  serversRoute,
  serverRoute,
  keysRoute,
  costsRoute,
  auditRoute,
  access,
] as const;
const routeTree = root.addChildren([signInRoute, consoleRoute.addChildren([...pages]), ...kit()]);

/** Every part of the kit in each of its states; in development only, so the bundle does not hold it. */
function kit() {
  if (!import.meta.env.DEV) return [];
  return [
    createRoute({
      getParentRoute: () => root,
      path: "/kit",
      component: lazyRouteComponent(() => import("./routes/kit.tsx"), "KitRoute"),
    }),
  ];
}

export const createConsoleRouter = (queries: QueryClient) =>
  createRouter({
    routeTree,
    context: { queries },
    // What no page has a use for, or cannot read, is dropped from the address.
    search: { strict: true },
    defaultPreload: "intent",
    defaultPreloadStaleTime: 0,
    scrollRestoration: true,
  });

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>;
  }
}
