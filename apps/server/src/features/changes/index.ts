import { text } from "@ciclo/contract";
import type { ForgeConfig } from "../../domain/forge.ts";
import { type Feature, together } from "../../domain/feature.ts";
import { Worker } from "../../lib/background.ts";
import type { EventBus } from "../../lib/events.ts";
import { createForge } from "../../lib/forge/index.ts";
import { changesRoutes } from "./routes.ts";
import { type ChangesService, type ChangesServiceDeps, createChangesService } from "./service.ts";

export type ChangesFeatureDeps = Omit<ChangesServiceDeps, "forge"> & {
  bus: Pick<EventBus, "on">;
  forge: ForgeConfig | undefined;
  maxBodyBytes: number;
};

const lookEveryMs = 1000;

/** Submit, approve, apply, roll back: from a plan to a commit on the live branch and back. */
export async function createChanges(deps: ChangesFeatureDeps): Promise<Feature<ChangesService>> {
  const { forge: config, clock, logger, maxBodyBytes } = deps;
  const forge = config?.repository === undefined ? null : await createForge(config, config.repository, clock);
  const service = createChangesService({ ...deps, forge });
  const webhook = config === undefined ? null : (await import("./webhooks.ts")).webhookHandler;
  let isFirst = true;
  // Roles and people may have changed while nothing ran.
  let mayHaveVotes = true;
  const finishing = new Worker({
    name: text("finishing changes", "a conclusão de alterações"),
    logger,
    everyMs: lookEveryMs,
    async pass(signal) {
      // The first takes up all that a crash may have left, also what waits for its next attempt.
      await service.reconcile({ all: isFirst, signal });
      isFirst = false;
      if (!mayHaveVotes) return;
      mayHaveVotes = false;
      await service.settleVotes();
    },
  });
  const watching = new Worker({
    name: text("watching the live branch", "o acompanhamento da branch ativa"),
    logger,
    everyMs: deps.repository.lookEveryMs,
    pass: () => service.watchLiveBranch(),
  });
  deps.bus.on("live.pushed", () => watching.wake());
  deps.bus.on("access.changed", () => {
    mayHaveVotes = true;
    finishing.wake();
  });
  return {
    service,
    routes(mount, plain) {
      changesRoutes(mount, service);
      if (config === undefined || webhook === null) return;
      const pushed = async (branch: string): Promise<boolean> => {
        if (branch !== deps.repository.baseBranch) return false;
        await deps.bus.publish("live.pushed");
        return true;
      };
      plain.post(
        "/forge/webhook",
        webhook({
          forge: config,
          maxBodyBytes,
          async syncBranch(branch) {
            await deps.bus.publish("forge.moved", { branch });
            return service.syncBranch(branch);
          },
          pushed,
        }),
      );
    },
    workers: together([{ workers: finishing }, { workers: watching }]),
  };
}
