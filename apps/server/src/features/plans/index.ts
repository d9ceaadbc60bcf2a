import type { Plan, RegistryServer } from "@ciclo/contract";
import { type Feature, noRoutes, noWorkers } from "../../domain/feature.ts";
import type { LocalFieldError } from "../../errors.ts";
import { draftFiles } from "./draft.ts";
import { patchProblems } from "./patch-check.ts";
import { serverProblems } from "./registry-check.ts";
import { findSecrets, findSecretsInWords } from "./secrets.ts";
import { createPlansService, type PlansDeps, type PlansService } from "./service.ts";

export type PlansFeature = PlansService & {
  /** Files of a plan by path; null deletes. */
  planFiles(plan: Plan): Map<string, string | null>;
  patchProblems(patch: string): LocalFieldError[];
  /** Credentials in texts, by name and line. */
  findSecrets(texts: ReadonlyMap<string, string | null>): Promise<LocalFieldError[]>;
  /** The same in what people write in words. */
  findSecretsInWords(texts: ReadonlyMap<string, string | null>): Promise<LocalFieldError[]>;
  /** What may not be written of a registry entry, whoever asks, each with its field. */
  serverProblems(server: RegistryServer): LocalFieldError[];
};

/** From an intent to files, a patch and its risks. Requests come in through `onboarding`, which shakes hands first. */
export function createPlans(deps: PlansDeps): Feature<PlansFeature> {
  const pure = {
    planFiles: draftFiles,
    patchProblems,
    findSecrets,
    findSecretsInWords,
    serverProblems: (server: RegistryServer) => serverProblems(server, deps.leadsHere),
  };
  const service = { ...createPlansService(deps), ...pure };
  return { service, routes: noRoutes, workers: noWorkers };
}
