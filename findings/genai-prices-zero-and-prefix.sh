#!/usr/bin/env bash
# @pydantic/genai-prices 0.1.8 (npm): calcPrice() answers two kinds of question with a price, where "not known" is right.
#   tokens of a kind without a rate   a model whose table row holds only other units (hours of audio, pages) or no rate at
#                                     all costs 0 for any number of tokens; no field of the result says that rates lack
#   a name that begins like another   "claude-opus-4-10" is found as "claude-opus-4-1" and priced with its rates, since the
#                                     row matches everything that begins with that name
# Anyone who holds calls to a budget by total_price lets the first kind through as free, and charges the second by the
# prices of another model. Look at model_price for the rate of each kind of token, and compare model.id with the name.
# Run it anywhere with Node and npm. It fails when the behaviour is no longer as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @pydantic/genai-prices@0.1.8
cat >try.mjs <<'JS'
import { calcPrice } from "@pydantic/genai-prices";

const million = { input_tokens: 1_000_000, output_tokens: 1_000_000 };
for (const [providerId, model] of [
  ["mistral", "voxtral-mini-latest"],
  ["mistral", "mistral-ocr-latest"],
  ["openai", "omni-moderation-latest"],
  ["anthropic", "claude-opus-4-10"],
  ["anthropic", "claude-opus-4-9"],
]) {
  const found = calcPrice(million, model, { providerId, timestamp: new Date("2026-09-01T00:00:00Z") });
  if (found === null) console.log(`${model}: not known`);
  else console.log(`${model}: ${found.total_price} USD as ${found.model.id}, rates ${Object.keys(found.model_price)}`);
}
JS
seen=$(node try.mjs)
printf '%s\n' "$seen"
expected='voxtral-mini-latest: 0 USD as voxtral-mini-2602, rates audio_hours,input_audio_hours
mistral-ocr-latest: 0 USD as mistral-ocr-latest, rates input_document_kpages,input_annotated_document_kpages
omni-moderation-latest: 0 USD as moderation, rates 
claude-opus-4-10: 90 USD as claude-opus-4-1, rates input_mtok,cache_write_mtok,cache_read_mtok,output_mtok,cache_write_1h_mtok,web_searches_kcount
claude-opus-4-9: not known'
[ "$seen" = "$expected" ] || { echo "genai-prices 0.1.8 no longer behaves as described" >&2; exit 1; }
