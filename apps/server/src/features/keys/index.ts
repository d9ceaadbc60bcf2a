import type { Feature } from "../../domain/feature.ts";
import { Tasks, Worker } from "../../lib/background.ts";
import { renewDueKeys } from "./renewal/due.ts";
import { createRotations } from "./rotation.ts";
import { keysRoutes } from "./routes.ts";
import { createKeysService, type KeysDeps, type KeysService } from "./service.ts";

const renewEveryMs = 60_000;
/** Longer than any handshake takes: a rotation that runs for so long belongs to nobody. */
const abandonedMs = 15 * 60_000;

/** Credentials of MCP servers: kept encrypted, never shown again, changed only for what works. */
export function createKeys(deps: KeysDeps): Feature<KeysService> {
  const tasks = new Tasks(deps.logger);
  const rotations = createRotations({
    ...deps,
    tasks,
    usersOf: async (reference) => (await deps.usersOf()).get(reference) ?? [],
  });
  const service = createKeysService(deps, rotations);
  // Beside PostgreSQL there may be nodes that are at work on theirs; on SQLite what runs at the start is a crash's.
  let olderThanMs = deps.database.kind === "sqlite" ? 0 : abandonedMs;
  const renewing = new Worker({
    name: "renewing keys",
    logger: deps.logger,
    everyMs: renewEveryMs,
    async pass() {
      await rotations.recover(olderThanMs);
      olderThanMs = abandonedMs;
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
