import { type Feature, noWorkers } from "../../domain/feature.ts";
import { costsRoutes } from "./routes.ts";
export type { CostsService } from "./service.ts";
import { type CostsDeps, type CostsService, createCostsService } from "./service.ts";

/** Reports of what calls used and cost. */
export function createCosts(deps: CostsDeps): Feature<CostsService> {
  const service = createCostsService(deps);
  return { service, routes: (mount) => costsRoutes(mount, service), workers: noWorkers };
}
