import { text } from "@ciclo/contract";
import type { BackgroundWork, Feature } from "../../domain/feature.ts";
import { Worker } from "../../lib/background.ts";
import { auditRoutes } from "./routes.ts";
import { type AuditDeps, type AuditService, createAuditService } from "./service.ts";
import { SiemCopy } from "./copy.ts";
import { Tail } from "./tail.ts";

/** Local commands and other nodes write to the audit log too; their entries are copied within this time. */
const copyEveryMs = 5000;
/** How often the log is checked for entries that other processes wrote, in milliseconds. */
const tailEveryMs = 1000;
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
  const tail = new Tail({ ...service, bus });
  const following = new Worker({
    name: text("following the audit log", "o acompanhamento do registro de auditoria"),
    logger,
    everyMs: tailEveryMs,
    retry: { firstMs: tailEveryMs, longestMs: 5000 },
    pass: () => tail.look(),
  });
  const all = [copying, signing, following];
  bus.on("audit.committed", () => copying.wake());
  return {
    troubles: () => all.flatMap((worker) => worker.troubles()),
    start: async () => void (await Promise.all(all.map((worker) => worker.start()))),
    async stop() {
      const wasStarted = copying.started;
      await Promise.all(all.map((worker) => worker.stop()));
      if (!wasStarted) return;
      // What was written while stopping is copied and signed for too. The next start does it, if this one cannot.
      await Promise.resolve()
        .then(() => copy.catchUp())
        .then(() => service.checkpoint())
        .catch((error: unknown) => logger.warn({ err: error }, "the audit log's end is not copied yet"));
    },
  };
}
