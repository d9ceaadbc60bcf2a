import { isUtf8 } from "node:buffer";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { type Dispatcher, errors } from "undici";
import { Buffered } from "../../lib/buffered.ts";
import { type Mask, maskDeep, MaskedStream } from "../../lib/mask-values.ts";
import { longestOf } from "./deadline.ts";
import { eventFilter, isEventStream, type Pass, readSaid, type Said, UnreadableError } from "./said.ts";
import type { Sealed } from "./sessions.ts";

/**
 * Messages from a caller to a streamable HTTP server and back. What comes back is read, message by message, and goes on as
 * it came, but for what is withheld of it.
 */
export type RelayJob = {
  agent: Dispatcher;
  url: URL;
  method: "POST" | "GET" | "DELETE";
  /** Whether an answer is waited for. */
  awaits: boolean;
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
  /** What of each message goes on. */
  pass: Pass;
  /** The message that ends a stream which breaks off; null where nobody waits for one. */
  lastWord(error: Error): string | null;
};

/** How it ended. `failed` has sent nothing to the caller yet. */
export type Relayed =
  | { kind: "answered"; status: number; bytes: number; answer: Said | null }
  | { kind: "failed"; status: number | null; error: Error | null }
  | { kind: "broken"; bytes: number; error: Error }
  | { kind: "cancelled"; bytes: number; dispatched: boolean };

const passedOn = ["accept", "content-type", "mcp-protocol-version", "mcp-method", "mcp-name"];
/** Of an answer, or of one event in a stream: it is kept until it is whole. */
const maxMessageBytes = 32 * 1024 * 1024;

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
  /** Of an answer that is one message. */
  #kept: Buffer[] = [];
  /** Of a stream of events; null where the answer is one message. */
  #events: ((source: string) => string) | null = null;
  /** Events that came with the head of a stream, until that is sent; null from then on. */
  #held: string | null = null;
  #answer: Said | null = null;
  readonly #decoder = new TextDecoder();
  readonly #buffered = new Buffered();
  /** So many of them are kept: of a whole answer, or since the latest event. */
  #keptBytes = 0;
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
    if (status >= 400 || !isEventStream(contentType)) return;
    this.#events = eventFilter(
      (said) => this.#passed(said),
      (id) => this.#job.seal("event", id),
    );
    this.#head["x-accel-buffering"] = "no";
    this.#held = "";
    setImmediate(() => this.#stream());
  }

  /** An answer that came whole goes in one piece; nothing waits for the rest of another. */
  #stream(): void {
    if (this.#held === null || this.#ended) return;
    this.#response.writeHead(this.#status, this.#head);
    if (this.#held === "") this.#response.flushHeaders();
    else this.#response.write(this.#held);
    this.#held = null;
  }

  onResponseData(controller: Dispatcher.DispatchController, given: Buffer): void {
    this.#bytes += given.length;
    this.#take(controller, this.#masking?.pass(given) ?? given);
  }

  #take(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    try {
      this.#keep(chunk.length);
      if (this.#events === null) {
        this.#kept.push(chunk);
        return;
      }
      const events = this.#events(this.#decoder.decode(chunk, { stream: true }));
      if (events === "") return;
      this.#letGo();
      if (this.#held !== null) {
        this.#held += events;
        return;
      }
      if (this.#response.write(events)) return;
    } catch (error) {
      controller.abort(error as Error);
      return;
    }
    // The caller is slower than the server.
    controller.pause();
    this.#response.once("drain", () => controller.resume());
  }

  #keep(bytes: number): void {
    this.#keptBytes += bytes;
    if (this.#keptBytes > maxMessageBytes) throw new Error("the answer is too large");
    this.#buffered.keep(bytes);
  }

  #letGo(): void {
    this.#keptBytes = 0;
    this.#buffered.letGo();
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#ended) return;
    const rest = this.#masking?.end() ?? noBytes;
    if (rest.length > 0) this.#take(controller, rest);
    const body = this.#kept.length === 1 ? (this.#kept[0] ?? noBytes) : Buffer.concat(this.#kept);
    const sent = this.#events === null ? this.#toSend(body) : this.#held;
    const isMissing = this.#job.awaits && this.#status < 400 && this.#answer === null;
    const failure = sent instanceof Error ? sent : isMissing ? unanswered() : null;
    if (failure !== null) {
      this.onResponseError(controller, failure);
      return;
    }
    if (sent === null) this.#response.end();
    else {
      this.#head["content-length"] = String(Buffer.byteLength(sent as Buffer | string));
      this.#response.writeHead(this.#status, this.#head).end(sent);
    }
    this.#finish({ kind: "answered", status: this.#status, bytes: this.#bytes, answer: this.#answer });
  }

  /** What goes on of an answer that is one message. */
  #toSend(body: Buffer): Buffer | Error {
    // A page about an error is the server's own, and says nothing to a client of the protocol.
    const isPage = !(this.#head["content-type"] ?? "").includes("json");
    if (isPage || body.length === 0) return noBytes;
    if (this.#status >= 400 && (!isUtf8(body) || body.includes(0)))
      return new Error("the error is not UTF-8");
    try {
      const said = readSaid(body.toString("utf8"));
      // An error that is not the protocol's has its status alone to say.
      if (this.#status >= 400 && said.error === undefined) return noBytes;
      const passed = this.#passed(said);
      if (passed === null) return noBytes;
      return passed === said ? body : Buffer.from(JSON.stringify(passed));
    } catch (error) {
      if (error instanceof UnreadableError) return this.#status >= 400 ? noBytes : error;
      throw error;
    }
  }

  /** What goes on of a message. In an error short values are looked for as well. */
  #passed(said: Said): Said | null {
    if (said.method === "notifications/progress" && !this.#extend()) throw new errors.BodyTimeoutError();
    const passed = this.#job.pass(said);
    if (passed === null || passed.method !== undefined) return passed;
    const isError = passed.error !== undefined || passed.result?.["isError"] === true;
    const answer = isError && this.#job.mask.hides ? maskDeep(passed, this.#job.mask) : passed;
    if (this.#job.awaits) this.#answer = answer;
    return answer;
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.#ended) return;
    if (!this.#response.headersSent) {
      this.#finish({ kind: "failed", status: null, error });
      return;
    }
    this.#finish({ kind: "broken", bytes: this.#bytes, error });
    const lastWord = this.#events === null ? null : this.#job.lastWord(error);
    if (lastWord === null) this.#response.destroy();
    else this.#response.end(`event: message\ndata: ${lastWord}\n\n`);
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
    if (this.#deadline === undefined) return true;
    if (performance.now() - this.#since >= longestOf(this.#job.deadlineMs)) return false;
    this.#deadline.refresh();
    return true;
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

const unanswered = (): Error => new Error("it ended its answer before it had answered");

/** The type alone: its parameters are the server's own words, and the encoding is known. */
function typeToSend(contentType: string): { "content-type"?: string } {
  if (isEventStream(contentType)) return { "content-type": "text/event-stream" };
  return contentType.includes("json") ? { "content-type": "application/json" } : {};
}

/** Answers that nobody asked for in that form, and that could not be looked into, or used. */
function oddHeaders(
  status: number,
  headers: IncomingHttpHeaders,
  { mask, awaits }: Pick<RelayJob, "mask" | "awaits">,
): Error | null {
  const { "content-type": plain = "", "content-encoding": packed } = headers;
  const isUsual = plain === "text/event-stream" || plain === "application/json";
  if (isUsual && packed === undefined && headers["mcp-session-id"] === undefined) return null;
  // Masked whole, and only then cut.
  const type = mask(plain);
  if (awaits && status < 300 && !type.includes("json") && !isEventStream(type)) {
    return new Error(
      `it answers with ${type === "" ? "nothing" : type.slice(0, 100)}, and not by the protocol`,
    );
  }
  const coding = mask(packed ?? "identity");
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
