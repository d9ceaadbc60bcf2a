import { join } from "node:path";
import { type Feature, noWorkers } from "../../domain/feature.ts";
import { serverFolder } from "../../lib/places.ts";
import { assistantRoutes } from "./routes.ts";
import { type AssistantDeps, type AssistantService, createAssistantService } from "./service.ts";

/** The product's own documentation, which questions are answered from. */
const docsFolder = join(serverFolder, "../../docs");

/** The conversation that turns words into plans. */
export function createAssistant(deps: Omit<AssistantDeps, "docsFolder">): Feature<AssistantService> {
  const service = createAssistantService({ ...deps, docsFolder });
  return { service, routes: (mount) => assistantRoutes(mount, service), workers: noWorkers };
}
