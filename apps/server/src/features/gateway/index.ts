import { type Feature, noRoutes, noWorkers } from "../../domain/feature.ts";
import type { EventBus } from "../../lib/events.ts";
import { Door } from "./door.ts";
import type { GatewayDeps } from "./gateway.ts";
import type { OwnServerDeps } from "./own-server.ts";

export { decide as accessVerdict, matchesName } from "./access.ts";

export type GatewayFeatureDeps = Omit<GatewayDeps, "own" | "sessionKey"> & {
  own: OwnServerDeps;
  bus: Pick<EventBus, "on">;
  /** The key that sessions are sealed with. Asked for when somebody first comes. */
  sessionKey(): Promise<Buffer>;
};

/** The way in for IDEs and agents. It stands beside the API, on the bare HTTP server. */
export function createGateway(deps: GatewayFeatureDeps): Feature<Door> {
  const door = new Door(async () => {
    const { Gateway } = await import("./gateway.ts");
    const { createOwnServer } = await import("./own-server.ts");
    const sessionKey = await deps.sessionKey();
    const own = createOwnServer(deps.own);
    return new Gateway({ ...deps, own, sessionKey });
  }, deps.logger);
  deps.bus.on("live.moved", () => door.serversChanged());
  deps.bus.on("access.changed", () => door.accessChanged());
  return { service: door, routes: noRoutes, workers: { ...noWorkers, stop: () => door.settled() } };
}
