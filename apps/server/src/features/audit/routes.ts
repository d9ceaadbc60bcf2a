import type { Mount } from "../../domain/mount.ts";
import type { AuditService } from "./service.ts";

export function auditRoutes(mount: Mount, audit: AuditService): void {
  mount("listAudit", ({ query }) => audit.list(query));
  mount("getCheckpoint", () => audit.checkpoint());
  mount("verifyAudit", () => audit.verify());
  mount("exportAudit", ({ query }) => jsonLines(audit.all(query)));
}

/** Written as it is read, so that a long log is never in memory whole. */
function jsonLines(values: AsyncGenerator<unknown>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const next = await values.next();
      if (next.done === true) controller.close();
      else controller.enqueue(encoder.encode(`${JSON.stringify(next.value)}\n`));
    },
    cancel: async () => void (await values.return(undefined)),
  });
}
