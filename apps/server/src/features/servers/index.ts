import type { BackgroundWork, Feature } from "../../domain/feature.ts";
import type { EventBus } from "../../lib/events.ts";
import { Fleet, type ServersDeps } from "./fleet.ts";
import { serversRoutes } from "./routes.ts";
import { createServersService, type ServersService } from "./service.ts";

export type ServersFeatureDeps = ServersDeps & { bus: Pick<EventBus, "publish" | "on"> };

/** The MCP servers of the live configuration, as live connections. */
export function createServers(deps: ServersFeatureDeps): Feature<ServersService> {
  const fleet = new Fleet(deps);
  const service = createServersService(deps, fleet);
  deps.bus.on("change.ended", () => fleet.wake());
  // Another node, or a command beside the console, has landed a change or put a key out of use.
  deps.bus.on("audit.appeared", ({ actions }) => {
    if (actions.some((action) => /^(change|key|canary)\./.test(action))) fleet.wake();
  });
  deps.bus.on("live.pushed", () => fleet.reconcile());
  // Who changed a key sees the servers that take it connected with the new value.
  deps.bus.on("keys.changed", () => fleet.reconcile());
  const workers: BackgroundWork = {
    start: () => fleet.start(),
    stop: () => fleet.stop(),
    troubles: () => fleet.troubles(),
  };
  return { service, routes: (mount) => serversRoutes(mount, service), workers };
}
