import { createParser } from "eventsource-parser";

type Listed = { result?: { tools?: { name: string }[] } & Record<string, unknown> } & Record<string, unknown>;

/** The answer to `tools/list` with only those tools that are let through, in the form it came in. */
export function filterToolList(body: Buffer, contentType: string, keep: (name: string) => boolean): Buffer {
  const source = body.toString("utf8");
  if (contentType.startsWith("text/event-stream")) return Buffer.from(filterEvents(source, keep));
  const message = parse(source);
  return message === null ? body : Buffer.from(JSON.stringify(filtered(message, keep)));
}

function filterEvents(source: string, keep: (name: string) => boolean): string {
  const events: string[] = [];
  const parser = createParser({
    onEvent({ id, event, data }) {
      const message = parse(data);
      const lines = [
        ...(id === undefined ? [] : [`id: ${id}`]),
        ...(event === undefined ? [] : [`event: ${event}`]),
        ...(message === null ? data.split("\n") : [JSON.stringify(filtered(message, keep))]).map(
          (line) => `data: ${line}`,
        ),
      ];
      events.push(`${lines.join("\n")}\n\n`);
    },
  });
  parser.feed(source);
  return events.join("");
}

function filtered(message: Listed, keep: (name: string) => boolean): Listed {
  const tools = message.result?.tools;
  if (!Array.isArray(tools)) return message;
  // Who may see which tool differs by caller, so nobody else may be handed this answer.
  const scope =
    message.result !== undefined && "cacheScope" in message.result ? { cacheScope: "private" } : {};
  return {
    ...message,
    result: { ...message.result, ...scope, tools: tools.filter(({ name }) => keep(name)) },
  };
}

function parse(source: string): Listed | null {
  try {
    const message: unknown = JSON.parse(source);
    return typeof message === "object" && message !== null ? (message as Listed) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
