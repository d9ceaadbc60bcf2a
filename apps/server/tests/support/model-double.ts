import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { text as readText } from "node:stream/consumers";
import { listen } from "./mcp/http-servers.ts";

/**
 * A double of a model provider, on loopback: it speaks the APIs of OpenAI, Anthropic and Gemini, streams too, and counts on
 * its own what it bills. Models themselves cannot run here.
 */
export type ModelDouble = {
  url: string;
  asked: Asked[];
  /** What the provider would put on its invoice for calls that came to their end. */
  billed: { model: string; input: number; output: number }[];
  /** Requests whose caller left before the end. */
  left(): number;
  answer: Answering;
};

export type Asked = {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
};
/** Answers a request in its own way; returns false where the double is to answer as usual. */
export type Answering = (asked: Asked, response: ServerResponse) => Promise<boolean> | boolean;

export async function modelDouble(): Promise<ModelDouble> {
  let count = 0;
  let left = 0;
  const double: Omit<ModelDouble, "url"> = { asked: [], billed: [], left: () => left, answer: () => false };
  const server = await listen(async (request, response) => {
    const source = await readText(request);
    const body = (source === "" ? {} : JSON.parse(source)) as Record<string, unknown>;
    const asked = { method: request.method ?? "", path: request.url ?? "", headers: request.headers, body };
    double.asked.push(asked);
    response.on("close", () => {
      if (!response.writableFinished) left += 1;
    });
    if (await double.answer(asked, response)) return;
    count += 1;
    const id = String(count).padStart(20, "0");
    double.billed.push({ model: modelOf(asked), input: 1000 + count, output: 10 + count });
    usual(asked, response, { id, input: 1000 + count, output: 10 + count });
  }, "");
  return Object.assign(double, { url: server.url });
}

const modelOf = ({ path, body }: Asked): string =>
  typeof body["model"] === "string" ? body["model"] : (/models\/([\w.-]+):/.exec(path)?.[1] ?? "");

type Numbers = { id: string; input: number; output: number };

function usual(asked: Asked, response: ServerResponse, numbers: Numbers): void {
  const { path, body } = asked;
  if (path.includes("/messages/count_tokens")) return send(response, { input_tokens: 77 });
  if (path.includes("/messages")) return anthropic(asked, response, numbers);
  if (path.includes("generateContent") || path.includes("GenerateContent"))
    return gemini(asked, response, numbers);
  if (path.includes("/embeddings"))
    return send(response, {
      object: "list",
      data: [body["input"]].flat().map((_, index) => ({ object: "embedding", index, embedding: [0.1] })),
      model: body["model"],
      usage: { prompt_tokens: numbers.input, total_tokens: numbers.input },
    });
  if (path.includes("/responses")) return responses(asked, response, numbers);
  if (path.includes("/models")) return send(response, { object: "list", data: [] });
  return chat(asked, response, numbers);
}

export function send(response: ServerResponse, value: unknown, status = 200): void {
  const text = JSON.stringify(value);
  response
    .writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) })
    .end(text);
}

export const event = (data: unknown, name?: string): string =>
  `${name === undefined ? "" : `event: ${name}\n`}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;

export function stream(response: ServerResponse, events: readonly string[]): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const each of events) response.write(each);
  response.end();
}

function chat({ body }: Asked, response: ServerResponse, { id, input, output }: Numbers): void {
  const usage = {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: 100 },
  };
  const head = { id: `chatcmpl-${id}`, object: "chat.completion", created: 1, model: body["model"] };
  if (body["stream"] !== true) {
    const choices = [{ index: 0, message: { role: "assistant", content: "Hello." }, finish_reason: "stop" }];
    return send(response, { ...head, choices, usage });
  }
  const asks = (body["stream_options"] as { include_usage?: boolean } | undefined)?.include_usage === true;
  const piece = (delta: unknown, finish: string | null) => ({
    ...head,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...(asks ? { usage: null } : {}),
  });
  stream(response, [
    event(piece({ role: "assistant", content: "Hel" }, null)),
    event(piece({ content: 'lo, "usage":null' }, null)),
    event(piece({}, "stop")),
    ...(asks ? [event({ ...head, object: "chat.completion.chunk", choices: [], usage })] : []),
    event("[DONE]"),
  ]);
}

function responses({ body }: Asked, response: ServerResponse, { id, input, output }: Numbers): void {
  const answer = {
    id: `resp_${id}`,
    object: "response",
    status: "completed",
    model: body["model"],
    service_tier: body["service_tier"] ?? "default",
    output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "Hello." }] }],
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: 2 },
      total_tokens: input + output,
    },
  };
  if (body["stream"] !== true) return send(response, answer);
  stream(response, [
    event(
      { type: "response.created", response: { ...answer, status: "in_progress", usage: null } },
      "response.created",
    ),
    event({ type: "response.output_text.delta", delta: "Hello." }, "response.output_text.delta"),
    event({ type: "response.completed", response: answer }, "response.completed"),
  ]);
}

function anthropic({ body }: Asked, response: ServerResponse, { id, input, output }: Numbers): void {
  const usage = {
    input_tokens: input,
    cache_read_input_tokens: 200,
    cache_creation_input_tokens: 70,
    cache_creation: { ephemeral_5m_input_tokens: 46, ephemeral_1h_input_tokens: 24 },
    output_tokens: output,
    service_tier: "standard",
  };
  const message = {
    id: `msg_${id}`,
    type: "message",
    role: "assistant",
    model: body["model"],
    content: [{ type: "text", text: "Hello." }],
    stop_reason: "end_turn",
    usage,
  };
  response.setHeader("request-id", `req_${id}`);
  if (body["stream"] !== true) return send(response, message);
  stream(response, [
    event(
      { type: "message_start", message: { ...message, content: [], usage: { ...usage, output_tokens: 1 } } },
      "message_start",
    ),
    event(
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      "content_block_start",
    ),
    event(
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello." } },
      "content_block_delta",
    ),
    event({ type: "content_block_stop", index: 0 }, "content_block_stop"),
    event(
      { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: output } },
      "message_delta",
    ),
    event({ type: "message_stop" }, "message_stop"),
  ]);
}

function gemini(asked: Asked, response: ServerResponse, { id, input, output }: Numbers): void {
  const answer = {
    candidates: [{ content: { role: "model", parts: [{ text: "Hello." }] }, finishReason: "STOP", index: 0 }],
    usageMetadata: {
      promptTokenCount: input,
      cachedContentTokenCount: 300,
      candidatesTokenCount: output - 3,
      thoughtsTokenCount: 3,
      totalTokenCount: input + output,
    },
    modelVersion: modelOf(asked),
    responseId: id,
  };
  if (!asked.path.includes("streamGenerateContent")) return send(response, answer);
  const first = {
    ...answer,
    candidates: [{ content: { parts: [{ text: "Hel" }] }, index: 0 }],
    usageMetadata: { promptTokenCount: input },
  };
  const events = [event(first), event(answer)];
  if (asked.path.includes("alt=sse")) return stream(response, events);
  return send(response, [first, answer]);
}
