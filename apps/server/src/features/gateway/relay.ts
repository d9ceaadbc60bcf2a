import { isUtf8 } from "node:buffer";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { type Dispatcher, errors } from "undici";
import { Buffered } from "../../lib/buffered.ts";
import { type Mask, MaskedStream } from "../../lib/mask-values.ts";
import { longestOf } from "./deadline.ts";
import { EventIds } from "./event-ids.ts";
import type { RpcId } from "./messages.ts";
import type { Sealed } from "./sessions.ts";
import { isEventStream, UnreadableListError } from "./lists.ts";

/** Bytes from a caller to a streamable HTTP server and back: neither side's messages are recreated. */
export type RelayJob = {
  agent: Dispatcher;
  url: URL;
  method: "POST" | "GET" | "DELETE";
  /** Of the request that is to be answered; undefined where no answer is waited for. */
  id: RpcId | undefined;
  body: Buffer | null;
  /** The caller's headers, of which only those of the protocol go on. */
  headers: IncomingHttpHeaders;
  /** The server's own session id; the caller has it sealed. */
  sessionId: string | undefined;
  /** The server's own id of the event behind which a stream is taken up again; the caller has it sealed. */
  lastEventId: string | undefined;
  seal(kind: Sealed, id: string): string;
  /** Headers of the console's own answer. */
  ownHeaders: Readonly<Record<string, string>>;
  /** What the console proves itself by. The caller's own token never goes on. */
  credentials: Readonly<Record<string, string>>;
  /** Without an answer, or a piece of one, for so long it is given up. 0 waits for ever. */
  timeoutMs: number;
  /**
   * Within so long the answer has to be whole, whatever trickles in. With each news of progress the time starts again,
   * until `longestOf` it is over. 0 for what listens, and has no end.
   */
  deadlineMs: number;
  /** A text without what the console proves itself by. */
  mask: Mask;
  /** Makes another body of the whole answer; null passes it on as it comes. */
  rewrite: ((body: Buffer, contentType: string) => Buffer) | null;
  /** Rewrites a stream of events piece by piece; null passes it on as it comes. */
  filter: ((source: string) => string) | null;
  /** The message that ends a stream which breaks off; null where nobody waits for one. */
  lastWord(error: Error): string | null;
};

/** How it ended. `failed` has sent nothing to the caller yet. */
export type Relayed =
  | { kind: "answered"; status: number; bytes: number; answer: Buffer | null; contentType: string }
  | { kind: "failed"; status: number | null; error: Error | null }
  | { kind: "broken"; bytes: number; error: Error }
  | { kind: "cancelled"; bytes: number; dispatched: boolean };

const passedOn = ["accept", "content-type", "mcp-protocol-version", "mcp-method", "mcp-name"];
/** Answers up to this size are sent in one piece, and looked into for how the call ended. */
const smallBytes = 64 * 1024;
const maxRewritten = 32 * 1024 * 1024;
const progress = "notifications/progress";

export function relay(job: RelayJob, response: ServerResponse): Promise<Relayed> {
  // Who has left already will not say so again.
  if (response.destroyed) return Promise.resolve({ kind: "cancelled", bytes: 0, dispatched: false });
  const ending = Promise.withResolvers<Relayed>();
  const handler = new RelayHandler(job, response, ending.resolve);
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

function requestHeaders({ headers, sessionId, lastEventId, credentials }: RelayJob): Record<string, string> {
  const sent: Record<string, string> = {};
  for (const name of passedOn) {
    const value = headers[name];
    if (typeof value === "string") sent[name] = value;
  }
  for (const name in headers) {
    const value = headers[name];
    // SEP-2243: arguments that a tool wants mirrored.
    if (name.startsWith("mcp-param-") && typeof value === "string") sent[name] = value;
  }
  sent.accept ??= "application/json, text/event-stream";
  if (sessionId !== undefined) sent["mcp-session-id"] = sessionId;
  if (lastEventId !== undefined) sent["last-event-id"] = lastEventId;
  for (const [name, value] of Object.entries(credentials)) sent[name.toLowerCase()] = value;
  return sent;
}

class RelayHandler implements Dispatcher.DispatchHandler {
  readonly #job: RelayJob;
  readonly #response: ServerResponse;
  readonly #end: (relayed: Relayed) => void;
  #controller: Dispatcher.DispatchController | null = null;
  #status = 0;
  #head: Record<string, string> = {};
  /** The parts so far; no longer all of them once they are streamed and many. */
  #kept: Buffer[] = [];
  #streams = false;
  readonly #decoder = new TextDecoder();
  readonly #buffered = new Buffered();
  #ids: EventIds | null = null;
  #bytes = 0;
  #ended = false;
  #deadline: NodeJS.Timeout | undefined;
  #since = 0;
  readonly #masking: MaskedStream | null;

  constructor(job: RelayJob, response: ServerResponse, end: (relayed: Relayed) => void) {
    this.#job = job;
    this.#masking = job.mask.long.length === 0 ? null : new MaskedStream(job.mask);
    this.#response = response;
    this.#end = end;
  }

  callerLeft(): void {
    if (this.#ended) return;
    this.#finish({ kind: "cancelled", bytes: this.#bytes, dispatched: true });
    this.#controller?.abort(new Error("the caller has left"));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#wait();
    if (this.#ended) controller.abort(new Error("the caller has left"));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    this.#status = status;
    const contentType = headers["content-type"] ?? "";
    const session = headers["mcp-session-id"];
    const odd = oddHeaders(status, headers, this.#job);
    if (!isPassedOn(status, contentType, this.#job) || odd !== null) {
      this.#finish({ kind: "failed", status: odd === null ? status : null, error: odd });
      controller.abort(odd ?? new Error(`HTTP ${status}`));
      return;
    }
    this.#head = { ...this.#job.ownHeaders, ...typeToSend(contentType) };
    if (typeof session === "string") this.#head["mcp-session-id"] = this.#job.seal("session", session);
    if (!isEventStream(contentType) || this.#rewrites) return;
    this.#ids = new EventIds((id) => this.#job.seal("event", id));
    this.#stream();
  }

  onResponseData(controller: Dispatcher.DispatchController, given: Buffer): void {
    this.#bytes += given.length;
    this.#take(controller, this.#masking?.pass(given) ?? given);
  }

  #take(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#deadline !== undefined && this.#streams && chunk.includes(progress) && !this.#extend()) {
      controller.abort(new errors.BodyTimeoutError());
      return;
    }
    const isSmall = this.#bytes <= smallBytes;
    if (isSmall || !this.#streams) {
      try {
        this.#buffered.keep(chunk.length);
      } catch (error) {
        controller.abort(error as Error);
        return;
      }
      this.#kept.push(chunk);
    }
    if (!this.#streams) {
      if (!this.#rewrites && !isSmall) this.#stream();
      else if (this.#bytes > maxRewritten) controller.abort(new Error("the answer is too large"));
      return;
    }
    if (!this.#write(controller, chunk)) {
      controller.pause();
      this.#response.once("drain", () => controller.resume());
    }
  }

  /** False when the caller is slower than the server. */
  #write(controller: Dispatcher.DispatchController, chunk: Buffer): boolean {
    const { filter } = this.#job;
    if (filter === null && this.#ids === null) return this.#response.write(chunk);
    try {
      const events =
        filter === null ? this.#ids?.pass(chunk) : filter(this.#decoder.decode(chunk, { stream: true }));
      if (events === undefined || events.length === 0) return true;
      return this.#response.write(events);
    } catch (error) {
      controller.abort(error as Error);
      return true;
    }
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#ended) return;
    const rest = this.#masking?.end() ?? noBytes;
    if (rest.length > 0) this.#take(controller, rest);
    const body = this.#kept.length === 1 ? (this.#kept[0] ?? noBytes) : Buffer.concat(this.#kept);
    const contentType = this.#head["content-type"] ?? "";
    const { id } = this.#job;
    // What is large enough to be streamed is not searched again.
    const isSearched = id !== undefined && this.#status < 400 && this.#bytes <= smallBytes;
    if (isSearched && !holdsAnswer(body, id)) {
      this.onResponseError(controller, new Error("it ended its answer before it had answered"));
      return;
    }
    if (this.#streams) {
      this.#response.end();
    } else {
      const sent = this.#rewritten(body, contentType);
      if (sent instanceof Error) {
        this.#finish({ kind: "failed", status: null, error: sent });
        return;
      }
      this.#head["content-length"] = String(sent.length);
      this.#response.writeHead(this.#status, this.#head).end(sent);
    }
    const answer = this.#bytes > smallBytes ? null : body;
    this.#finish({ kind: "answered", status: this.#status, bytes: this.#bytes, answer, contentType });
  }

  #rewritten(body: Buffer, contentType: string): Buffer | Error {
    if (this.#status >= 400 && (!isUtf8(body) || body.includes(0)))
      return new Error("the error is not UTF-8");
    // A page about an error is the server's own, and says nothing to a client of the protocol.
    if (this.#status >= 400 && !contentType.includes("json")) return noBytes;
    try {
      return this.#masked(this.#job.rewrite === null ? body : this.#job.rewrite(body, contentType));
    } catch (error) {
      if (error instanceof UnreadableListError) return error;
      throw error;
    }
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.#ended) return;
    if (!this.#response.headersSent) {
      this.#finish({ kind: "failed", status: null, error });
      return;
    }
    this.#finish({ kind: "broken", bytes: this.#bytes, error });
    const isStream = isEventStream(this.#head["content-type"] ?? "");
    const lastWord = isStream ? this.#job.lastWord(error) : null;
    if (lastWord === null) this.#response.destroy();
    else this.#response.end(`event: message\ndata: ${lastWord}\n\n`);
  }

  /** Whether the answer is kept whole before any of it is sent. */
  get #rewrites(): boolean {
    return this.#job.rewrite !== null || this.#status >= 400;
  }

  /** In an error short values are looked for as well. */
  #masked(answer: Buffer): Buffer {
    if (!this.#job.mask.hides) return answer;
    const isError = this.#status >= 400 || answer.includes('"error"') || answer.includes('"isError"');
    if (!isError) return answer;
    const said = answer.toString("utf8");
    const masked = this.#job.mask(said);
    return masked === said ? answer : Buffer.from(masked);
  }

  #wait(): void {
    const { deadlineMs } = this.#job;
    if (deadlineMs === 0) return;
    this.#since = performance.now();
    this.#deadline = setTimeout(() => {
      this.#controller?.abort(new errors.BodyTimeoutError());
    }, deadlineMs);
  }

  /** False where even news of progress gives it no more time. */
  #extend(): boolean {
    if (performance.now() - this.#since >= longestOf(this.#job.deadlineMs)) return false;
    this.#deadline?.refresh();
    return true;
  }

  /** Sends what there is, and each part as it comes from here on. */
  #stream(): void {
    this.#streams = true;
    this.#response.writeHead(this.#status, { ...this.#head, "x-accel-buffering": "no" });
    if (this.#kept.length === 0) this.#response.flushHeaders();
    for (const part of this.#kept) this.#response.write(part);
  }

  #finish(relayed: Relayed): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#deadline);
    this.#buffered.letGo();
    this.#end(relayed);
  }
}

const noBytes = Buffer.alloc(0);

/** Whether a small body holds an answer to a request: a client waits for ever for one that does not come. */
function holdsAnswer(body: Buffer, id: RpcId): boolean {
  const said = JSON.stringify(id);
  if (body.includes(`"id":${said}`)) return true;
  return (
    /"id"\s*:\s*null/.test(body.toString("latin1")) ||
    body
      .toString("utf8")
      .replaceAll(/"id"\s*:\s*/g, '"id":')
      .includes(`"id":${said}`)
  );
}

/** The type alone: its parameters are the server's own words, and the encoding is known. */
function typeToSend(contentType: string): { "content-type"?: string } {
  if (isEventStream(contentType)) return { "content-type": "text/event-stream" };
  return contentType.includes("json") ? { "content-type": "application/json" } : {};
}

/** Answers that nobody asked for in that form, and that could not be looked into, or used. */
function oddHeaders(
  status: number,
  headers: IncomingHttpHeaders,
  { mask, id }: Pick<RelayJob, "mask" | "id">,
): Error | null {
  // Masked whole, and only then cut.
  const type = mask(headers["content-type"] ?? "");
  if (id !== undefined && status < 300 && !type.includes("json") && !isEventStream(type)) {
    return new Error(
      `it answers with ${type === "" ? "nothing" : type.slice(0, 100)}, and not by the protocol`,
    );
  }
  const coding = mask(headers["content-encoding"] ?? "identity");
  if (coding.toLowerCase() !== "identity") return new Error(`it answers in ${coding.slice(0, 40)}, unasked`);
  const charset = /charset="?([\w-]+)/i.exec(type)?.[1] ?? "utf-8";
  if (!/^(?:utf-?8|us-ascii)$/i.test(charset))
    return new Error(`it answers in ${charset.slice(0, 40)}, not UTF-8`);
  const session = headers["mcp-session-id"];
  return typeof session === "string" && mask(session) !== session
    ? new Error("its session id holds the key that it is reached with")
    : null;
}

/**
 * Answers, and errors that are the protocol's. What a server says of our credentials, and redirects, are not; nor are its
 * pages, but for what a status alone says: that a session is over, or that there are no streams.
 */
function isPassedOn(status: number, contentType: string, { method, sessionId }: RelayJob): boolean {
  if (status < 300) return status >= 200;
  if (status < 400 || status === 401 || status === 403) return false;
  if (contentType.includes("json")) return true;
  return (status === 404 && sessionId !== undefined) || (status === 405 && method !== "POST");
}
