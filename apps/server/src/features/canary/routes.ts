import type { Mount } from "../../domain/mount.ts";
import type { CanaryService } from "./service.ts";

export function canaryRoutes(mount: Mount, canary: CanaryService): void {
  mount("decideCanary", ({ actor, params, body, locale }) =>
    canary.decide(actor, params.plan_id, body, locale),
  );
}
