import { text } from "@ciclo/contract";
import type { Feature } from "../../domain/feature.ts";
import { Worker } from "../../lib/background.ts";
import type { EventBus } from "../../lib/events.ts";
import type { Logger } from "../../lib/logger.ts";
import { liveRoutes } from "./routes.ts";
import { createLiveService, type LiveDeps, type LiveService } from "./service.ts";

export type LiveFeatureDeps = LiveDeps & { bus: Pick<EventBus, "on">; logger: Logger };

/** How soon entries of other processes (nodes, local commands) are seen. */
const lookEveryMs = 1000;

/** The audit log's tail as server-sent events. */
export function createLive(deps: LiveFeatureDeps): Feature<LiveService> {
  const service: LiveService = createLiveService(deps, () => sending.wake());
  const sending = new Worker({
    name: text("sending live events", "o envio de eventos ao vivo"),
    logger: deps.logger,
    everyMs: lookEveryMs,
    retry: { firstMs: lookEveryMs, longestMs: 5000 },
    pass: () => service.look(),
  });
  deps.bus.on("audit.committed", () => sending.wake());
  return {
    service,
    routes: (mount) => liveRoutes(mount, service),
    workers: {
      troubles: () => sending.troubles(),
      start: () => sending.start(),
      async stop() {
        service.close();
        await sending.stop();
      },
    },
  };
}
