import protobuf from "protobufjs/light.js";
import { parseJson } from "../../lib/parse-json.ts";

/** What OTLP calls a record here: a log record or a span, with what its resource says of it. Nothing else of a request is looked at. */
export type OtlpRecord = {
  /** `service.name` of its resource. */
  service: string;
  /** The name of a span; the text of a log record's body, where that is one word. */
  name: string;
  /** When it was, in nanoseconds since 1970, as text. */
  time: string;
  /** Of a span: `<trace id>:<span id>`. */
  span: string | null;
  attributes: ReadonlyMap<string, string | number | boolean>;
};

export type Signal = "logs" | "metrics" | "traces";

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const listOf = (from: unknown, field: string): Json[] => {
  const value = isObject(from) ? from[field] : undefined;
  return Array.isArray(value) ? value.filter(isObject) : [];
};

const isMetrics = (value: unknown): boolean =>
  isObject(value) && (value["resourceMetrics"] === undefined || Array.isArray(value["resourceMetrics"]));

/** The records of a request; null where it is none. Metrics are sums of what logs and spans tell call by call: they have none. */
export function recordsOf(signal: Signal, body: Buffer, isProtobuf: boolean): OtlpRecord[] | null {
  if (signal === "metrics") return isProtobuf || isMetrics(parseJson(body.toString("utf8"))) ? [] : null;
  const value = isProtobuf ? decoded(signal, body) : parseJson(body.toString("utf8"));
  if (!isObject(value)) return null;
  const [resources, scopes, records] =
    signal === "logs"
      ? (["resourceLogs", "scopeLogs", "logRecords"] as const)
      : (["resourceSpans", "scopeSpans", "spans"] as const);
  return listOf(value, resources).flatMap((resource) => {
    const service = String(attributesOf(resource["resource"]).get("service.name") ?? "");
    return listOf(resource, scopes).flatMap((scope) =>
      listOf(scope, records).map((record) => recordOf(record, service)),
    );
  });
}

function recordOf(record: Json, service: string): OtlpRecord {
  const said = valueOf(record["body"]);
  const { name } = record;
  return {
    service,
    name: typeof name === "string" ? name : typeof said === "string" && said.length <= 100 ? said : "",
    time: timeOf(record),
    span: "spanId" in record ? `${text(record["traceId"])}:${text(record["spanId"])}` : null,
    attributes: attributesOf(record),
  };
}

/** Codex leaves the time of its log records empty, and only says when they were observed. */
function timeOf(record: Json): string {
  const times = [record["endTimeUnixNano"], record["timeUnixNano"], record["observedTimeUnixNano"]];
  return times.map(text).find((time) => /^[1-9]\d{0,20}$/.test(time)) ?? "0";
}

const text = (value: unknown): string =>
  typeof value === "string" ? value : typeof value === "number" ? String(value) : "";

function attributesOf(from: unknown): Map<string, string | number | boolean> {
  const attributes = new Map<string, string | number | boolean>();
  for (const { key, value } of listOf(from, "attributes")) {
    const said = valueOf(value);
    if (typeof key === "string" && said !== null) attributes.set(key, said);
  }
  return attributes;
}

/** A value of one of the plain kinds. 64-bit numbers may come as text. */
function valueOf(value: unknown): string | number | boolean | null {
  if (!isObject(value)) return null;
  const { stringValue, intValue, doubleValue, boolValue } = value;
  if (typeof stringValue === "string") return stringValue;
  if (typeof intValue === "number" || typeof intValue === "string") return Number(intValue);
  if (typeof doubleValue === "number") return doubleValue;
  return typeof boolValue === "boolean" ? boolValue : null;
}

// opentelemetry-proto 1.x, of which only what is read above.
const fields = (names: Record<string, [type: string, id: number, rule?: "repeated"]>) => ({
  fields: Object.fromEntries(
    Object.entries(names).map(([name, [type, id, rule]]) => [
      name,
      rule === undefined ? { type, id } : { type, id, rule },
    ]),
  ),
});

const root = protobuf.Root.fromJSON({
  nested: {
    AnyValue: fields({
      stringValue: ["string", 1],
      boolValue: ["bool", 2],
      intValue: ["int64", 3],
      doubleValue: ["double", 4],
    }),
    KeyValue: fields({ key: ["string", 1], value: ["AnyValue", 2] }),
    Resource: fields({ attributes: ["KeyValue", 1, "repeated"] }),
    LogRecord: fields({
      timeUnixNano: ["fixed64", 1],
      body: ["AnyValue", 5],
      attributes: ["KeyValue", 6, "repeated"],
      observedTimeUnixNano: ["fixed64", 11],
    }),
    ScopeLogs: fields({ logRecords: ["LogRecord", 2, "repeated"] }),
    ResourceLogs: fields({ resource: ["Resource", 1], scopeLogs: ["ScopeLogs", 2, "repeated"] }),
    LogsRequest: fields({ resourceLogs: ["ResourceLogs", 1, "repeated"] }),
    Span: fields({
      traceId: ["bytes", 1],
      spanId: ["bytes", 2],
      name: ["string", 5],
      endTimeUnixNano: ["fixed64", 8],
      attributes: ["KeyValue", 9, "repeated"],
    }),
    ScopeSpans: fields({ spans: ["Span", 2, "repeated"] }),
    ResourceSpans: fields({ resource: ["Resource", 1], scopeSpans: ["ScopeSpans", 2, "repeated"] }),
    TracesRequest: fields({ resourceSpans: ["ResourceSpans", 1, "repeated"] }),
    PartialSuccess: fields({ rejected: ["int64", 1], errorMessage: ["string", 2] }),
    Response: fields({ partialSuccess: ["PartialSuccess", 1] }),
  },
});

function decoded(signal: "logs" | "traces", body: Buffer): unknown {
  const type = root.lookupType(signal === "logs" ? "LogsRequest" : "TracesRequest");
  try {
    return type.toObject(type.decode(body), { longs: String, bytes: String });
  } catch (error) {
    // What cannot be decoded throws errors of several kinds, all of which mean that.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** What came of an export; empty where all of it was taken in. */
export type TakenIn = { partialSuccess?: { rejected: number; signal: Signal; errorMessage: string } };

const rejectedNames = {
  logs: "rejectedLogRecords",
  metrics: "rejectedDataPoints",
  traces: "rejectedSpans",
} as const;

/** 64-bit numbers are texts in OTLP's JSON. */
export function takenAsJson({ partialSuccess }: TakenIn): string {
  if (partialSuccess === undefined) return "{}";
  const { rejected, signal, errorMessage } = partialSuccess;
  return JSON.stringify({ partialSuccess: { [rejectedNames[signal]]: String(rejected), errorMessage } });
}

/** The answers of the three signals differ in names alone, which are not sent. */
export const takenAsProtobuf = (taken: TakenIn): Uint8Array =>
  root.lookupType("Response").encode(taken).finish();
