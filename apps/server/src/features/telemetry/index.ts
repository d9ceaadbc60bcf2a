import { text } from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";
import type { Feature, PlainRoutes } from "../../domain/feature.ts";
import type { Cost, MeteredCall } from "../../domain/usage.ts";
import { Refusal } from "../../errors.ts";
import { Callers, type CallersDeps } from "../../lib/callers.ts";
import type { EventBus } from "../../lib/events.ts";
import type { GaugesDeps } from "./gauges.ts";
import type { Collector, Pipeline } from "./pipeline.ts";
import { endedChange } from "./store.ts";

export type TelemetryDeps = CallersDeps &
  GaugesDeps & {
    queries: Queries;
    bus: Pick<EventBus, "on">;
    /** Has each call that this process sees told to a listener. */
    listen(listener: (call: MeteredCall, cost: Cost) => void): void;
    version: string;
    /** What this node is called. */
    node: string;
    /** Where metrics and traces are sent to; null for nowhere. */
    collector: Collector | null;
  };

export type TelemetryService = { metrics(): Promise<string> };

/** What the console tells monitoring: `/metrics` for Prometheus, and OTLP to a collector. */
export function createTelemetry(deps: TelemetryDeps): Feature<TelemetryService> {
  let pipeline: Promise<Pipeline> | null = null;
  // The SDK takes a while to load: a start does not wait for it.
  const open = (): Promise<Pipeline> =>
    (pipeline ??= import("./pipeline.ts").then(({ openPipeline }) => {
      const opened = openPipeline(deps, deps);
      deps.listen(opened.observe);
      return opened;
    }));
  const callers = new Callers(deps);
  deps.bus.on("access.changed", () => callers.forget());
  deps.bus.on("change.ended", async ({ planId }) => {
    if (deps.collector === null) return;
    const change = await endedChange(deps.queries, planId);
    if (change !== null) (await open()).changed(change);
  });
  const metrics = async (): Promise<string> => (await open()).text();
  return {
    service: { metrics },
    routes: (_, plain) => metricsRoute(plain, callers, metrics),
    workers: {
      troubles: () => [],
      start() {
        void open();
        return Promise.resolve();
      },
      async stop() {
        await (await pipeline)?.close();
      },
    },
  };
}

/** `GET /metrics`, for any token that may read: its figures are those that every reader sees on the pages. */
function metricsRoute(plain: PlainRoutes, callers: Callers, metrics: () => Promise<string>): void {
  plain.get("/metrics", async (request, address) => {
    const authorization = request.headers.get("authorization") ?? undefined;
    if (authorization === undefined) throw new Refusal("unauthenticated", needsToken);
    if (callers.known(authorization) === null) await callers.ask(authorization, address);
    return new Response(await metrics(), {
      headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
    });
  });
}

const needsToken = text(
  "Metrics are for whoever has a token: set it as authorization.credentials in Prometheus",
  "As métricas são para quem tem um token: defina-o como authorization.credentials no Prometheus",
);
