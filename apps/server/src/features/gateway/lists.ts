import { createParser } from "eventsource-parser";
import type { ListedTool } from "../../domain/servers.ts";

/** What stands in lists that servers give, by the member of the answer that holds it. */
export type Listed =
  | { list: "tools"; item: ListedTool }
  | { list: "resources"; item: { uri?: unknown } }
  | { list: "resourceTemplates"; item: { uriTemplate?: unknown } }
  | { list: "prompts"; item: { name?: unknown } }
  | { list: "instructions"; item: { text: string } };
/** An item as somebody may see it; null where they may not. */
export type Show = (listed: Listed) => object | null;

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
  show: Show,
  sealId: (id: string) => string,
): Buffer {
  const source = body.toString("utf8");
  if (!isEventStream(contentType)) return Buffer.from(JSON.stringify(filtered(parse(source), show)));
  const filter = eventFilter(show, sealId);
  return Buffer.from(filter(source));
}

/** Filters lists in a stream of events, piece by piece: takes text, gives the events that it completes. */
export function eventFilter(show: Show, sealId: (id: string) => string): (source: string) => string {
  let done = "";
  const parser = createParser({
    onEvent({ id, event, data }) {
      const lines = [
        ...(id === undefined ? [] : [`id: ${id === "" ? "" : sealId(id)}`]),
        ...(event === undefined ? [] : [`event: ${event}`]),
        // An event without data says where a stream may be taken up again.
        `data: ${data.trim() === "" ? "" : JSON.stringify(filtered(parse(data), show))}`,
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

function filtered(message: Message, show: Show): Message {
  const { result } = message;
  return result === undefined || result === null ? message : { ...message, result: visible(result, show) };
}

/** A result with only that which is let through of the lists in it. */
export function visible<R extends Record<string, unknown>>(result: R, show: Show): R {
  const kept = listNames.flatMap((list) => {
    const items: unknown = result[list];
    if (!Array.isArray(items)) return [];
    const mine = items.flatMap((item: unknown) =>
      isObject(item) ? (show({ list, item } as Listed) ?? []) : [],
    );
    return [[list, mine] as const];
  });
  // What a server tells models as they are introduced to it.
  const { instructions, ...rest } = result;
  if (typeof instructions === "string" && "capabilities" in result) {
    const isShown = show({ list: "instructions", item: { text: instructions } }) !== null;
    return isShown ? result : (rest as unknown as R);
  }
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
