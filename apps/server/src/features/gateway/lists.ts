import { createParser } from "eventsource-parser";
import type { ListedTool } from "../../domain/servers.ts";

/** What stands in lists that servers give, by the member of the answer that holds it. */
export type Listed =
  | { list: "tools"; item: ListedTool }
  | { list: "resources"; item: { uri?: unknown } }
  | { list: "resourceTemplates"; item: { uriTemplate?: unknown } }
  | { list: "prompts"; item: { name?: unknown } };
export type Keep = (listed: Listed) => boolean;

const listNames = ["tools", "resources", "resourceTemplates", "prompts"] as const;

type Message = { result?: Record<string, unknown> } & Record<string, unknown>;

/** An answer in which what is withheld could not be told from the rest. It goes to nobody. */
export class UnreadableListError extends Error {
  constructor() {
    super("its list is no JSON-RPC message");
  }
}

export const isEventStream = (contentType: string): boolean =>
  contentType.trimStart().toLowerCase().startsWith("text/event-stream");

/**
 * The answer to a list with only that which is let through, in the form it came in.
 * Throws `UnreadableListError` for one that is not read as a message.
 */
export function filterList(
  body: Buffer,
  contentType: string,
  keep: Keep,
  sealId: (id: string) => string,
): Buffer {
  const source = body.toString("utf8");
  if (!isEventStream(contentType)) return Buffer.from(JSON.stringify(filtered(parse(source), keep)));
  const filter = eventFilter(keep, sealId);
  return Buffer.from(filter(source));
}

/** Filters lists in a stream of events, piece by piece: takes text, gives the events that it completes. */
export function eventFilter(keep: Keep, sealId: (id: string) => string): (source: string) => string {
  let done = "";
  const parser = createParser({
    onEvent({ id, event, data }) {
      const lines = [
        ...(id === undefined ? [] : [`id: ${id === "" ? "" : sealId(id)}`]),
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

function filtered(message: Message, keep: Keep): Message {
  const { result } = message;
  return result === undefined || result === null ? message : { ...message, result: visible(result, keep) };
}

/** A result with only that which is let through of the lists in it. */
export function visible<R extends Record<string, unknown>>(result: R, keep: Keep): R {
  const kept = listNames.flatMap((list) => {
    const items: unknown = result[list];
    if (!Array.isArray(items)) return [];
    const mine = items.filter((item: unknown) => isObject(item) && keep({ list, item } as Listed));
    return [[list, mine] as const];
  });
  if (kept.length === 0) return result;
  // Who may see what differs by caller, so nobody else may be handed this answer.
  const scope = "cacheScope" in result ? { cacheScope: "private" } : {};
  return { ...result, ...scope, ...Object.fromEntries(kept) };
}

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;

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
