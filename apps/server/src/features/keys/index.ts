import { text } from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";
import { anyDataKey } from "./vault-store.ts";
import type { Feature } from "../../domain/feature.ts";
import { Tasks, Worker } from "../../lib/background.ts";
import type { EventBus } from "../../lib/events.ts";
import { gitLabProvider } from "./renewal/gitlab.ts";
import type { SendRequest } from "./renewal/provider.ts";
import { renewDueKeys } from "./renewal/due.ts";
import { createRotations } from "./rotation.ts";
import { keysRoutes } from "./routes.ts";
import { createKeysService, type KeysDeps, type KeysService } from "./service.ts";

export { openVault } from "./vault.ts";

/** Whether anything is encrypted with the master key. */
export const hasKeys = async (queries: Queries): Promise<boolean> =>
  (await anyDataKey(queries)) !== undefined;

const renewEveryMs = 60_000;

export type KeysFeatureDeps = Omit<KeysDeps, "providers" | "bus"> & {
  bus: Pick<EventBus, "publish" | "on">;
  /** HTTP to issuers, where the network policy lets the console connect. */
  send: SendRequest;
};

/** Credentials of MCP servers: kept encrypted, never shown again, changed only for what works. */
export function createKeys(given: KeysFeatureDeps): Feature<KeysService> {
  const deps: KeysDeps = { ...given, providers: { gitlab: gitLabProvider(given.send) } };
  const tasks = new Tasks(deps.logger);
  const rotations = createRotations({
    ...deps,
    tasks,
    usersOf: async (reference) => (await deps.usersOf()).get(reference)?.servers ?? [],
  });
  const service = createKeysService(deps, rotations);
  const renewing = new Worker({
    name: text("renewing keys", "a renovação de chaves"),
    logger: deps.logger,
    everyMs: renewEveryMs,
    async pass() {
      await rotations.recover();
      await service.settleOffered();
      await service.settleRenewals();
      await renewDueKeys({ ...deps, renew: service.renew });
    },
  });
  given.bus.on("change.ended", () => renewing.wake());
  return {
    service: { ...service, renewDue: () => renewing.run() },
    routes: (mount) => keysRoutes(mount, service),
    workers: {
      troubles: () => renewing.troubles(),
      start: () => renewing.start(),
      async stop() {
        await renewing.stop();
        await tasks.stop();
      },
    },
  };
}
