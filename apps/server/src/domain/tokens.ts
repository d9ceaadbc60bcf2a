/**
 * Tokens of one model call. Each token is counted in one place: the sum of all fields but `reasoning` is what the call
 * used. Providers count in other ways (`provider-usage.ts` turns theirs into this).
 */
export type Tokens = {
  /** Of the prompt: neither read from a cache nor written to one. */
  input: number;
  cacheRead: number;
  /** Written to a cache that is kept for minutes (Anthropic: 5; OpenAI: 30). */
  cacheWriteShort: number;
  /** Written to a cache that is kept for an hour (Anthropic) or more. */
  cacheWriteLong: number;
  /** All that the model wrote, what it thought included. */
  output: number;
  /** The part of `output` that it thought. */
  reasoning: number;
};

/** What one attempt of a model used, as its provider reports it. */
export type ModelUsage = {
  tokens: Tokens;
  /** Searches that the provider ran and bills by number. */
  webSearches: number;
  /** Tokens of the call that are audio or images made: they have prices of their own, which are not known here. */
  otherModality: number;
  /** The model that answered where the usage names one of its own; null where it is the answer's. */
  model: string | null;
  /** `standard`, `priority`, `flex`, `batch`, … as the answer says; null where it does not. */
  tier: string | null;
};

export const noTokens: Tokens = {
  input: 0,
  cacheRead: 0,
  cacheWriteShort: 0,
  cacheWriteLong: 0,
  output: 0,
  reasoning: 0,
};

/** Usage of tokens alone, as most sources tell it. */
export const tokenUsage = (
  tokens: Partial<Tokens>,
  more: Partial<Omit<ModelUsage, "tokens">> = {},
): ModelUsage => ({
  tokens: {
    input: tokens.input ?? 0,
    cacheRead: tokens.cacheRead ?? 0,
    cacheWriteShort: tokens.cacheWriteShort ?? 0,
    cacheWriteLong: tokens.cacheWriteLong ?? 0,
    output: tokens.output ?? 0,
    reasoning: tokens.reasoning ?? 0,
  },
  webSearches: more.webSearches ?? 0,
  otherModality: more.otherModality ?? 0,
  model: more.model ?? null,
  tier: more.tier ?? null,
});

/** Tokens that went into the model, from a cache or not. */
export const inputOf = ({ input, cacheRead, cacheWriteShort, cacheWriteLong }: Tokens): number =>
  input + cacheRead + cacheWriteShort + cacheWriteLong;

export const totalOf = (tokens: Tokens): number => inputOf(tokens) + tokens.output;
