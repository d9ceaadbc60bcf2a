import type { Health, Locale } from "@ciclo/contract";
import type { AppDeps } from "./app.ts";
import { version } from "./config.ts";
import type { createCore } from "./core.ts";
import type { WorkerTrouble } from "./domain/feature.ts";
import type { createEngine } from "./engine.ts";
import { createIngest } from "./features/ingest/index.ts";
import { createNotify } from "./features/notify/index.ts";
import { createOtlp } from "./features/otlp/index.ts";
import { createTelemetry } from "./features/telemetry/index.ts";

/** How the console is, as monitoring is told. */
type Seen = {
  health(locale: Locale): Promise<Health>;
  troubles(): readonly WorkerTrouble[];
};

/** The features that receive reports from outside, and those that send notices out. */
export function createOutside(
  deps: AppDeps,
  core: Awaited<ReturnType<typeof createCore>>,
  engine: Awaited<ReturnType<typeof createEngine>>,
  seen: Seen,
) {
  const { config, database } = deps;
  const { base } = engine;
  const { usage, keys, servers } = engine.features;
  const { service: audit } = core.features.audit;
  const { service: access } = core.features.access;
  const ingest = createIngest({
    ...base,
    ...config,
    take: usage.service.ledger.take.bind(usage.service.ledger),
  });
  const otlp = createOtlp({
    ...base,
    ...config,
    authenticate: access.sessions.authenticate,
    report: (calls) => usage.service.ledger.report(calls),
  });
  const notify = createNotify({
    ...base,
    ...engine,
    database,
    eventsAfter: audit.after,
    latest: audit.latest,
    revealKey: async (reference) => (await keys.service.ring()).reveal(reference),
    send: servers.service.send,
    publicUrl: config.publicUrl,
  });
  const telemetry = createTelemetry({
    ...base,
    ...config,
    ...usage.service,
    authenticate: access.sessions.authenticate,
    ...seen,
    listen: (listener) => usage.service.ledger.listen(listener),
    version,
  });
  return { ingest, otlp, telemetry, notify };
}
