import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { createParser, type EventSourceParser } from "eventsource-parser";
import type { Dispatcher } from "undici";
import type { Heard, Listener } from "./heard.ts";

export type ForwardJob = {
  agent: Dispatcher;
  url: URL;
  method: "POST" | "GET" | "DELETE";
  body: Buffer | null;
  /** The caller's headers, of which those of the protocol go on. */
  headers: IncomingHttpHeaders;
  /** What the console proves itself by. The caller's own token never goes on. */
  credentials: Readonly<Record<string, string>>;
  /** Without a piece of an answer for so long it is given up. In milliseconds. */
  timeoutMs: number;
  listener: Listener;
  /** Whether events that are only usage stay here. */
  dropsUsage: boolean;
  /** What an answer without its own request id is given. */
  requestId: string;
};

/** How it ended. `failed` has sent nothing to the caller yet. */
export type Forwarded = {
  kind: "answered" | "failed" | "broken" | "cancelled";
  status: number | null;
  bytes: number;
  heard: Heard;
  /** The answer's own `request-id`. */
  requestId: string | null;
  /** Whether the request was on its way. */
  wasSent: boolean;
  error: Error | null;
};

/** Headers of a request that providers and their clients know; nothing else of the caller goes on. */
const passedOn =
  /^(?:accept|content-type|user-agent|anthropic-(?:version|beta)|openai-(?:beta|organization|project)|x-stainless-.*|x-goog-api-client|originator)$/;
/** Headers of an answer that hold for the connection, or that say how what is sent here was packed. */
const keptBack =
  /^(?:connection|keep-alive|transfer-encoding|te|trailer|upgrade|proxy-.*|set-cookie2?|content-encoding|alt-svc)$/;
/** Of an answer that is no stream: so much is read for its usage. What is longer goes on all the same. */
const mostKept = 16 * 1024 * 1024;

/** Sends a request on, and the answer back as it comes, listening to what it says of itself. Never rejects. */
export function forward(job: ForwardJob, response: ServerResponse): Promise<Forwarded> {
  const ending = Promise.withResolvers<Forwarded>();
  const handler = new ForwardHandler(job, response, ending.resolve);
  if (response.destroyed) {
    handler.callerLeft();
    return ending.promise;
  }
  response.once("close", () => handler.callerLeft());
  job.agent.dispatch(
    {
      origin: job.url.origin,
      path: `${job.url.pathname}${job.url.search}`,
      method: job.method,
      headers: requestHeaders(job),
      body: job.body,
      headersTimeout: job.timeoutMs,
      bodyTimeout: job.timeoutMs,
    },
    handler,
  );
  return ending.promise;
}

function requestHeaders({ headers, credentials }: ForwardJob): Record<string, string> {
  const sent: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === "string" && passedOn.test(name)) sent[name] = value;
  }
  // What is packed could not be listened to.
  sent["accept-encoding"] = "identity";
  for (const [name, value] of Object.entries(credentials)) sent[name] = value;
  return sent;
}

class ForwardHandler implements Dispatcher.DispatchHandler {
  readonly #job: ForwardJob;
  readonly #response: ServerResponse;
  readonly #end: (forwarded: Forwarded) => void;
  readonly #decoder = new TextDecoder();
  #controller: Dispatcher.DispatchController | null = null;
  #events: Events | null = null;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #status: number | null = null;
  #requestId: string | null = null;
  #bytes = 0;
  #wasSent = false;
  #hasEnded = false;

  constructor(job: ForwardJob, response: ServerResponse, end: (forwarded: Forwarded) => void) {
    this.#job = job;
    this.#response = response;
    this.#end = end;
  }

  callerLeft(): void {
    if (this.#hasEnded) return;
    this.#finish("cancelled", null);
    this.#controller?.abort(new Error("the caller has left"));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#hasEnded) controller.abort(new Error("the caller has left"));
    else this.#wasSent = true;
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (this.#hasEnded || status < 200) return;
    this.#status = status;
    const id = headers["request-id"] ?? headers["x-request-id"];
    this.#requestId = typeof id === "string" ? id.slice(0, 200) : null;
    const isStream = (headers["content-type"] ?? "").startsWith("text/event-stream");
    if (isStream) this.#events = new Events(this.#job);
    const head: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(headers))
      if (value !== undefined && !keptBack.test(name) && !(isStream && name === "content-length"))
        head[name] = value;
    if (this.#requestId === null) head["request-id"] = this.#job.requestId;
    this.#response.writeHead(status, head);
    if (isStream) this.#response.flushHeaders();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#hasEnded) return;
    this.#bytes += chunk.length;
    const passed =
      this.#events === null
        ? this.#keep(chunk)
        : this.#events.add(this.#decoder.decode(chunk, { stream: true }));
    if (passed.length > 0 && !this.#response.write(passed)) {
      // A caller that reads slowly holds the provider back, and no memory.
      controller.pause();
      this.#response.once("drain", () => controller.resume());
    }
  }

  onResponseEnd(): void {
    if (this.#hasEnded) return;
    if (this.#events !== null) {
      const rest = this.#events.end();
      if (rest !== "") this.#response.write(rest);
    } else if (this.#keptBytes > 0 && this.#keptBytes <= mostKept)
      this.#job.listener.whole(Buffer.concat(this.#kept).toString("utf8"));
    this.#finish("answered", null);
    this.#response.end();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#hasEnded) return;
    if (!this.#response.headersSent) {
      this.#finish("failed", error);
      return;
    }
    this.#finish("broken", error);
    // The caller's own program must notice that the answer is not whole.
    this.#response.destroy();
  }

  #keep(chunk: Buffer): Buffer {
    this.#keptBytes += chunk.length;
    if (this.#keptBytes <= mostKept) this.#kept.push(chunk);
    else this.#kept = [];
    return chunk;
  }

  #finish(kind: Forwarded["kind"], error: Error | null): void {
    this.#hasEnded = true;
    this.#end({
      kind,
      status: this.#status,
      bytes: this.#bytes,
      heard: this.#job.listener.heard,
      requestId: this.#requestId ?? (this.#status === null ? null : this.#job.requestId),
      wasSent: this.#wasSent,
      error,
    });
  }
}

/** Listens to a stream of events, which goes on as it came but for what stays here. */
class Events {
  readonly #job: ForwardJob;
  readonly #parser: EventSourceParser;
  #isOnlyUsage = false;
  /** Of an event that is not whole yet; kept only where one may have to stay here. */
  #rest = "";

  constructor(job: ForwardJob) {
    this.#job = job;
    this.#parser = createParser({
      onEvent: ({ data }) => {
        if (job.listener.event(data) === "usage") this.#isOnlyUsage = true;
      },
    });
  }

  add(text: string): string {
    if (!this.#job.dropsUsage) {
      this.#parser.feed(text);
      return text;
    }
    const parts = (this.#rest + text).split(/(?<=\r?\n\r?\n)/);
    this.#rest = parts.pop() ?? "";
    // A part that ends an event is whole, also where it is the last.
    if (/\r?\n\r?\n$/.test(this.#rest)) {
      parts.push(this.#rest);
      this.#rest = "";
    }
    return parts.map((part) => this.#passed(part)).join("");
  }

  end(): string {
    const rest = this.#rest;
    this.#rest = "";
    return rest === "" ? "" : this.#passed(rest);
  }

  /** One event as its caller would have had it. */
  #passed(event: string): string {
    this.#isOnlyUsage = false;
    this.#parser.feed(event);
    // Asked for, it stands in every event as null too.
    return this.#isOnlyUsage ? "" : event.replace(/,\s*"usage":\s*null(?=[,}])/, "");
  }
}
