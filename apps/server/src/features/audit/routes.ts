import type { Mount } from "../../mount.ts";
import type { AuditService } from "./service.ts";

export function auditRoutes(mount: Mount, audit: AuditService): void {
  mount("listAudit", ({ query }) => audit.list(query));
  mount("getCheckpoint", () => audit.checkpoint());
}
