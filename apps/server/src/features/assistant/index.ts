import { type Feature, noWorkers } from "../../domain/feature.ts";
import { assistantRoutes } from "./routes.ts";
import { type AssistantDeps, type AssistantService, createAssistantService } from "./service.ts";

/** The conversation that turns words into plans. */
export function createAssistant(deps: AssistantDeps): Feature<AssistantService> {
  const service = createAssistantService(deps);
  return { service, routes: (mount) => assistantRoutes(mount, service), workers: noWorkers };
}
