import { text } from "@ciclo/contract";
import type { Feature } from "../../domain/feature.ts";
import { Worker } from "../../lib/background.ts";
import type { EventBus } from "../../lib/events.ts";
import type { Logger } from "../../lib/logger.ts";
import { canaryRoutes } from "./routes.ts";
import { type CanaryDeps, type CanaryService, createCanaryService } from "./service.ts";

export type CanaryFeatureDeps = CanaryDeps & { bus: Pick<EventBus, "on">; logger: Logger };

/** How soon a canary is taken up that another node, or a crash, left behind. */
const lookEveryMs = 30_000;

/** Probes after a change: what does not do well is taken back by itself, with the evidence on record. */
export function createCanary(deps: CanaryFeatureDeps): Feature<CanaryService & { run(): Promise<void> }> {
  const service: CanaryService = createCanaryService(deps, () => probing.wake());
  const probing = new Worker({
    name: text("probing after changes", "a sondagem após alterações"),
    logger: deps.logger,
    everyMs: lookEveryMs,
    pass: (signal) => service.carryOut(signal),
  });
  deps.bus.on("change.ended", () => probing.wake());
  return {
    service: { ...service, run: () => probing.run() },
    routes: (mount) => canaryRoutes(mount, service),
    workers: probing,
  };
}
