import { readFileSync } from "node:fs";
import { Tokenizer } from "@huggingface/tokenizers";
import { SettingsError } from "./settings.ts";

export type Counter = {
  /** How tokens are counted, as answers name it. */
  method: "heuristic" | "tokenizer";
  count(text: string): number;
};

/** About four bytes of text are a token. */
export const heuristic: Counter = {
  method: "heuristic",
  count: (text) => Math.ceil(Buffer.byteLength(text) / 4),
};

/** Counts by the tokenizer of a `tokenizer.json`, or, where none is named, by the heuristic. Throws a `SettingsError`. */
export function counterOf(tokenizerJson: string | null): Counter {
  if (tokenizerJson === null) return heuristic;
  try {
    const tokenizer = new Tokenizer(JSON.parse(readFileSync(tokenizerJson, "utf8")) as object, {});
    // One that cannot count would be found out by the first call.
    tokenizer.encode("a");
    return {
      method: "tokenizer",
      count: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids.length,
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : "it cannot be used";
    throw new SettingsError(`GLM46_TOKENIZER_JSON: ${tokenizerJson}: ${why}`);
  }
}

export type Message = { role: string; content: string };

/** What a message takes beside its text. */
const aroundMessage = 4;

export const countMessages = (counter: Counter, messages: readonly Message[]): number =>
  messages.reduce(
    (sum, { role, content }) => sum + counter.count(role) + counter.count(content) + aroundMessage,
    0,
  );
