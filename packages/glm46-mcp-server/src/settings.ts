import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

/** What one call may take: tokens of input, seconds, US dollars. */
export type Limits = { maxTokens: number; timeoutS: number; maxCostUsd: number };

export type Settings = {
  apiKey: string | null;
  model: string;
  embeddingModel: string;
  chatUrl: string;
  embeddingUrl: string;
  logDir: string;
  /** US dollars for a thousand tokens; null where nobody says. */
  prices: { input: number | null; output: number | null; embedding: number | null };
  retryMax: number;
  /** A `tokenizer.json` as Hugging Face has them; null where tokens are estimated. */
  tokenizerJson: string | null;
  /** Limits of a route, or of calls without one. */
  limitsOf(route: string | null): Limits;
};

/** A setting that cannot be used. The message is one line that names it. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

const builtIn: Limits = { maxTokens: 16_000, timeoutS: 60, maxCostUsd: 0.5 };

/** A day: timers of Node.js end at 24.8 days. */
const longestS = 86_400;

const limitsSchema = z.looseObject({
  MAX_TOKENS: z.number().int().positive().optional(),
  TIMEOUT_S: z.number().positive().max(longestS).optional(),
  MAX_COST_USD: z.number().nonnegative().optional(),
});
const policySchema = z.looseObject({
  defaults: limitsSchema.optional(),
  routes: z.record(z.string(), limitsSchema).optional(),
});
type CostPolicy = z.infer<typeof policySchema>;

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the settings. Throws a `SettingsError`. */
export function readSettings(environment: Environment): Settings {
  const text = (name: string): string | null => {
    const value = environment[name];
    return value === undefined || value === "" ? null : value;
  };
  const number = (name: string): number | null => {
    const value = text(name);
    if (value === null) return null;
    const parsed = Number(value);
    if (!Number.isFinite(parsed) || parsed < 0)
      throw new SettingsError(`${name} takes a number that is not negative, not ${value}`);
    return parsed;
  };
  const timeout = (): number | null => {
    const value = number("TIMEOUT_S");
    if (value !== null && (value === 0 || value > longestS))
      throw new SettingsError(`TIMEOUT_S takes seconds above 0 and up to ${longestS}, not ${value}`);
    return value;
  };
  const own = {
    maxTokens: number("MAX_TOKENS"),
    timeoutS: timeout(),
    maxCostUsd: number("MAX_COST_USD"),
  };
  const policy = readPolicy(text("MCP_COST_POLICY_FILE"));
  return {
    apiKey: text("ZHIPU_API_KEY"),
    model: text("GLM46_MODEL") ?? "glm-4.6",
    embeddingModel: text("GLM46_EMBEDDING_MODEL") ?? "embedding-3",
    chatUrl: text("GLM46_CHAT_URL") ?? "https://api.z.ai/api/paas/v4/chat/completions",
    embeddingUrl: text("GLM46_EMBEDDING_URL") ?? "https://api.z.ai/api/paas/v4/embeddings",
    logDir: text("GLM46_LOG_DIR") ?? join(homedir(), ".mcp", "logs", "glm46"),
    prices: {
      input: number("GLM46_PRICE_INPUT_PER_1K"),
      output: number("GLM46_PRICE_OUTPUT_PER_1K"),
      embedding: number("GLM46_PRICE_EMBEDDING_PER_1K"),
    },
    retryMax: number("RETRY_MAX") ?? 2,
    tokenizerJson: text("GLM46_TOKENIZER_JSON"),
    limitsOf(route) {
      const routed = route === null ? undefined : policy.routes?.[route];
      const { defaults } = policy;
      return {
        maxTokens: own.maxTokens ?? routed?.MAX_TOKENS ?? defaults?.MAX_TOKENS ?? builtIn.maxTokens,
        timeoutS: own.timeoutS ?? routed?.TIMEOUT_S ?? defaults?.TIMEOUT_S ?? builtIn.timeoutS,
        maxCostUsd: own.maxCostUsd ?? routed?.MAX_COST_USD ?? defaults?.MAX_COST_USD ?? builtIn.maxCostUsd,
      };
    },
  };
}

/** The cost policy; an empty one where none was named and none is there. */
function readPolicy(named: string | null): CostPolicy {
  const path = named ?? join(homedir(), ".mcp", "cost-policy.json");
  let source: string;
  try {
    source = readFileSync(path, "utf8");
  } catch (error) {
    if (named === null && (error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new SettingsError(`MCP_COST_POLICY_FILE: ${path} cannot be read`);
  }
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    // Guard-rails that cannot be read hold nothing back: better not to start.
    throw new SettingsError(`${path} is no JSON`);
  }
  const parsed = policySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new SettingsError(`${path}: ${issue?.path.join(".")}: ${issue?.message}`);
}
