import { type AuditEvent, type LiveEvent, type LiveTopic, text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";

export type LiveDeps = {
  /** Audit events behind `seq`, oldest first. */
  eventsAfter(seq: number, limit: number): Promise<AuditEvent[]>;
  latest(): Promise<number>;
};

export type Subscription = {
  userId: string;
  /** The `Last-Event-ID` header: goes on behind it. */
  lastEventId: string | undefined;
};

export type LiveService = {
  /** A stream of server-sent events. Refuses with `rate_limited` beyond the bounds. */
  stream(subscription: Subscription): Promise<ReadableStream<Uint8Array>>;
  /** Sends what is new. */
  look(): Promise<void>;
  /** Ends all streams, so that the server can stop. */
  close(): void;
};

const maxStreams = 500;
const maxStreamsPerUser = 20;
/** Events that a reader may lag behind before it is told to read everything again. */
const maxReplay = 1000;
const maxQueued = 1000;
const heartbeatMs = 15_000;

type Stream = { userId: string; seq: number; send(chunk: string): void; end(): void };

/**
 * The audit log's tail as server-sent events. An event's id is its sequence number, so
 * a reader that comes back misses nothing, on whichever node.
 */
export function createLiveService(deps: LiveDeps, wake: () => void): LiveService {
  const streams = new Set<Stream>();
  return {
    async look() {
      for (let isBehind = true; isBehind;) {
        const from = Math.min(...[...streams].map(({ seq }) => seq));
        if (!Number.isFinite(from)) return;
        const events = await deps.eventsAfter(from, maxReplay);
        // Who has joined since, further behind, gets its own reading in the next pass.
        for (const stream of streams) if (stream.seq >= from) deliver(stream, events);
        isBehind = events.length === maxReplay;
      }
    },
    async stream({ userId, lastEventId }) {
      const latest = await deps.latest();
      refuseTooMany(streams, userId);
      const from = startOf(lastEventId, latest);
      const start =
        from === null ? message("reset", { seq: latest }, latest) : message("ready", { seq: from }, from);
      return openStream(streams, { userId, seq: from ?? latest, start }, wake);
    },
    close() {
      for (const stream of streams) stream.end();
    },
  };
}

/** Where a stream begins; null when it would have to begin too far back. */
function startOf(lastEventId: string | undefined, latest: number): number | null {
  if (lastEventId === undefined || !/^\d{1,15}$/.test(lastEventId)) return latest;
  const seen = Number(lastEventId);
  return seen > latest || latest - seen > maxReplay ? null : seen;
}

function openStream(
  streams: Set<Stream>,
  { userId, seq, start }: Pick<Subscription, "userId"> & { seq: number; start: string },
  wake: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let release = (): void => {};
  return new ReadableStream(
    {
      start(controller) {
        const end = (): void => {
          if (!streams.has(stream)) return;
          release();
          controller.close();
        };
        const send = (chunk: string): void => {
          if (!streams.has(stream)) return;
          if ((controller.desiredSize ?? 0) > 0) {
            controller.enqueue(encoder.encode(chunk));
            return;
          }
          // Who does not read is cut off, queue and all, and comes back with Last-Event-ID.
          release();
          controller.error(new Error("the reader of live events is too slow"));
        };
        const stream: Stream = { userId, seq, send, end };
        const heartbeat = setInterval(() => send(": still here\n\n"), heartbeatMs);
        heartbeat.unref();
        release = () => {
          clearInterval(heartbeat);
          streams.delete(stream);
        };
        streams.add(stream);
        send(`retry: 2000\n\n${start}`);
        wake();
      },
      cancel: () => release(),
    },
    new CountQueuingStrategy({ highWaterMark: maxQueued }),
  );
}

function deliver(stream: Stream, events: readonly AuditEvent[]): void {
  const fresh = events.filter(({ seq }) => seq > stream.seq);
  const last = fresh.at(-1);
  if (last === undefined) return;
  stream.seq = last.seq;
  stream.send(fresh.map((event) => present(event)).join(""));
}

function present(event: AuditEvent): string {
  const { seq, at, action, status, actor_id, actor_name, resource, plan_id } = event;
  const topic = topicOf(action);
  const data: LiveEvent = { seq, topic, at, action, status, actor_id, actor_name, resource, plan_id };
  return message(topic, data, seq);
}

const message = (event: string, data: object, id: number): string =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

const topics: Record<string, LiveTopic> = {
  change: "changes",
  live: "changes",
  pull_request: "changes",
  canary: "changes",
  server: "servers",
  key: "keys",
  user: "access",
  token: "access",
  budget: "usage",
  run: "usage",
  usage: "usage",
  chat: "assistant",
  plan: "assistant",
  cycle: "cycles",
};

const topicOf = (action: string): LiveTopic => topics[action.split(".")[0] ?? ""] ?? "audit";

function refuseTooMany(streams: ReadonlySet<Stream>, userId: string): void {
  const own = [...streams].filter((stream) => stream.userId === userId).length;
  if (own < maxStreamsPerUser && streams.size < maxStreams) return;
  throw new Refusal(
    "rate_limited",
    text(
      `Too many live connections (${own} of yours). Close some and try again in 5 s.`,
      `Conexões ao vivo demais (${own} suas). Feche algumas e tente de novo em 5 s.`,
    ),
    { retryAfter: 5, quiet: true },
  );
}
