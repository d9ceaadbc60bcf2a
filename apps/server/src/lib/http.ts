import { createParser } from "eventsource-parser";
import type { LookupFunction } from "node:net";
import { Agent, fetch as undiciFetch } from "undici";
import { consoleHeader, ownConsole } from "./console-header.ts";
import { maxMessageBytes, TooLargeError } from "./too-large.ts";
import type { HttpConnections } from "../domain/servers.ts";

export type HttpOptions = {
  lookup: LookupFunction;
  /** What this console names itself by. */
  ownId: string;
  connectMs: number;
  callMs: number;
};

const maxStreams = 1024;

export function openHttp({ lookup, ownId, connectMs, callMs }: HttpOptions): HttpConnections {
  const options = {
    connect: { lookup, timeout: connectMs },
    headersTimeout: callMs,
    // Streams of events are silent for as long as nothing happens; calls have their own limit.
    bodyTimeout: 0,
    // Less than servers keep idle connections for, so that no request meets one that is being closed.
    keepAliveTimeout: 4000,
    allowH2: false,
  };
  // Calls are counted before they come here; one that waited for a connection would wait for ever.
  const agent = new Agent(options);
  const streams = new Agent({ ...options, connections: maxStreams });
  return {
    agent,
    streams,
    async fetch(input, init = {}) {
      const redirect = init.redirect === "error" ? "error" : "manual";
      const request = { ...init, redirect, dispatcher: agent } as Parameters<typeof undiciFetch>[1];
      const response = await undiciFetch(input, request);
      if (response.headers.get(consoleHeader) !== ownId) return bounded(response, init);
      await response.body?.cancel();
      throw ownConsole();
    },
    async close() {
      await Promise.all([agent.close(), streams.destroy()]);
    },
  };
}

type UndiciResponse = Awaited<ReturnType<typeof undiciFetch>>;

/** The id of the JSON-RPC request that is sent; undefined where there is none. */
function idAsked({ method, body }: RequestInit): string | number | undefined {
  if (method !== "POST" || typeof body !== "string") return undefined;
  const sent = JSON.parse(body) as { id?: string | number; method?: string };
  return sent.method === undefined ? undefined : sent.id;
}

/**
 * The answer with a body that fails once it, or one event of it, is too large. A stream that ends before it has answered says
 * so as an answer: the SDK would wait for it until the call's time is up.
 */
function bounded(response: UndiciResponse, asked: RequestInit): Response {
  const isStream = (response.headers.get("content-type") ?? "").startsWith("text/event-stream");
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform: countBytes(isStream ? "event" : "whole"),
  });
  const { status, statusText } = response;
  const headers = [...response.headers];
  // undici's own classes are not those of the runtime, though they are made of the same streams.
  const body = response.body as ReadableStream<Uint8Array> | null;
  const counted = body?.pipeThrough(counter) ?? null;
  const id = isStream ? idAsked(asked) : undefined;
  const answer = counted !== null && id !== undefined ? ReadableStream.from(answered(counted, id)) : counted;
  return new Response(answer, { status, statusText, headers });
}

/** Code of an answer that stands for one which did not come whole; its message says why: `too_large` or `broken_off`. */
export const unfinishedAnswer = -32_098;

async function* answered(body: ReadableStream<Uint8Array>, id: string | number): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder();
  const answer = new RegExp(`"id"\\s*:\\s*${RegExp.escape(JSON.stringify(id))}`);
  let isAnswered = false;
  let failure: unknown = null;
  const parser = createParser({
    onEvent: (event) => {
      // What has ids of events can be taken up again, which is the SDK's to do.
      isAnswered ||= event.id !== undefined || answer.test(event.data);
    },
  });
  try {
    for await (const chunk of body) {
      if (!isAnswered) parser.feed(decoder.decode(chunk, { stream: true }));
      yield chunk;
    }
  } catch (error) {
    failure = error;
  }
  if (!isAnswered) {
    const message = failure instanceof TooLargeError ? "too_large" : "broken_off";
    const said = { jsonrpc: "2.0", id, error: { code: unfinishedAnswer, message } };
    // What was begun is ended before.
    yield Buffer.from(`\n\nevent: message\ndata: ${JSON.stringify(said)}\n\n`);
  } else if (failure !== null) throw failure;
}

function countBytes(unit: "event" | "whole") {
  let size = 0;
  return (chunk: Uint8Array, controller: TransformStreamDefaultController<Uint8Array>): void => {
    size += chunk.length;
    if (size > maxMessageBytes) {
      controller.error(new TooLargeError());
      return;
    }
    // Roughly enough: an event ends where a chunk with an empty line does.
    if (unit === "event" && /\n\r?\n|\r\r/.test(Buffer.from(chunk).toString("latin1"))) size = 0;
    controller.enqueue(chunk);
  };
}
