import { type Feature, noWorkers } from "../../domain/feature.ts";
import type { OnboardingDeps } from "./deps.ts";
import { onboardingRoutes } from "./routes.ts";
import { createOnboardingService, type OnboardingService } from "./service.ts";

export type OnboardingFeatureDeps = OnboardingDeps & {
  /** The console's own address, for the files that lead clients to it; undefined where the request tells it. */
  publicUrl: string | undefined;
};

/** From a server that somebody has, or wants, to a plan that registers it. */
export function createOnboarding(deps: OnboardingFeatureDeps): Feature<OnboardingService> {
  const service = createOnboardingService(deps);
  return {
    service,
    routes: (mount) => onboardingRoutes(mount, service, deps.publicUrl),
    workers: noWorkers,
  };
}
