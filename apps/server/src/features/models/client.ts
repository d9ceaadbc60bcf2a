import { type PolicyFile, policyOf, text } from "@ciclo/contract";
import type { LanguageModel, ModelMessage } from "ai";
import type { z } from "zod";
import type { Actor } from "../../domain/actor.ts";
import { Refusal } from "../../errors.ts";
import { newSequentialId } from "../../lib/ids.ts";
import type { Logger } from "../../lib/logger.ts";
import { meteredFetch, type OwnCall, type OwnCallsDeps } from "./own-calls.ts";
import type { Provider } from "./providers.ts";

export type ModelClientDeps = OwnCallsDeps & {
  policies(): ReadonlyMap<string, PolicyFile>;
  logger: Logger;
};

export type Ask<T> = {
  actor: Actor;
  /** Whose route in `policies/cost.yaml` is taken: `assistant`, `analyzer`, `planner`, … */
  phase: string;
  /** The run that it is part of; null where it is part of none. */
  run?: string | null;
  instructions: string;
  prompt: string;
  /** Pictures behind the prompt. */
  images?: readonly { mediaType: string; bytes: Buffer }[];
  /** What the answer has to be. */
  schema: z.ZodType<T>;
  /** The most tokens that it may take; those of a proposal's size where it is left out. */
  maxOutput?: number;
  signal?: AbortSignal;
};

/** How a model is asked in a phase. */
type Route = {
  /** Asked in this order: the next one where one does not answer. */
  models: { provider: string; model: string }[];
  maxTokens: number;
  timeoutMs: number;
  maxCostUsd: number;
};

type Choice = { provider: Provider; model: string; operation: string; maxRetries: number };

/** The most that an answer of a proposal's size takes. */
const mostOutput = 4096;

/** Models for the console's own use: routed, limited and metered by policy, with answers of a fixed shape. */
export class ModelClient {
  readonly #deps: ModelClientDeps;

  constructor(deps: ModelClientDeps) {
    this.#deps = deps;
  }

  /** Whether the configuration names a model for a phase. */
  answers(phase: string): boolean {
    return this.#routeOf(phase) !== null;
  }

  /**
   * Asks the models of a phase, one after the other until one answers. An answer that is not of the shape asked for is sent back
   * once, with what is wrong. Throws a `Refusal`: `not_found` without a model, `budget_exceeded` for what a limit forbids,
   * `upstream_failed` where none answers, or none as it should.
   */
  async ask<T>(asked: Ask<T>): Promise<{ value: T; model: string }> {
    const route = this.#routeOf(asked.phase);
    if (route === null) throw noModel(asked.phase);
    const operation = newSequentialId();
    let last: unknown = null;
    for (const [index, { provider: id, model }] of route.models.entries()) {
      const provider = this.#provider(id);
      try {
        // Where another model may answer, none is asked twice.
        const maxRetries = index === route.models.length - 1 ? 1 : 0;
        return { value: await this.#askOne(asked, route, { provider, model, operation, maxRetries }), model };
      } catch (error) {
        last = refusalIn(error) ?? error;
        // What a limit or policy forbids, it forbids for all.
        if (last instanceof Refusal && last.code !== "upstream_failed") throw last;
        this.#deps.logger.warn(
          { err: error, provider: id, model, phase: asked.phase },
          "a model did not answer",
        );
      }
    }
    throw last instanceof Refusal ? last : unusable(asked.phase, last);
  }

  async #askOne<T>(
    asked: Ask<T>,
    route: Route,
    { provider, model, operation, maxRetries }: Choice,
  ): Promise<T> {
    const { generateText, NoObjectGeneratedError, Output } = await import("ai");
    const own: OwnCall = {
      actor: asked.actor,
      // The agent of a phase is called like it.
      agent: asked.phase,
      phase: asked.phase,
      run: asked.run ?? null,
      operation,
      provider,
      limits: { maxInputTokens: route.maxTokens, maxCostUsd: route.maxCostUsd },
    };
    const languageModel = await languageModelOf(provider, model, meteredFetch(this.#deps, own));
    const ask = async (messages: ModelMessage[]): Promise<T> => {
      const { output } = await generateText({
        model: languageModel,
        instructions: asked.instructions,
        messages,
        output: Output.object({ schema: asked.schema }),
        maxOutputTokens: Math.min(asked.maxOutput ?? mostOutput, route.maxTokens),
        maxRetries,
        abortSignal: AbortSignal.any([
          AbortSignal.timeout(route.timeoutMs),
          ...(asked.signal === undefined ? [] : [asked.signal]),
        ]),
      });
      return output;
    };
    const images = (asked.images ?? []).map(({ mediaType, bytes }) => ({
      type: "file" as const,
      mediaType,
      data: bytes,
    }));
    const prompt: ModelMessage = {
      role: "user",
      content: images.length === 0 ? asked.prompt : [{ type: "text", text: asked.prompt }, ...images],
    };
    try {
      return await ask([prompt]);
    } catch (error) {
      if (!NoObjectGeneratedError.isInstance(error)) throw error;
      return await ask([
        prompt,
        {
          role: "assistant",
          content: error.text === undefined || error.text === "" ? "(nothing)" : error.text,
        },
        {
          role: "user",
          content: `That is not of the shape asked for: ${wrongIn(error)}\nAnswer again, in full.`,
        },
      ]);
    }
  }

  #provider(id: string): Provider {
    const providers = policyOf(this.#deps.policies(), "models")?.providers ?? [];
    const found = providers.find((one) => one.id === id);
    if (found !== undefined) return found;
    throw new Refusal(
      "not_found",
      text(
        `policies/cost.yaml names the provider ${id}, which is not in policies/models.yaml`,
        `policies/cost.yaml nomeia o provedor ${id}, que não está em policies/models.yaml`,
      ),
    );
  }

  #routeOf(phase: string): Route | null {
    const policy = policyOf(this.#deps.policies(), "cost");
    if (policy === null) return null;
    const { defaults, routes = {} } = policy;
    const own = Object.hasOwn(routes, phase) ? routes[phase] : undefined;
    const provider = own?.provider ?? defaults.provider;
    const model = own?.model ?? defaults.model;
    if (provider === undefined || model === undefined) return null;
    return {
      models: [{ provider, model }, ...(own?.fallback ?? defaults.fallback ?? [])],
      maxTokens: own?.max_tokens ?? defaults.max_tokens,
      timeoutMs: 1000 * (own?.timeout_s ?? defaults.timeout_s),
      maxCostUsd: own?.max_cost_usd ?? defaults.max_cost_usd,
    };
  }
}

/** The provider's own SDK, with the console's `fetch`. The key is put in there: none is handed to the SDK. */
async function languageModelOf(
  { id, dialect, url }: Provider,
  model: string,
  metered: typeof fetch,
): Promise<LanguageModel> {
  const base = url.replace(/\/$/, "");
  if (dialect === "anthropic") {
    const { createAnthropic } = await import("@ai-sdk/anthropic");
    return createAnthropic({ baseURL: `${base}/v1`, apiKey: "console", fetch: metered })(model);
  }
  if (dialect === "google") {
    const { createGoogleGenerativeAI } = await import("@ai-sdk/google");
    return createGoogleGenerativeAI({ baseURL: `${base}/v1beta`, apiKey: "console", fetch: metered })(model);
  }
  const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
  return createOpenAICompatible({ name: id, baseURL: base, fetch: metered, supportsStructuredOutputs: true })(
    model,
  );
}

/** What the SDK wraps. */
function refusalIn(error: unknown): Refusal | null {
  let at: unknown = error;
  for (let depth = 0; depth < 5 && at instanceof Error; depth += 1) {
    if (at instanceof Refusal) return at;
    at = "lastError" in at ? at.lastError : at.cause;
  }
  return null;
}

const mostSaid = 2000;
const wrongIn = ({ cause, message }: Error): string =>
  (cause instanceof Error ? cause.message : message).slice(0, mostSaid);

const noModel = (phase: string): Refusal =>
  new Refusal(
    "not_found",
    text(
      `No model is configured for ${phase}: policies/cost.yaml names one by provider and model`,
      `Nenhum modelo está configurado para ${phase}: policies/cost.yaml nomeia um por provider e model`,
    ),
  );

const unusable = (phase: string, error: unknown): Refusal =>
  new Refusal(
    "upstream_failed",
    text(
      `The model for ${phase} gave no usable answer. Try again, or ask an admin to look at policies/cost.yaml`,
      `O modelo de ${phase} não deu uma resposta utilizável. Tente de novo, ou peça a um admin para ver policies/cost.yaml`,
    ),
    { cause: error },
  );
