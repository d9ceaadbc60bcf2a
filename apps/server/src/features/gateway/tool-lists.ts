import { createParser } from "eventsource-parser";
import type { ListedTool } from "../../domain/servers.ts";

type Message = { result?: { tools?: ListedTool[] } & Record<string, unknown> } & Record<string, unknown>;

/** An answer in which tools that are withheld could not be told from others. It goes to nobody. */
export class UnreadableListError extends Error {
  constructor() {
    super("its list of tools is no JSON-RPC message");
  }
}

export const isEventStream = (contentType: string): boolean =>
  contentType.trimStart().toLowerCase().startsWith("text/event-stream");

/**
 * The answer to `tools/list` with only those tools that are let through, in the form it came in.
 * Throws `UnreadableListError` for one that is not read as a message.
 */
export function filterToolList(
  body: Buffer,
  contentType: string,
  keep: (tool: ListedTool) => boolean,
): Buffer {
  const source = body.toString("utf8");
  if (!isEventStream(contentType)) return Buffer.from(JSON.stringify(filtered(parse(source), keep)));
  const filter = eventFilter(keep);
  return Buffer.from(filter(source));
}

/** Filters lists of tools in a stream of events, piece by piece: takes text, gives the events that it completes. */
export function eventFilter(keep: (tool: ListedTool) => boolean): (source: string) => string {
  let done = "";
  const parser = createParser({
    onEvent({ id, event, data }) {
      const lines = [
        ...(id === undefined ? [] : [`id: ${id}`]),
        ...(event === undefined ? [] : [`event: ${event}`]),
        // An event without data says where a stream may be taken up again.
        `data: ${data.trim() === "" ? "" : JSON.stringify(filtered(parse(data), keep))}`,
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

function filtered(message: Message, keep: (tool: ListedTool) => boolean): Message {
  const tools = message.result?.tools;
  if (!Array.isArray(tools)) return message;
  // Who may see which tool differs by caller, so nobody else may be handed this answer.
  const scope =
    message.result !== undefined && "cacheScope" in message.result ? { cacheScope: "private" } : {};
  return { ...message, result: { ...message.result, ...scope, tools: tools.filter((tool) => keep(tool)) } };
}

function parse(source: string): Message {
  let message: unknown;
  try {
    message = JSON.parse(source);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UnreadableListError();
  }
  if (typeof message !== "object" || message === null || Array.isArray(message))
    throw new UnreadableListError();
  return message as Message;
}
