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
      if (response.headers.get(consoleHeader) !== ownId) return bounded(response);
      await response.body?.cancel();
      throw ownConsole();
    },
    async close() {
      await Promise.all([agent.close(), streams.destroy()]);
    },
  };
}

type UndiciResponse = Awaited<ReturnType<typeof undiciFetch>>;

/** The answer with a body that fails once it, or one event of it, is too large. */
function bounded(response: UndiciResponse): Response {
  const isStream = (response.headers.get("content-type") ?? "").startsWith("text/event-stream");
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform: countBytes(isStream ? "event" : "whole"),
  });
  const { status, statusText } = response;
  const headers = [...response.headers];
  // undici's own classes are not those of the runtime, though they are made of the same streams.
  const body = response.body as ReadableStream<Uint8Array> | null;
  return new Response(body?.pipeThrough(counter) ?? null, { status, statusText, headers });
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
