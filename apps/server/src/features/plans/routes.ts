import type { Mount } from "../../mount.ts";
import type { PlansService } from "./service.ts";

export function plansRoutes(mount: Mount, plans: Pick<PlansService, "plan">): void {
  mount("plan", ({ actor, body, locale }) => plans.plan(actor, { ...body, locale }));
}
