import { type Feature, noWorkers } from "../../domain/feature.ts";
import { statusRoutes } from "./routes.ts";
import { createStatusService, type StatusDeps, type StatusService } from "./service.ts";

/** Health, and what is live. */
export function createStatus(deps: StatusDeps): Feature<StatusService> {
  const service = createStatusService(deps);
  return { service, routes: (mount) => statusRoutes(mount, service), workers: noWorkers };
}
