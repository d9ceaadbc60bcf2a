import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { createParser, type EventSourceParser } from "eventsource-parser";
import type { Dispatcher } from "undici";
import { type Mask, MaskedStream } from "../../lib/mask-values.ts";
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
  /** Hides the credentials in what comes back. */
  mask: Mask;
  /** Why an answer of this kind must not go on; null where it may. */
  refuse(status: number, encoding: string | null): Error | null;
};

/** How it ended. `failed` has sent nothing to the caller yet. */
export type Forwarded = {
  kind: "answered" | "failed" | "broken" | "cancelled";
  status: number | null;
  isStream: boolean;
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
  /^(?:accept|content-type|user-agent|anthropic-(?:version|beta)|openai-beta|x-stainless-.*|x-goog-api-client|originator)$/;
/** Headers of an answer that clients know. What tells of the provider's account, or opens something at the caller, stays here. */
const passedBack =
  /^(?:content-(?:type|language)|cache-control|date|retry-after(?:-ms)?|x-should-retry|(?:x-)?request-id|openai-(?:model|processing-ms|version)|anthropic-(?:ratelimit|priority|fast)-.*|x-ratelimit-.*|x-codex-.*|x-models-etag|x-reasoning-included|x-gemini-service-tier|server-timing)$/;
/** An answer whose length is known, and no more than this, is sent in one piece. */
const mostHeld = 256 * 1024;
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
  /** The head of an answer that is not sent yet, and what came of its body. */
  #head: Record<string, string | string[]> | null = null;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #status: number | null = null;
  #requestId: string | null = null;
  #bytes = 0;
  #wasSent = false;
  #hasEnded = false;
  readonly #masking: MaskedStream | null;

  constructor(job: ForwardJob, response: ServerResponse, end: (forwarded: Forwarded) => void) {
    this.#job = job;
    this.#masking = job.mask.long.length === 0 ? null : new MaskedStream(job.mask);
    this.#response = response;
    this.#end = end;
  }

  callerLeft(): void {
    if (this.#hasEnded) return;
    // Of an answer that is no stream, what came so far is not read: its size is all that is known.
    if (this.#events === null) this.#job.listener.unread(this.#keptBytes);
    this.#finish("cancelled", null);
    this.#controller?.abort(new Error("the caller has left"));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#hasEnded) controller.abort(new Error("the caller has left"));
    else this.#wasSent = true;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (this.#hasEnded || status < 200) return;
    this.#status = status;
    const refused = this.#job.refuse(status, headers["content-encoding"] ?? null);
    if (refused !== null) {
      this.#finish("failed", refused);
      controller.abort(refused);
      return;
    }
    const id = headers["request-id"] ?? headers["x-request-id"];
    this.#requestId = typeof id === "string" ? id.slice(0, 200) : null;
    const isStream = /^\s*text\/event-stream/i.test(headers["content-type"] ?? "");
    if (isStream) this.#events = new Events(this.#job);
    const head = this.#headOf(headers);
    const length = Number(headers["content-length"] ?? Number.NaN);
    if (!isStream && length <= mostHeld) {
      this.#head = head;
      return;
    }
    this.#response.writeHead(status, head);
    this.#response.flushHeaders();
  }

  #headOf(headers: IncomingHttpHeaders): Record<string, string | string[]> {
    const { mask, requestId } = this.#job;
    const head: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(headers)) {
      if (value === undefined || !passedBack.test(name)) continue;
      head[name] = Array.isArray(value) ? value.map(mask) : mask(value);
    }
    if (this.#requestId === null) head["request-id"] = requestId;
    return head;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#hasEnded) return;
    this.#bytes += chunk.length;
    const passed = this.#pass(this.#masking === null ? chunk : this.#masking.pass(chunk));
    if (this.#holds(passed)) return;
    if (passed.length > 0 && !this.#response.write(passed)) {
      // A caller that reads slowly holds the provider back, and no memory.
      controller.pause();
      this.#response.once("drain", () => controller.resume());
    }
  }

  #pass(chunk: Buffer): Buffer | string {
    return this.#events === null
      ? this.#keep(chunk)
      : this.#events.add(this.#decoder.decode(chunk, { stream: true }));
  }

  /** Whether a piece stays here until all of a short answer is there. */
  #holds(passed: Buffer | string): boolean {
    if (this.#head === null) return false;
    const piece = Buffer.from(passed);
    this.#held.push(piece);
    this.#heldBytes += piece.length;
    if (this.#heldBytes <= mostHeld) return true;
    this.#response.writeHead(this.#status ?? 502, this.#head);
    this.#head = null;
    return !this.#response.write(Buffer.concat(this.#held.splice(0)));
  }

  onResponseEnd(): void {
    if (this.#hasEnded) return;
    if (this.#masking !== null) this.#write(this.#pass(this.#masking.end()));
    if (this.#events !== null) this.#write(this.#events.end());
    else if (this.#keptBytes > 0 && this.#keptBytes <= mostKept)
      this.#job.listener.whole(Buffer.concat(this.#kept).toString("utf8"));
    else this.#job.listener.unread(this.#keptBytes);
    this.#finish("answered", null);
    if (this.#head === null) {
      this.#response.end();
      return;
    }
    const body = this.#held.length === 1 ? this.#held[0] : Buffer.concat(this.#held);
    // One write of the whole: each takes as long as all else that is done here.
    this.#response.writeHead(this.#status ?? 502, { ...this.#head, "content-length": this.#heldBytes });
    this.#response.end(body);
  }

  #write(passed: Buffer | string): void {
    if (passed.length > 0 && !this.#holds(passed)) this.#response.write(passed);
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#hasEnded) return;
    if (!this.#response.headersSent) {
      this.#job.listener.unread(this.#keptBytes);
      this.#finish("failed", error);
      return;
    }
    if (this.#events === null) this.#job.listener.unread(this.#keptBytes);
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
      isStream: this.#events !== null,
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
  /** Of an event that is not whole yet. */
  #parts: string[] = [];
  #length = 0;
  /** The last characters of it, which the end of an event may begin with. */
  #tail = "";

  constructor(job: ForwardJob) {
    this.#job = job;
    this.#parser = createParser({
      onEvent: ({ data }) => {
        if (job.listener.event(data) === "usage") this.#isOnlyUsage = true;
      },
    });
  }

  /** Reads a piece of the stream. Returns the part that can be passed on now. */
  add(text: string): string {
    const passed: string[] = [];
    let from = 0;
    for (const end of this.#endsIn(text)) {
      const whole = [...this.#parts, text.slice(from, end)].join("");
      this.#forget();
      passed.push(this.#passed(whole));
      from = end;
    }
    this.#keep(text.slice(from));
    if (!this.#job.dropsUsage) return text;
    // What is too long to be kept is no event of usage.
    if (this.#length > mostKept) passed.push(this.#release());
    return passed.join("");
  }

  /** The same at the end of the stream, where an event may lack its empty line. */
  end(): string {
    const rest = this.#parts.join("");
    this.#forget();
    if (rest === "") return "";
    const passed = this.#passed(rest);
    this.#parser.feed("\n\n");
    return this.#job.dropsUsage && !this.#isOnlyUsage ? passed : "";
  }

  /** Where events end in a piece, whose first may have begun before. */
  #endsIn(text: string): number[] {
    const before = this.#tail.length;
    const searched = this.#tail + text;
    this.#tail = searched.slice(-longestEnd);
    return [...searched.matchAll(eventEnd)].flatMap(({ index, 0: { length } }) => {
      const end = index + length - before;
      return end > 0 ? [end] : [];
    });
  }

  #keep(text: string): void {
    if (text === "") return;
    this.#length += text.length;
    // An event beyond all measure is not read.
    if (this.#length <= mostKept || this.#job.dropsUsage) this.#parts.push(text);
    else this.#parts = [];
  }

  #release(): string {
    const rest = this.#parts.join("");
    this.#forget();
    return rest;
  }

  #forget(): void {
    this.#parts = [];
    this.#length = 0;
  }

  /** One event as its caller would have had it. */
  #passed(event: string): string {
    this.#isOnlyUsage = false;
    this.#parser.feed(event);
    // Asked for, it stands in every event as null too.
    return this.#isOnlyUsage ? "" : event.replace(/,\s*"usage":\s*null(?=[,}])/, "");
  }
}

/** An empty line, however lines end. */
const eventEnd = /\r\n\r\n|\n\n|\r\r|\n\r\n/g;
const longestEnd = 3;
