import type { Mount } from "../../domain/mount.ts";
import type { StatusService } from "./service.ts";

export function statusRoutes(mount: Mount, status: StatusService): void {
  mount("getHealth", ({ locale }) => status.health(locale));
  mount("getConfiguration", ({ locale }) => status.configuration(locale));
}
