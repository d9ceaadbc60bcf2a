import { calcPrice } from "@pydantic/genai-prices";
import { type PolicyFile, policyFileSchema } from "@ciclo/contract";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inputOf, type ModelUsage, noTokens, type Tokens, tokenUsage } from "../../domain/tokens.ts";
import { Prices } from "./prices.ts";

const at = new Date("2026-11-27T12:00:00.000Z");
const prices = new Prices(new Map());
const cost = (provider: string, model: string, used: ModelUsage, when = at) =>
  prices.price({ provider, model, at: when, usage: used });
const withRows = (rows: unknown[], more: Record<string, unknown> = {}): Prices => {
  const policy = policyFileSchema.parse({ id: "prices", kind: "prices", title: "Prices", rows, ...more });
  return new Prices(new Map<string, PolicyFile>([["prices", policy]]));
};

const some = fc.nat({ max: 400_000 });

test("the sum is the library's, to a billionth of a dollar, also above its thresholds", () => {
  const models = [
    ["anthropic", "claude-sonnet-4-5"],
    ["anthropic", "claude-opus-5-5"],
    ["anthropic", "claude-opus-4-6"],
    ["openai", "gpt-5.2-codex"],
    ["openai", "gpt-5.2-pro"],
    ["google", "gemini-2.5-pro"],
    ["x-ai", "grok-4.3"],
  ] as const;
  fc.assert(
    fc.property(
      fc.constantFrom(...models),
      fc.record({ input: some, cacheRead: some, cacheWriteShort: some, cacheWriteLong: some, output: some }),
      ([provider, model], counts) => {
        const tokens = { ...noTokens, ...counts };
        const expected = calcPrice(
          {
            input_tokens: inputOf(tokens),
            cache_read_tokens: tokens.cacheRead,
            cache_write_tokens: tokens.cacheWriteShort + tokens.cacheWriteLong,
            cache_write_1h_tokens: tokens.cacheWriteLong,
            output_tokens: tokens.output,
          },
          model,
          { providerId: provider, timestamp: at },
        );
        const { nanoUsd, version } = cost(provider, model, tokenUsage(tokens));
        expect(Math.abs((nanoUsd ?? -1) - (expected?.total_price ?? 0) * 1e9)).toBeLessThanOrEqual(1);
        expect(version).toBe("genai-prices 0.1.8 of 2026-09-23");
      },
    ),
  );
});

describe("the right cents", () => {
  test("cache writes of an hour cost twice the input, those of five minutes a quarter more", () => {
    const million = 1_000_000;
    // At 200,000 tokens and below: claude-opus-5-5 has one price for all sizes.
    const of = (tokens: Partial<Tokens>) => cost("anthropic", "claude-opus-5-5", tokenUsage(tokens)).nanoUsd;
    expect(of({ input: million })).toBe(4e9);
    expect(of({ cacheWriteShort: million })).toBe(5e9);
    expect(of({ cacheWriteLong: million })).toBe(8e9);
    expect(of({ cacheRead: million })).toBe(0.2e9);
  });

  test("a call over 200,000 input tokens costs more as a whole; at 200,000 it does not", () => {
    const of = (tokens: Partial<Tokens>) =>
      cost("anthropic", "claude-sonnet-4-5", tokenUsage(tokens)).nanoUsd;
    expect(of({ input: 200_000 })).toBe(0.6e9);
    expect(of({ input: 300_000 })).toBe(1.8e9);
    expect(of({ input: 100_000, cacheRead: 100_001 })).toBe(Math.round(100_000 * 6000 + 100_001 * 600));
  });

  test("tiers: batch and flex at half where the provider says so, others unpriced", () => {
    const of = (provider: string, model: string, tier: string | null) =>
      cost(provider, model, tokenUsage({ input: 1_000_000 }, { tier })).nanoUsd;
    expect(of("openai", "gpt-5.2", null)).toBe(1.75e9);
    expect(of("openai", "gpt-5.2", "default")).toBe(1.75e9);
    expect(of("openai", "gpt-5.2", "flex")).toBe(0.875e9);
    expect([
      of("openai", "gpt-5.2", "Flex"),
      of("openai", "gpt-5.2", ""),
      of("openai", "gpt-5.2", "STANDARD"),
    ]).toEqual([0.875e9, 1.75e9, 1.75e9]);
    expect(of("anthropic", "claude-opus-5-5", "batch")).toBe(2e9);
    expect(of("openai", "gpt-5.2", "priority")).toBeNull();
    expect(of("anthropic", "claude-opus-5-5", "fast")).toBeNull();
    const own = withRows([
      {
        provider: "openai",
        model: "gpt-5.2",
        from: "2026-01-01",
        tier: "priority",
        usd_per_million: { input: 3.5, output: 28 },
        source: "contract",
      },
    ]);
    const used = tokenUsage({ input: 1_000_000 }, { tier: "priority" });
    expect(own.price({ provider: "openai", model: "gpt-5.2", at, usage: used })).toMatchObject({
      nanoUsd: 3.5e9,
      source: "override",
    });
  });

  test("tokens without a rate are unpriced, not free; a name that begins like another is another model", () => {
    const used = tokenUsage({ input: 1_000_000, output: 1_000_000 });
    for (const [provider, model] of [
      ["mistral", "voxtral-mini-latest"],
      ["mistral", "mistral-ocr-latest"],
      ["openai", "omni-moderation-latest"],
      ["openai", "text-embedding-3-small"],
      ["anthropic", "claude-opus-4-10"],
    ] as const) {
      expect({ model, ...cost(provider, model, used) }).toMatchObject({
        model,
        nanoUsd: null,
        source: "unpriced",
      });
    }
    expect(cost("openai", "text-embedding-3-small", tokenUsage({ input: 1_000_000 })).nanoUsd).toBe(0.02e9);
  });

  test("a name that objects have of themselves is a name like any other", () => {
    const used = (tier: string | null) => tokenUsage({ input: 1 }, { tier });
    for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
      expect(cost(name, "gpt-5.2", used(null)).source).toBe("unpriced");
      expect(cost("openai", name, used(null)).source).toBe("unpriced");
      expect(cost("openai", "gpt-5.2", used(name)).source).toBe("unpriced");
    }
  });

  test("searches are billed by number", () => {
    expect(cost("anthropic", "claude-opus-5-5", tokenUsage({}, { webSearches: 3 })).nanoUsd).toBe(0.03e9);
  });

  test("GLM by the rows that come along, from their day on", () => {
    const used = tokenUsage({ input: 1_000_000, output: 1_000_000 });
    const { version, ...price } = cost("zai", "glm-4.6", used);
    expect(price).toEqual({ nanoUsd: 2.8e9, source: "override" });
    expect(version).toMatch(/^policies\/prices\.yaml zai\/glm-4\.6 2025-09-30 #[0-9a-f]{8}$/);
    expect(cost("zhipu", "glm-4.6", used).nanoUsd).toBe(2.8e9);
    expect(cost("zai", "glm-4.6", used, new Date("2025-09-29T23:59:59Z")).source).toBe("unpriced");
    expect(cost("zai", "glm-5.3", used)).toMatchObject({
      source: "table",
      version: "genai-prices 0.1.8 of 2026-09-23",
    });
  });

  test("a row may name a provider as the console calls it, though prices know it by another name", () => {
    const own = withRows(
      [
        {
          provider: "openai2",
          model: "gpt-5.2",
          from: "2026-01-01",
          usd_per_million: { input: 1000, output: 0 },
          source: "invoice",
        },
      ],
      { providers: { openai2: "openai" } },
    );
    const at = new Date("2026-11-01T00:00:00Z");
    const usage = tokenUsage({ input: 1_000_000 });
    expect(own.price({ provider: "openai2", model: "gpt-5.2", at, usage }).nanoUsd).toBe(1000e9);
    expect(own.price({ provider: "openai", model: "gpt-5.2", at, usage }).source).toBe("table");
  });

  test("no row stands twice", () => {
    const row = {
      provider: "acme",
      model: "m",
      from: "2026-01-01",
      usd_per_million: { input: 1, output: 1 },
      source: "invoice",
    };
    expect(() => withRows([row, { ...row, tier: "Standard" }])).toThrow(
      "a second row of acme/m from 2026-01-01",
    );
    expect(() => withRows([row, { ...row, tier: "priority" }])).not.toThrow();
  });

  test("a row that is corrected in its place has another version", () => {
    const versionAt = (input: number): string | null =>
      withRows([
        {
          provider: "acme",
          model: "m",
          from: "2026-01-01",
          usd_per_million: { input, output: 0 },
          source: "invoice",
        },
      ]).price({
        provider: "acme",
        model: "m",
        at: new Date("2026-02-01T00:00:00Z"),
        usage: tokenUsage({ input: 1 }),
      }).version;
    expect(versionAt(1)).toBe(versionAt(1));
    expect(versionAt(1)).not.toBe(versionAt(2));
  });

  test("the row of the latest day that has come holds", () => {
    const row = (from: string, input: number) => ({
      provider: "acme",
      model: "m",
      from,
      usd_per_million: { input, output: 0 },
      source: "invoice",
    });
    const own = withRows([row("2026-02-01", 2), row("2026-01-01", 1), row("2026-03-01", 3)]);
    const on = (day: string) =>
      own.price({
        provider: "acme",
        model: "m",
        at: new Date(`${day}T00:00:00Z`),
        usage: tokenUsage({ input: 1_000_000 }),
      });
    expect(on("2025-12-31").source).toBe("unpriced");
    expect([on("2026-01-31").nanoUsd, on("2026-02-28").nanoUsd, on("2027-01-01").nanoUsd]).toEqual([
      1e9, 2e9, 3e9,
    ]);
  });
});

describe("what has no known price is unpriced, never free", () => {
  const used = tokenUsage({ input: 1000, output: 10 });
  test.each([
    ["anthropic", "claude-sonnet-4-5-foo"],
    ["anthropic", "claude-sonnet-9"],
    ["openai", "gpt-5.2-turbo"],
    ["x-ai", "grok-4.99"],
    ["zai", "glm-9"],
    ["openai", "openai/gpt-5.2"],
    ["nobody", "claude-sonnet-4-5"],
  ])("%s %s", (provider, model) => {
    expect(cost(provider, model, used)).toMatchObject({ nanoUsd: null, source: "unpriced" });
  });

  test.each([
    ["anthropic", "claude-sonnet-4-5-20250929"],
    ["openai", "gpt-4o-2024-08-06"],
    ["openrouter", "z-ai/glm-4.6"],
    ["x-ai", "grok-4"],
  ])("a dated or full name is the model itself: %s %s", (provider, model) => {
    expect(cost(provider, model, used).source).toBe("table");
  });

  test("grok-4 is not grok-4.3", () => {
    const million = tokenUsage({ input: 100_000 });
    expect(cost("x-ai", "grok-4", million).nanoUsd).toBe(0.3e9);
    expect(cost("x-ai", "grok-4.3", million).nanoUsd).toBe(0.125e9);
  });

  test("a model that the table knows without the rate that is needed, or in another modality", () => {
    expect(cost("openai", "text-embedding-3-small", tokenUsage({ input: 1000 })).source).toBe("table");
    expect(cost("openai", "text-embedding-3-small", used).source).toBe("unpriced");
    expect(cost("openai", "gpt-5.2", tokenUsage({ input: 10 }, { otherModality: 5 })).source).toBe(
      "unpriced",
    );
    expect(prices.price({ provider: null, model: "gpt-5.2", at, usage: used }).source).toBe("unpriced");
    expect(
      prices.price({ provider: "openai", model: "gpt-5.2", at: new Date(NaN), usage: used }).source,
    ).toBe("unpriced");
  });
});
