import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anthropicUsage, googleUsage, openaiUsage, UsageError } from "./provider-usage.ts";
import { inputOf, noTokens, totalOf } from "./tokens.ts";

const some = fc.nat({ max: 200_000 });

describe("one canonical form", () => {
  test("Anthropic: input leaves out caches, which keep their two lengths apart", () => {
    fc.assert(
      fc.property(some, some, some, some, some, (input, read, short, long, output) => {
        const [usage] =
          anthropicUsage({
            input_tokens: input,
            cache_read_input_tokens: read,
            cache_creation_input_tokens: short + long,
            cache_creation: { ephemeral_5m_input_tokens: short, ephemeral_1h_input_tokens: long },
            output_tokens: output,
          }) ?? [];
        expect(usage?.tokens).toEqual({
          input,
          cacheRead: read,
          cacheWriteShort: short,
          cacheWriteLong: long,
          output,
          reasoning: 0,
        });
        expect(totalOf(usage?.tokens ?? noTokens)).toBe(input + read + short + long + output);
      }),
    );
  });

  test("OpenAI and Gemini: input includes what was cached, and the sum of the parts is the total they state", () => {
    fc.assert(
      fc.property(some, some, some, some, (fresh, cached, text, reasoning) => {
        const output = text + reasoning;
        const total = fresh + cached + output;
        const chat = openaiUsage({
          prompt_tokens: fresh + cached,
          prompt_tokens_details: { cached_tokens: cached },
          completion_tokens: output,
          completion_tokens_details: { reasoning_tokens: reasoning },
          total_tokens: total,
        });
        const responses = openaiUsage({
          input_tokens: fresh + cached,
          input_tokens_details: { cached_tokens: cached },
          output_tokens: output,
          output_tokens_details: { reasoning_tokens: reasoning },
          total_tokens: total,
        });
        const gemini = googleUsage({
          promptTokenCount: fresh + cached,
          cachedContentTokenCount: cached,
          candidatesTokenCount: text,
          thoughtsTokenCount: reasoning,
          totalTokenCount: total,
        });
        const tokens = { ...noTokens, input: fresh, cacheRead: cached, output, reasoning };
        for (const [usage] of [chat ?? [], responses ?? [], gemini ?? []]) {
          expect(usage?.tokens).toEqual(tokens);
          expect(totalOf(usage?.tokens ?? noTokens)).toBe(total);
        }
      }),
    );
  });

  test("reasoning beside the output (xAI) and within the candidates (Qwen's logs) is told by the total", () => {
    const beside = openaiUsage({
      prompt_tokens: 100,
      completion_tokens: 20,
      completion_tokens_details: { reasoning_tokens: 30 },
      total_tokens: 150,
    });
    expect(beside?.[0]?.tokens).toMatchObject({ output: 50, reasoning: 30 });
    const within = googleUsage({
      promptTokenCount: 1390,
      candidatesTokenCount: 85,
      thoughtsTokenCount: 15,
      totalTokenCount: 1475,
      cachedContentTokenCount: 355,
    });
    expect(within?.[0]?.tokens).toMatchObject({ input: 1035, cacheRead: 355, output: 85, reasoning: 15 });
  });

  test("a sum of cache writes without its parts is of five minutes; OpenAI's are part of its input", () => {
    expect(
      anthropicUsage({ input_tokens: 1, cache_creation_input_tokens: 40, output_tokens: 1 })?.[0]?.tokens,
    ).toMatchObject({ cacheWriteShort: 40, cacheWriteLong: 0 });
    expect(
      openaiUsage({
        input_tokens: 100,
        input_tokens_details: { cached_tokens: 10, cache_write_tokens: 30 },
        output_tokens: 5,
      })?.[0]?.tokens,
    ).toMatchObject({ input: 60, cacheRead: 10, cacheWriteShort: 30 });
  });
});

describe("several billed attempts in one answer", () => {
  test("a fallback: an entry an attempt, each with its own model", () => {
    const attempts = anthropicUsage({
      input_tokens: 300,
      output_tokens: 60,
      iterations: [
        { type: "message", model: "claude-opus-5-5", input_tokens: 100, output_tokens: 10 },
        { type: "fallback_message", model: "claude-sonnet-4-5", input_tokens: 200, output_tokens: 50 },
      ],
    });
    expect(attempts?.map(({ model, tokens }) => [model, tokens.input, tokens.output])).toEqual([
      ["claude-opus-5-5", 100, 10],
      ["claude-sonnet-4-5", 200, 50],
    ]);
  });

  test("compaction, which the sum leaves out, is added", () => {
    const attempts = anthropicUsage({
      input_tokens: 23_000,
      output_tokens: 1000,
      iterations: [
        { type: "compaction", input_tokens: 180_000, output_tokens: 3500 },
        { type: "message", input_tokens: 23_000, output_tokens: 1000 },
      ],
    });
    expect(attempts?.reduce((sum, { tokens }) => sum + inputOf(tokens), 0)).toBe(203_000);
    expect(attempts).toHaveLength(2);
  });

  test("attempts that do not come to the sum do not take its place", () => {
    const attempts = anthropicUsage({
      input_tokens: 500,
      output_tokens: 5,
      server_tool_use: { web_search_requests: 3 },
      iterations: [{ type: "message", input_tokens: 20, output_tokens: 5 }],
    });
    expect(attempts).toMatchObject([{ tokens: { input: 500, output: 5 }, webSearches: 3 }]);
  });
});

describe("presence decides, and what cannot be right is refused", () => {
  test("no usage is null, an explicit zero is zero", () => {
    for (const read of [anthropicUsage, openaiUsage, googleUsage]) {
      expect(read(undefined)).toBeNull();
      expect(read(null)).toBeNull();
    }
    expect(openaiUsage({ prompt_tokens: 0, completion_tokens: 0 })?.[0]?.tokens).toEqual(noTokens);
  });

  test.each([[-1], [1.5], [Number.NaN], [Infinity], [1e12], ["12"], [true], [[]], [{}]])(
    "%p is no count of tokens",
    (value) => {
      expect(() => anthropicUsage({ input_tokens: value, output_tokens: 1 })).toThrow(UsageError);
      expect(() => openaiUsage({ prompt_tokens: 1, completion_tokens: value })).toThrow(UsageError);
      expect(() => googleUsage({ promptTokenCount: value })).toThrow(UsageError);
    },
  );

  test("parts that are more than their whole are refused", () => {
    expect(() =>
      openaiUsage({
        prompt_tokens: 10,
        prompt_tokens_details: { cached_tokens: 11 },
        completion_tokens: 1,
      }),
    ).toThrow(/more than/);
    expect(() =>
      anthropicUsage({ input_tokens: 1, output_tokens: 1, output_tokens_details: { thinking_tokens: 2 } }),
    ).toThrow(/more than/);
    expect(() => openaiUsage("12")).toThrow(UsageError);
  });

  test("the tier is the answer's", () => {
    expect(openaiUsage({ prompt_tokens: 1, completion_tokens: 1 }, "flex")?.[0]?.tier).toBe("flex");
    expect(anthropicUsage({ input_tokens: 1, output_tokens: 1, service_tier: "batch" })?.[0]?.tier).toBe(
      "batch",
    );
    expect(anthropicUsage({ input_tokens: 1, output_tokens: 1, speed: "fast" })?.[0]?.tier).toBe("fast");
    expect(googleUsage({ promptTokenCount: 1, trafficType: "ON_DEMAND_PRIORITY" })?.[0]?.tier).toBe(
      "priority",
    );
  });
});
