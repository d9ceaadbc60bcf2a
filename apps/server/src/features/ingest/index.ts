import { text } from "@ciclo/contract";
import { type Feature, noRoutes } from "../../domain/feature.ts";
import type { LogStanding } from "../../domain/usage.ts";
import { Worker } from "../../lib/background.ts";
import { stamp } from "../../lib/clock.ts";
import { Rejected } from "./rejected.ts";
import { Ingest, type IngestDeps } from "./service.ts";
import { agentSource, opencodeDatabase, telemetrySource } from "./sources.ts";
import { logStandings } from "./store.ts";

type Deps = Omit<IngestDeps, "rejected"> & {
  home: string;
  /** Whose `<server>/*.jsonl` is read. */
  mcpLogs: string;
  agentLogs: readonly { agent: string; folder: string }[];
};

const everyMs = 2000;
/** Files that were read in this time are of interest. */
const latelyMs = 24 * 3_600_000;

/** Usage that others wrote down: telemetry of MCP servers, logs of agents. */
export function createIngest(
  deps: Deps,
): Feature<{ read(): Promise<void>; standings(): Promise<readonly LogStanding[]> }> {
  const rejected = new Rejected(deps.home);
  const sources = [
    telemetrySource(deps.mcpLogs, () => deps.clock().getTime()),
    ...deps.agentLogs.flatMap(({ agent, folder }) => agentSource(agent, folder) ?? []),
  ];
  const databases = deps.agentLogs.flatMap(({ agent, folder }) => opencodeDatabase(agent, folder) ?? []);
  const ingest = new Ingest({ ...deps, rejected }, sources, databases);
  const reading = new Worker({
    name: text("reading usage logs", "a leitura dos logs de uso"),
    logger: deps.logger,
    everyMs,
    // One file that cannot be read does not slow the reading of others.
    retry: { firstMs: everyMs, longestMs: everyMs },
    pass: (signal) => ingest.pass(signal),
  });
  return {
    service: {
      read: () => reading.run(),
      standings: () => {
        const since = stamp(new Date(deps.clock().getTime() - latelyMs));
        return logStandings(deps.queries, since);
      },
    },
    routes: noRoutes,
    workers: {
      troubles: () => reading.troubles(),
      start: () => reading.start(),
      stop: () => reading.stop(),
    },
  };
}
