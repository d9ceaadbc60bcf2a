import type { PriceTable } from "@ciclo/contract";
import { calcPrice, type MatchLogic, type ModelPrice } from "@pydantic/genai-prices";
import { calcPrice as calcPriceBefore } from "genai-prices-0.1.7";
import { fromUsd, type Rate, type Rates } from "./rates.ts";

/** Every table that a configuration may name: one that goes away would price calls otherwise without a plan. */
const tables: Readonly<Record<PriceTable, typeof calcPrice>> = {
  "genai-prices 0.1.7": calcPriceBefore,
  "genai-prices 0.1.8": calcPrice,
};

/**
 * Rates of a model in a version of `@pydantic/genai-prices`, at a time. Null where the table does not know it by that name: a
 * name that only begins like one it knows is another model, unless what follows is a date or a version.
 */
export function tableRates(table: PriceTable, provider: string, model: string, at: Date): Rates | null {
  // The sum is of no interest: the library is asked which prices hold.
  const found = tables[table]({ input_tokens: 1, output_tokens: 0 }, model, {
    providerId: provider,
    timestamp: at,
  });
  if (found === null || !(found.model.id === model || means(found.model.match, model))) return null;
  const price = found.model_price;
  return {
    input: rate(price, "input_mtok"),
    output: rate(price, "output_mtok"),
    cacheRead: rate(price, "cache_read_mtok"),
    cacheWriteShort: rate(price, "cache_write_mtok"),
    cacheWriteLong: rate(price, "cache_write_1h_mtok"),
    reasoning: rate(price, "output_reasoning_mtok"),
    // Of a thousand searches, where the others are of a million tokens.
    webSearch: rate(price, "web_searches_kcount"),
  };
}

function rate(price: ModelPrice, field: string): Rate | null {
  const value = price[field];
  if (value === undefined) return null;
  if (typeof value === "number") return fromUsd(value);
  return {
    ...fromUsd(value.base),
    above: value.tiers.map(({ start, price: usd }) => ({ tokens: start, usd })),
  };
}

/** What may follow a model's name without making it another: dates, versions, `latest`. */
const edition = /^(?:[-@]?(?:\d{8}|\d{4}-\d{2}-\d{2}|latest|v\d+(?::\d+)?))*$/;

/** Whether a model is meant by its name, and not by something that the name begins with. */
function means(match: MatchLogic, model: string): boolean {
  const name = model.toLowerCase();
  if ("or" in match) return match.or.some((one) => means(one, model));
  if ("and" in match) return match.and.every((one) => means(one, model));
  if ("equals" in match) return match.equals.toLowerCase() === name;
  if ("regex" in match) return match.regex.startsWith("^") && new RegExp(match.regex, "i").test(model);
  if ("starts_with" in match) {
    const start = match.starts_with.toLowerCase();
    return name.startsWith(start) && edition.test(name.slice(start.length));
  }
  if ("contains" in match) {
    const [part] = [match.contains.toLowerCase()];
    const from = name.indexOf(part);
    return from === 0 && edition.test(name.slice(part.length));
  }
  return false;
}
