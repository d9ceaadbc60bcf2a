import { stringify } from "csv-stringify/sync";
import type { Charge } from "./charges-store.ts";

/**
 * Charges in the columns of FOCUS 1.3 (Cost and Usage), as CSV: each row is what one subject used in a UTC day, or in the part
 * of one that is asked for. Null is an empty field. Where nothing of a row has a known price its costs are null, and the
 * tokens stand in `x_ConsumedTokens` all the same: FOCUS would have a number there, but 0 is not what it cost.
 */
export function focusCsv(charges: readonly Charge[]): string {
  return stringify(charges.map(focusRow), { header: true, columns: [...columns], escape_formulas: true });
}

/** FOCUS's own first, then ours. */
const columns = [
  "BilledCost",
  "BillingAccountId",
  "BillingAccountName",
  "BillingCurrency",
  "BillingPeriodEnd",
  "BillingPeriodStart",
  "ChargeCategory",
  "ChargeClass",
  "ChargeDescription",
  "ChargeFrequency",
  "ChargePeriodEnd",
  "ChargePeriodStart",
  "ConsumedQuantity",
  "ConsumedUnit",
  "ContractedCost",
  "EffectiveCost",
  "HostProviderName",
  "InvoiceIssuerName",
  "ListCost",
  "PricingCategory",
  "PricingCurrency",
  "PricingQuantity",
  "PricingUnit",
  "ProviderName",
  "PublisherName",
  "ServiceCategory",
  "ServiceName",
  "ServiceProviderName",
  "ServiceSubcategory",
  "SkuId",
  "SkuPriceId",
  "SubAccountId",
  "SubAccountName",
  "SubAccountType",
  "Tags",
  "x_Agent",
  "x_Calls",
  "x_CacheReadTokens",
  "x_CacheWriteTokens",
  "x_ConsumedTokens",
  "x_EstimatedCalls",
  "x_InputTokens",
  "x_OutputTokens",
  "x_ReasoningTokens",
  "x_Source",
  "x_UnknownCalls",
  "x_UnpricedCalls",
] as const;

function focusRow(charge: Charge): Record<(typeof columns)[number], string> {
  const isModel = charge.kind === "model";
  const provider = (isModel ? charge.provider : charge.server) ?? "unknown";
  const what = (isModel ? charge.model : charge.tool) ?? "unknown";
  const cost = costOf(charge);
  const month = charge.from.slice(0, 7);
  const tokens =
    charge.input + charge.cache_read + charge.cache_write_short + charge.cache_write_long + charge.output;
  const quantity = String(isModel ? tokens : charge.calls);
  return {
    BilledCost: cost,
    BillingAccountId: provider,
    BillingAccountName: provider,
    BillingCurrency: "USD",
    BillingPeriodEnd: `${nextMonth(month)}-01T00:00:00Z`,
    BillingPeriodStart: `${month}-01T00:00:00Z`,
    ChargeCategory: "Usage",
    ChargeClass: "",
    ChargeDescription: isModel
      ? `Tokens of ${what}${charge.method === null ? "" : ` (${charge.method})`}`
      : `Calls of ${what}`,
    ChargeFrequency: "Usage-Based",
    ChargePeriodEnd: secondsOf(charge.to),
    ChargePeriodStart: secondsOf(charge.from),
    ConsumedQuantity: quantity,
    ConsumedUnit: isModel ? "Tokens" : "Requests",
    ContractedCost: cost,
    EffectiveCost: cost,
    HostProviderName: provider,
    InvoiceIssuerName: provider,
    ListCost: cost,
    PricingCategory: "Standard",
    PricingCurrency: "USD",
    PricingQuantity: quantity,
    PricingUnit: isModel ? "Tokens" : "Requests",
    ProviderName: provider,
    PublisherName: provider,
    ServiceCategory: isModel ? "AI and Machine Learning" : "Integration",
    ServiceName: isModel ? `Models of ${provider}` : `MCP server ${provider}`,
    ServiceProviderName: provider,
    ServiceSubcategory: isModel ? "Generative AI" : "Other (Integration)",
    SkuId: `${provider}/${what}`,
    SkuPriceId: `${provider}/${what}/${charge.method ?? "any"}`,
    SubAccountId: charge.person ?? "",
    SubAccountName: charge.person ?? "",
    SubAccountType: charge.person === null ? "" : "Person",
    Tags: tagsOf(charge),
    x_Agent: charge.agent ?? "",
    x_Calls: String(charge.calls),
    x_CacheReadTokens: String(charge.cache_read),
    x_CacheWriteTokens: String(charge.cache_write_short + charge.cache_write_long),
    x_ConsumedTokens: String(tokens),
    x_EstimatedCalls: String(charge.estimated),
    x_InputTokens: String(charge.input),
    x_OutputTokens: String(charge.output),
    x_ReasoningTokens: String(charge.reasoning),
    x_Source: charge.source,
    x_UnknownCalls: String(charge.unknown),
    x_UnpricedCalls: String(charge.unpriced),
  };
}

/** In dollars, exact and without an exponent; empty where no part of it is known. */
function costOf({ unpriced, unknown, cost_nano_usd: nano }: Charge): string {
  if (nano === 0 && unpriced + unknown > 0) return "";
  const digits = String(Math.abs(nano)).padStart(10, "0");
  const fraction = digits.slice(-9).replace(/0+$/, "");
  return `${nano < 0 ? "-" : ""}${digits.slice(0, -9)}${fraction === "" ? "" : `.${fraction}`}`;
}

/** FOCUS writes times to the second. */
const secondsOf = (at: string): string => at.replace(/\.\d+Z$/, "Z");

function nextMonth(month: string): string {
  const [year = 0, index = 0] = month.split("-").map(Number);
  return new Date(Date.UTC(year, index, 1)).toISOString().slice(0, 7);
}

function tagsOf({ run, phase, pull_request, sprint }: Charge): string {
  const tags = Object.entries({ run, phase, pull_request, sprint }).filter(([, value]) => value != null);
  return tags.length === 0 ? "" : JSON.stringify(Object.fromEntries(tags));
}
