import type { Mount } from "../../domain/mount.ts";
import type { CostsService } from "./service.ts";

export function costsRoutes(mount: Mount, costs: CostsService): void {
  mount("getUsage", ({ query, locale }) => costs.report(query, locale));
}
