import { createParser } from "eventsource-parser";
import { parseJson } from "../../lib/parse-json.ts";

/** What a server says to a caller over HTTP, message by message. */

/** A JSON-RPC message of a server: a notification or a question by its `method`, else an answer. */
export type Said = {
  id?: unknown;
  method?: unknown;
  params?: unknown;
  result?: Record<string, unknown>;
  error?: { message?: unknown };
} & Record<string, unknown>;

/** What of a message goes on; the message itself where all of it does, and null where nothing does. */
export type Pass = (said: Said) => Said | null;

/** What cannot be read as a message, or as one alone. It goes to nobody: what is withheld could not be told from the rest. */
export class UnreadableError extends Error {
  constructor() {
    super("what it sends is no JSON-RPC message");
  }
}

export const isEventStream = (contentType: string): boolean =>
  contentType.trimStart().toLowerCase().startsWith("text/event-stream");

/** Reads one message. Throws `UnreadableError` for anything else, lists of messages too. */
export function readSaid(source: string): Said {
  const said = parseJson(source);
  if (typeof said !== "object" || said === null || Array.isArray(said)) throw new UnreadableError();
  return said as Said;
}

/**
 * Lets what goes on of a stream of events pass, piece by piece: takes text, gives the events that it completes, their ids
 * sealed: an id is what a stream can be taken up again by (HTML, "Server-sent events"), and may be used by nobody but
 * who was given it. Throws `UnreadableError` for an event that is no message.
 */
export function eventFilter(pass: Pass, sealId: (id: string) => string): (source: string) => string {
  let done = "";
  const parser = createParser({
    onEvent({ id, event, data }) {
      // Of another type it is no message, and clients pass over it: a sign of life, as some servers send.
      const passed = event === undefined || event === "message" ? dataOf(data, pass) : null;
      if (passed === null) return;
      const lines = [
        ...(id === undefined ? [] : [`id: ${id === "" ? "" : sealId(id)}`]),
        ...(event === undefined ? [] : [`event: ${event}`]),
        ...passed.split("\n").map((line) => `data: ${line}`),
      ];
      done += `${lines.join("\n")}\n\n`;
    },
    onRetry: (ms) => (done += `retry: ${ms}\n`),
    onComment: (comment) => (done += `: ${comment}\n\n`),
  });
  return (source) => {
    parser.feed(source);
    const events = done;
    done = "";
    return events;
  };
}

/** An event without data says where a stream may be taken up again. */
function dataOf(data: string, pass: Pass): string | null {
  if (data.trim() === "") return "";
  const said = readSaid(data);
  const passed = pass(said);
  if (passed === null || passed === said) return passed && data;
  return JSON.stringify(passed);
}
