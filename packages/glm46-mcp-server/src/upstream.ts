import { setTimeout as wait } from "node:timers/promises";
import { createParser } from "eventsource-parser";
import { z } from "zod";

const usageSchema = z.looseObject({
  prompt_tokens: z.number().int().nonnegative(),
  completion_tokens: z.number().int().nonnegative().default(0),
  total_tokens: z.number().int().nonnegative().optional(),
});
export type Usage = z.infer<typeof usageSchema>;

export type Answer = {
  id: string | null;
  model: string | null;
  content: string;
  finishReason: string | null;
  usage: Usage | null;
  attempts: number;
};

/** The model's API refused, or did not answer as it should. `status` is null where there was no answer. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  readonly status: number | null;

  constructor(message: string, status: number | null) {
    super(message);
    this.status = status;
  }
}

export type Request = {
  url: string;
  apiKey: string;
  body: Record<string, unknown>;
  retryMax: number;
  signal: AbortSignal;
};

const firstWaitMs = 500;
const longestWaitMs = 30_000;
const mostErrorText = 300;
const mostBytes = 32 * 1024 * 1024;

/** Posts, and again after 429 and 5xx, with a growing wait. Nothing else is tried again: it may have been billed. */
async function post({
  url,
  apiKey,
  body,
  retryMax,
  signal,
}: Request): Promise<{ response: Response; attempts: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal,
      redirect: "error",
    });
    if (response.ok) return { response, attempts: attempt };
    const isPassing = response.status === 429 || response.status >= 500;
    if (!isPassing || attempt > retryMax) {
      const said = told(await response.text(), apiKey);
      throw new UpstreamError(`the model's API answered ${response.status}: ${said}`, response.status);
    }
    await response.body?.cancel();
    await wait(waitMs(response.headers.get("retry-after"), attempt), undefined, { signal });
  }
}

/** An API's own words, without the key: it is taken out first, so that no part of it is left at the cut. */
const told = (said: string, apiKey: string): string =>
  (apiKey === "" ? said : said.replaceAll(apiKey, "***")).slice(0, mostErrorText);

/** Some APIs answer 200 with an error in place of an answer. */
function refuseError(value: unknown, apiKey: string, status: number): void {
  const parsed = errorSchema.safeParse(value);
  if (parsed.success)
    throw new UpstreamError(
      `the model's API answered with an error: ${told(JSON.stringify(parsed.data.error), apiKey)}`,
      status,
    );
}
const errorSchema = z.looseObject({ error: z.union([z.looseObject({}), z.string().min(1)]) });

function waitMs(retryAfter: string | null, attempt: number): number {
  const asked = Number(retryAfter ?? Number.NaN) * 1000;
  const grown = firstWaitMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
  return Math.min(longestWaitMs, Number.isFinite(asked) && asked >= 0 ? Math.max(asked, 0) : grown);
}

const chunkSchema = z.looseObject({
  id: z.string().optional(),
  model: z.string().optional(),
  choices: z
    .array(
      z.looseObject({
        delta: z.looseObject({ content: z.string().nullish() }).optional(),
        message: z.looseObject({ content: z.string().nullish() }).optional(),
        finish_reason: z.string().nullish(),
      }),
    )
    .default([]),
  usage: z.unknown().optional(),
});

/** Asks for a chat answer as a stream, whose usage is asked for. An API that does not stream is read all the same. */
export async function chat(request: Request, onText: (text: string) => void): Promise<Answer> {
  const body = { ...request.body, stream: true, stream_options: { include_usage: true } };
  const { response, attempts } = await post({ ...request, body });
  const answer: Answer = { id: null, model: null, content: "", finishReason: null, usage: null, attempts };
  const take = (value: unknown): void => {
    refuseError(value, request.apiKey, response.status);
    const parsed = chunkSchema.safeParse(value);
    if (!parsed.success)
      throw new UpstreamError("the model's API answered in a form that is not OpenAI's", response.status);
    const { id, model, choices, usage } = parsed.data;
    answer.id ??= id ?? null;
    answer.model ??= model ?? null;
    for (const { delta, message, finish_reason } of choices.slice(0, 1)) {
      const text = delta?.content ?? message?.content ?? "";
      answer.content += text;
      if (text !== "") onText(text);
      answer.finishReason = finish_reason ?? answer.finishReason;
    }
    const counted = usageSchema.safeParse(usage);
    if (counted.success) answer.usage = counted.data;
  };
  if (!(response.headers.get("content-type") ?? "").startsWith("text/event-stream")) {
    take(await response.json());
    if (answer.content === "" && answer.finishReason === null)
      throw new UpstreamError("the model's API gave no answer", response.status);
    return answer;
  }
  let isDone = false;
  const parser = createParser({
    onEvent: ({ data }) => {
      if (data === "[DONE]") isDone = true;
      else take(JSON.parse(data));
    },
  });
  const decoder = new TextDecoder();
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new UpstreamError("the answer is over 32 MB", response.status);
    parser.feed(decoder.decode(chunk, { stream: true }));
  }
  if (!isDone && answer.finishReason === null)
    throw new UpstreamError("the model's answer broke off before its end", response.status);
  return answer;
}

const embeddingSchema = z.looseObject({
  id: z.string().optional(),
  model: z.string().optional(),
  data: z.array(z.looseObject({ index: z.number().optional(), embedding: z.array(z.number()) })),
  usage: z.unknown().optional(),
});

/** One vector for each text, in the texts' order, whatever order the API has. */
function inOrder(data: z.infer<typeof embeddingSchema>["data"], texts: number): number[][] | null {
  const placed = data.map(({ index, embedding }, place) => ({ index: index ?? place, embedding }));
  placed.sort((a, b) => a.index - b.index);
  const isWhole = placed.length === texts && placed.every(({ index }, place) => index === place);
  return isWhole ? placed.map(({ embedding }) => embedding) : null;
}

export type Embedded = Omit<Answer, "content" | "finishReason"> & { embeddings: number[][] };

export async function embed(
  request: Request & { body: { input: string | readonly string[] } },
): Promise<Embedded> {
  const { response, attempts } = await post(request);
  const answered: unknown = await response.json();
  refuseError(answered, request.apiKey, response.status);
  const parsed = embeddingSchema.safeParse(answered);
  if (!parsed.success)
    throw new UpstreamError("the model's API answered in a form that is not OpenAI's", response.status);
  const { id, model, data, usage } = parsed.data;
  const counted = usageSchema.safeParse(usage);
  const texts = [request.body.input].flat().length;
  const embeddings = inOrder(data, texts);
  if (embeddings === null)
    throw new UpstreamError(
      `the model's API answered with ${data.length} vectors that do not belong to the ${texts} texts`,
      response.status,
    );
  return {
    id: id ?? null,
    model: model ?? null,
    embeddings,
    usage: counted.success ? counted.data : null,
    attempts,
  };
}
