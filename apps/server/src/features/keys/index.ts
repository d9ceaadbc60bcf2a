import type { Feature } from "../../domain/feature.ts";
import { Tasks, Worker } from "../../lib/background.ts";
import { renewDueKeys } from "./renewal/due.ts";
import { createRotations } from "./rotation.ts";
import { keysRoutes } from "./routes.ts";
import { createKeysService, type KeysDeps, type KeysService } from "./service.ts";

const renewEveryMs = 60_000;

/** Credentials of MCP servers: kept encrypted, never shown again, changed only for what works. */
export function createKeys(deps: KeysDeps): Feature<KeysService> {
  const tasks = new Tasks(deps.logger);
  const rotations = createRotations({
    ...deps,
    tasks,
    usersOf: async (reference) => (await deps.usersOf()).get(reference) ?? [],
  });
  const service = createKeysService(deps, rotations);
  const renewing = new Worker({
    name: "renewing keys",
    logger: deps.logger,
    everyMs: renewEveryMs,
    async pass() {
      await rotations.recover();
      await service.settleRenewals();
      await renewDueKeys({ ...deps, renew: service.renew });
    },
  });
  return {
    service: { ...service, renewDue: () => renewing.run() },
    routes: (mount) => keysRoutes(mount, service),
    workers: {
      start: () => renewing.start(),
      async stop() {
        await renewing.stop();
        await tasks.stop();
      },
    },
  };
}
