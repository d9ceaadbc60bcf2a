import { text } from "@ciclo/contract";
import type { BackgroundWork, Feature } from "../../domain/feature.ts";
import { Worker } from "../../lib/background.ts";
import { auditRoutes } from "./routes.ts";
import { type AuditDeps, type AuditService, createAuditService } from "./service.ts";
import { SiemCopy } from "./copy.ts";

/** Local commands and other nodes write to the audit log too; their entries are copied within this time. */
const copyEveryMs = 5000;
const signEveryMs = 5 * 60_000;

/** The tamper-evident log: chain, checkpoints, copy for a SIEM. */
export function createAudit(deps: AuditDeps): Feature<AuditService> {
  const service = createAuditService(deps);
  return { service, routes: (mount) => auditRoutes(mount, service), workers: workersOf(deps, service) };
}

function workersOf({ logger, bus, folder }: AuditDeps, service: AuditService): BackgroundWork {
  const copy = new SiemCopy(folder, { eventsAfter: service.storedAfter, latest: service.latest });
  const copying = new Worker({
    name: text("the copy of the audit log", "a cópia do registro de auditoria"),
    logger,
    everyMs: copyEveryMs,
    pass: () => copy.catchUp(),
  });
  const signing = new Worker({
    name: text("signing the audit log", "a assinatura do registro de auditoria"),
    logger,
    everyMs: signEveryMs,
    pass: async () => void (await service.checkpoint()),
  });
  bus.on("audit.committed", () => copying.wake());
  return {
    troubles: () => [copying, signing].flatMap((worker) => worker.troubles()),
    start: async () => void (await Promise.all([copying.start(), signing.start()])),
    async stop() {
      const wasStarted = copying.started;
      await Promise.all([copying.stop(), signing.stop()]);
      if (!wasStarted) return;
      // What was written while stopping is copied and signed for too. The next start does it, if this one cannot.
      await Promise.resolve()
        .then(() => copy.catchUp())
        .then(() => service.checkpoint())
        .catch((error: unknown) => logger.warn({ err: error }, "the audit log's end is not copied yet"));
    },
  };
}
