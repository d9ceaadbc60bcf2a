import { diag, DiagLogLevel } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Logger } from "../../lib/logger.ts";
import { consoleGauges, type GaugesDeps } from "./gauges.ts";
import { callInstruments, type Observe } from "./instruments.ts";
import { callSpans, changeSpan, type EndedChange, OutageSpans } from "./spans.ts";

export type Collector = { url: string; headers: Readonly<Record<string, string>> };

export type Pipeline = {
  observe: Observe;
  changed(change: EndedChange): void;
  /** What Prometheus reads. */
  text(): Promise<string>;
  /** Sends what is still to be sent. */
  close(): Promise<void>;
};

const sendEveryMs = 15_000;
const sendMs = 2000;

/** OpenTelemetry's own SDK: one set of instruments, read by Prometheus here and sent to a collector where there is one. */
export function openPipeline(
  deps: GaugesDeps,
  { version, node, collector }: { version: string; node: string; collector: Collector | null },
): Pipeline {
  const resource = resourceFromAttributes({
    "service.name": "ciclo",
    "service.version": version,
    "service.instance.id": node,
  });
  sayWhatFails(deps.logger);
  const prometheus = new PrometheusExporter({ preventServerStart: true });
  const meters = new MeterProvider({
    resource,
    readers: [prometheus, ...sentMetrics(addressOf(collector, "metrics"))],
  });
  const meter = meters.getMeter("ciclo", version);
  const count = callInstruments(meter);
  const traces = addressOf(collector, "traces");
  const tracers =
    traces === null
      ? null
      : new TracerProvider({
          resource,
          spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter(traces) })],
        });
  const tracer = tracers?.getTracer("ciclo", version) ?? null;
  const trace = tracer === null ? null : callSpans(tracer);
  const outages = tracer === null ? null : new OutageSpans(tracer);
  consoleGauges(meter, {
    ...deps,
    async health(locale) {
      const health = await deps.health(locale);
      outages?.saw(health);
      return health;
    },
  });
  return {
    observe(call, cost) {
      count(call, cost);
      trace?.(call, cost);
    },
    changed: (change) => {
      if (tracer !== null) changeSpan(tracer, change);
    },
    async text() {
      const { resourceMetrics } = await prometheus.collect();
      // What is the same on every line is left out.
      return new PrometheusSerializer("", false, undefined, true, true).serialize(resourceMetrics);
    },
    async close() {
      // A collector that does not answer keeps nobody from stopping. The last look at health comes with the last metrics.
      await Promise.allSettled([meters.shutdown({ timeoutMillis: sendMs })]);
      outages?.close();
      await Promise.allSettled([tracers?.shutdown()]);
    },
  };
}

type Address = { url: string; headers: Record<string, string>; timeoutMillis: number };

const addressOf = (collector: Collector | null, signal: "metrics" | "traces"): Address | null =>
  collector === null
    ? null
    : {
        url: `${collector.url.replace(/\/$/, "")}/v1/${signal}`,
        headers: { ...collector.headers },
        timeoutMillis: sendMs,
      };

const sentMetrics = (to: Address | null): PeriodicExportingMetricReader[] =>
  to === null
    ? []
    : [
        new PeriodicExportingMetricReader({
          exporter: new OTLPMetricExporter(to),
          exportIntervalMillis: sendEveryMs,
          exportTimeoutMillis: sendMs,
        }),
      ];

/** A collector that refuses everything would be noticed by nobody. */
function sayWhatFails(logger: Logger): void {
  const nothing = (): void => {};
  const error = (said: string): void => logger.warn({ said }, "telemetry could not be sent");
  diag.setLogger(
    { error, warn: nothing, info: nothing, debug: nothing, verbose: nothing },
    { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true },
  );
}
