import { McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { costOf, denialOf } from "./guard.ts";
import type { Settings } from "./settings.ts";
import { type TelemetryLine, writeTelemetry } from "./telemetry.ts";
import { type Counter, countMessages, type Message } from "./tokens.ts";
import { chat, embed, UpstreamError, type Usage } from "./upstream.ts";

export const name = "glm46-mcp-server";
export const version = "0.1.0";

const attribution = {
  route: z
    .string()
    .max(200)
    .optional()
    .describe("Names the limits of the cost policy that hold for this call"),
  experiment_cohort: z.string().max(200).optional(),
  experiment_tag: z.string().max(200).optional(),
};
type Attribution = {
  route?: string | undefined;
  experiment_cohort?: string | undefined;
  experiment_tag?: string | undefined;
};

const messagesSchema = z
  .array(z.object({ role: z.enum(["system", "user", "assistant"]), content: z.string() }))
  .min(1)
  .describe("The conversation so far, the oldest message first");

/** Whether the model's API said what was used; if not, how the server counted. */
const usageSource = z.enum(["provider", "heuristic", "tokenizer"]);

/** Where a caller's gateway says which of its calls this is, so that it is counted once. */
const callIdField = "io.ciclo/call-id";

/** Unless a caller says how much the model may write. */
const outputUnlessSaid = 1024;

type Ending = { tokensIn: number; tokensOut: number; cost: number | null; metadata: Record<string, unknown> };
type Result = {
  content: { type: "text"; text: string }[];
  isError?: boolean;
  structuredContent?: Record<string, unknown>;
};
type Context = { mcpReq: { signal: AbortSignal; _meta?: Record<string, unknown> | undefined } };

/** The server with its three tools. */
export function createServer(settings: Settings, counter: Counter): McpServer {
  const server = new McpServer({ name, version });
  registerChat(server, settings, counter);
  registerEmbedding(server, settings, counter);
  server.registerTool(
    "glm46.token_count",
    {
      title: "Count tokens",
      description:
        "Counts the tokens of a text or of messages. Says whether it counted with the model's tokenizer or estimated.",
      inputSchema: z.object({
        text: z.string().optional(),
        messages: messagesSchema.optional(),
        ...attribution,
      }),
      outputSchema: z.object({ tokens: z.number(), method: z.enum(["heuristic", "tokenizer"]) }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ text, messages, ...of }, context) => {
      const call = begin({ settings, method: counter.method }, "glm46.token_count", of, context);
      if ((text === undefined) === (messages === undefined)) return failed("Give either text or messages");
      const tokens = text === undefined ? countMessages(counter, messages ?? []) : counter.count(text);
      call.end("success", { tokensIn: tokens, tokensOut: 0, cost: 0, metadata: { method: counter.method } });
      return structured({ tokens, method: counter.method });
    },
  );
  return server;
}

function registerChat(server: McpServer, settings: Settings, counter: Counter): void {
  server.registerTool(
    "glm46.chat",
    {
      title: "Chat",
      description:
        "Asks the model. Refused before it is sent where the input or what it may cost is over the limits.",
      inputSchema: z.object({
        messages: messagesSchema,
        model: z.string().max(200).optional(),
        max_tokens: z
          .int()
          .positive()
          .optional()
          .describe(`The most that the model may write; ${outputUnlessSaid} when left out`),
        temperature: z.number().min(0).max(2).optional(),
        ...attribution,
      }),
      outputSchema: z.object({
        content: z.string(),
        model: z.string().nullable(),
        finish_reason: z.string().nullable(),
        usage: z.record(z.string(), z.unknown()),
        usage_source: usageSource,
        cost_estimated_usd: z.number().nullable(),
      }),
      annotations: { readOnlyHint: true, openWorldHint: true },
    },
    (asked, context) => answerChat(settings, counter, asked, context),
  );
}

type ChatRequest = Attribution & {
  messages: Message[];
  model?: string | undefined;
  max_tokens?: number | undefined;
  temperature?: number | undefined;
};

async function answerChat(
  settings: Settings,
  counter: Counter,
  { messages, model = settings.model, max_tokens = outputUnlessSaid, temperature, ...of }: ChatRequest,
  context: Context,
): Promise<Result> {
  const call = begin({ settings, method: counter.method }, "glm46.chat", of, context);
  const input = countMessages(counter, messages);
  const refused = refusal(settings, counter, of, call, {
    input,
    cost: costOf(settings.prices, { input, output: max_tokens }),
  });
  if (refused !== null) return refused;
  let written = "";
  try {
    const answer = await chat(
      {
        url: settings.chatUrl,
        apiKey: settings.apiKey ?? "",
        retryMax: settings.retryMax,
        signal: call.signal,
        body: {
          model,
          messages,
          max_tokens,
          ...(temperature === undefined ? {} : { temperature }),
        },
      },
      (text) => {
        written += text;
      },
    );
    const estimated: Usage = { prompt_tokens: input, completion_tokens: counter.count(answer.content) };
    const usage = withTotal(answer.usage ?? estimated);
    const source = answer.usage === null ? counter.method : "provider";
    const cost = costOf(settings.prices, { input: usage.prompt_tokens, output: usage.completion_tokens });
    call.end("success", {
      tokensIn: usage.prompt_tokens,
      tokensOut: usage.completion_tokens,
      cost,
      metadata: {
        usage,
        usage_source: source,
        model: answer.model ?? model,
        ...(answer.id === null ? {} : { response_id: answer.id }),
      },
    });
    return structured(
      {
        content: answer.content,
        model: answer.model,
        finish_reason: answer.finishReason,
        usage,
        usage_source: source,
        cost_estimated_usd: cost,
      },
      answer.content,
    );
  } catch (error) {
    return call.fail(error, { tokensIn: input, tokensOut: counter.count(written), model });
  }
}

function registerEmbedding(server: McpServer, settings: Settings, counter: Counter): void {
  server.registerTool(
    "glm46.embedding",
    {
      title: "Embedding",
      description:
        "Turns texts into vectors. Refused before it is sent where the input or what it may cost is over the limits.",
      inputSchema: z.object({
        input: z.union([z.string(), z.array(z.string()).min(1).max(256)]),
        model: z.string().max(200).optional(),
        ...attribution,
      }),
      outputSchema: z.object({
        embeddings: z.array(z.array(z.number())),
        model: z.string().nullable(),
        usage: z.record(z.string(), z.unknown()),
        usage_source: usageSource,
        cost_estimated_usd: z.number().nullable(),
      }),
      annotations: { readOnlyHint: true, openWorldHint: true },
    },
    async ({ input: texts, model = settings.embeddingModel, ...of }, context) => {
      const call = begin({ settings, method: counter.method }, "glm46.embedding", of, context);
      const input = [texts].flat().reduce((sum, text) => sum + counter.count(text), 0);
      const refused = refusal(settings, counter, of, call, {
        input,
        cost: costOf(settings.prices, { embedding: input }),
      });
      if (refused !== null) return refused;
      try {
        const answer = await embed({
          url: settings.embeddingUrl,
          apiKey: settings.apiKey ?? "",
          retryMax: settings.retryMax,
          signal: call.signal,
          body: { model, input: texts },
        });
        const usage = withTotal(answer.usage ?? { prompt_tokens: input, completion_tokens: 0 });
        const source = answer.usage === null ? counter.method : "provider";
        const cost = costOf(settings.prices, { embedding: usage.prompt_tokens });
        call.end("success", {
          tokensIn: usage.prompt_tokens,
          tokensOut: 0,
          cost,
          metadata: {
            usage,
            usage_source: source,
            model: answer.model ?? model,
            ...(answer.id === null ? {} : { response_id: answer.id }),
          },
        });
        const { embeddings } = answer;
        return structured(
          { embeddings, model: answer.model, usage, usage_source: source, cost_estimated_usd: cost },
          `${embeddings.length} vectors of ${embeddings[0]?.length ?? 0} numbers`,
        );
      } catch (error) {
        return call.fail(error, { tokensIn: input, tokensOut: 0, model });
      }
    },
  );
}

/** A call from its beginning to its line of telemetry. */
function begin(
  { settings, method }: { settings: Settings; method: Counter["method"] },
  tool: string,
  of: Attribution,
  { mcpReq }: Context,
) {
  const startedAt = performance.now();
  const route = of.route ?? null;
  const { timeoutS } = settings.limitsOf(route);
  const timeout = AbortSignal.timeout(Math.ceil(timeoutS * 1000));
  const callId = mcpReq._meta?.[callIdField];
  const end = (status: TelemetryLine["status"], { tokensIn, tokensOut, cost, metadata }: Ending): void =>
    writeTelemetry(settings.logDir, {
      ts: new Date().toISOString(),
      route,
      tool,
      tokens_in: tokensIn,
      tokens_out: tokensOut,
      duration_ms: Math.round(performance.now() - startedAt),
      status,
      cost_estimated_usd: cost,
      metadata: typeof callId === "string" ? { ...metadata, call_id: callId } : metadata,
      ...(of.experiment_cohort === undefined ? {} : { experiment_cohort: of.experiment_cohort }),
      ...(of.experiment_tag === undefined ? {} : { experiment_tag: of.experiment_tag }),
    });
  return {
    signal: AbortSignal.any([mcpReq.signal, timeout]),
    end,
    fail(
      error: unknown,
      { tokensIn, tokensOut, model }: { tokensIn: number; tokensOut: number; model: string },
    ): Result {
      const [reason, message] = explained(error, {
        isLate: timeout.aborted,
        isCancelled: mcpReq.signal.aborted,
        timeoutS,
      });
      // Whether it was billed nobody says: what is known is what was asked, and what came.
      end("error", { tokensIn, tokensOut, cost: null, metadata: { reason, model, usage_source: method } });
      return failed(message);
    },
  };
}

function explained(
  error: unknown,
  { isLate, isCancelled, timeoutS }: { isLate: boolean; isCancelled: boolean; timeoutS: number },
): [reason: string, message: string] {
  if (isCancelled) return ["CANCELLED", "The caller cancelled the call"];
  if (isLate) return ["TIMEOUT", `TIMEOUT: no whole answer within TIMEOUT_S (${timeoutS} s)`];
  if (error instanceof UpstreamError)
    return [error.status === null ? "UPSTREAM" : `HTTP_${error.status}`, error.message];
  if (error instanceof TypeError)
    return ["UNREACHABLE", "The model's API cannot be reached. Check GLM46_CHAT_URL and the network"];
  if (error instanceof SyntaxError)
    return ["UPSTREAM", "The model's API answered with something that is no JSON"];
  throw error;
}

/** Refuses a call before it is made; null where it may be. */
function refusal(
  settings: Settings,
  counter: Counter,
  { route }: Attribution,
  call: ReturnType<typeof begin>,
  { input, cost }: { input: number; cost: number | null },
): Result | null {
  const denial = denialOf(settings.limitsOf(route ?? null), input, cost);
  if (denial !== null) {
    const { reason, limit, message } = denial;
    call.end("denied", {
      tokensIn: input,
      tokensOut: 0,
      cost,
      metadata: { reason, limit, counted_by: counter.method },
    });
    return failed(message);
  }
  if (settings.apiKey !== null) return null;
  call.end("error", { tokensIn: input, tokensOut: 0, cost: null, metadata: { reason: "NO_KEY" } });
  return failed("ZHIPU_API_KEY is not set: the server cannot call the model");
}

const withTotal = (usage: Usage): Usage & { total_tokens: number } => ({
  ...usage,
  total_tokens: usage.total_tokens ?? usage.prompt_tokens + usage.completion_tokens,
});

const structured = (value: Record<string, unknown>, text = JSON.stringify(value)): Result => ({
  content: [{ type: "text", text }],
  structuredContent: value,
});

const failed = (message: string): Result => ({ content: [{ type: "text", text: message }], isError: true });
