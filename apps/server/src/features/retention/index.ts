import { text } from "@ciclo/contract";
import { type Feature, noRoutes } from "../../domain/feature.ts";
import { Worker } from "../../lib/background.ts";
import type { Logger } from "../../lib/logger.ts";
import { createRetentionService, type RetentionDeps, type RetentionService } from "./service.ts";

const everyMs = 3_600_000;

/** Lets go of what a policy says need not be kept. */
export function createRetention(deps: RetentionDeps & { logger: Logger }): Feature<RetentionService> {
  const service = createRetentionService(deps);
  const purging = new Worker({
    name: text("retention", "a retenção"),
    logger: deps.logger,
    everyMs,
    pass: (signal) => service.purge(signal),
  });
  return { service, routes: noRoutes, workers: purging };
}
