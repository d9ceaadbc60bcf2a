import {
  type PolicyFile,
  type PolicyOf,
  policyFileSchema,
  policyOf,
  type PriceRow,
  priceTables,
} from "@ciclo/contract";
import { parse } from "yaml";
import type { ModelUsage } from "../../domain/tokens.ts";
import { sha256 } from "../../lib/crypto.ts";
import { defaultPrices } from "../../domain/default-prices.ts";
import { costAt, type NanoUsd, type Rates, rowRates } from "./rates.ts";
import { tableRates } from "./table-rates.ts";

type PricePolicy = PolicyOf<"prices">;

export type PriceQuestion = {
  /** Null where it is not known. */
  provider: string | null;
  model: string | null;
  at: Date;
  usage: ModelUsage;
};

/** What a call costs, and by which price. */
export type Price =
  | { nanoUsd: NanoUsd; source: "table" | "override"; version: string }
  | { nanoUsd: null; source: "unpriced"; version: string };

/** Tiers that providers bill at half of the standard price, as they state it themselves. */
const halfPrice: ReadonlyMap<string, readonly string[]> = new Map([
  ["batch", ["anthropic", "openai", "google"]],
  ["flex", ["openai", "google"]],
]);
const standardTiers: ReadonlySet<string> = new Set(["standard", "default", "auto", "standard_only"]);

const tierOf = ({ tier }: ModelUsage): string => (tier ?? "").toLowerCase() || "standard";

/** Prices by provider, model and minute: the library takes 60 µs to find one. */
const maxKept = 5000;

/** Prices as the configuration has them: rows of `policies/prices.yaml` before the table that it names. */
export class Prices {
  readonly #policy: PricePolicy;
  /** The table by name and date, as it stands on each row. */
  readonly #tableVersion: string;
  /** Names come from outside: `constructor` is one like any other. */
  readonly #providers: ReadonlyMap<string, string>;
  readonly #rows = new Map<string, PriceRow[]>();
  readonly #known = new Map<string, { rates: Rates; source: "table" | "override"; version: string } | null>();

  constructor(policies: ReadonlyMap<string, PolicyFile>) {
    this.#policy = policyOf(policies, "prices") ?? builtIn;
    const { table } = this.#policy;
    this.#tableVersion = `${table} of ${priceTables[table]}`;
    const named = (policyOf(policies, "models")?.providers ?? []).flatMap(({ id, prices }) =>
      prices === undefined ? [] : [[id, prices] as const],
    );
    this.#providers = new Map([...named, ...Object.entries(this.#policy.providers)]);
    for (const row of this.#policy.rows) {
      const key = `${row.provider} ${row.model}`;
      this.#rows.set(key, [...(this.#rows.get(key) ?? []), row]);
    }
  }

  /** The name by which prices know a provider. */
  providerOf(name: string): string {
    return this.#providers.get(name) ?? name;
  }

  price({ provider, model, at, usage }: PriceQuestion): Price {
    const unpriced = { nanoUsd: null, source: "unpriced", version: this.#tableVersion } as const;
    if (provider === null || model === null || Number.isNaN(at.getTime())) return unpriced;
    // A row may name a provider as the console calls it, or as prices do.
    const names = new Set([provider, this.providerOf(provider)]);
    const known = this.#find([...names], model, at, tierOf(usage));
    if (known === null) return unpriced;
    const cost = costAt(known.rates, usage);
    return cost === null ? unpriced : { nanoUsd: cost, source: known.source, version: known.version };
  }

  #find(names: readonly string[], model: string, at: Date, tier: string) {
    const provider = names.at(-1) ?? "";
    const key = `${names.join(" ")} ${model} ${tier} ${Math.floor(at.getTime() / 60_000)}`;
    const before = this.#known.get(key);
    if (before !== undefined) return before;
    if (this.#known.size >= maxKept) this.#known.clear();
    const row = names.map((name) => this.#row(name, model, at, tier)).find((one) => one !== null);
    const found = row ?? this.#table(provider, model, at, tier);
    this.#known.set(key, found);
    return found;
  }

  /** The latest row that holds on the day of the call. */
  #row(provider: string, model: string, at: Date, tier: string) {
    const day = at.toISOString().slice(0, 10);
    const wanted = standardTiers.has(tier) ? "standard" : tier;
    const [row] = (this.#rows.get(`${provider} ${model}`) ?? [])
      .filter((one) => (one.tier ?? "standard").toLowerCase() === wanted && one.from <= day)
      .toSorted((a, b) => (a.from < b.from ? 1 : -1));
    if (row === undefined) return null;
    // Rows may be corrected in their place: each wording is a version of its own.
    const wording = sha256(JSON.stringify(row)).slice(0, 8);
    const version = `policies/prices.yaml ${provider}/${model} ${row.from} #${wording}`;
    return { rates: rowRates(row), source: "override" as const, version };
  }

  #table(provider: string, model: string, at: Date, tier: string) {
    const share = standardTiers.has(tier) ? 1 : halfPrice.get(tier)?.includes(provider) === true ? 0.5 : null;
    if (share === null) return null;
    const rates = tableRates(this.#policy.table, provider, model, at);
    if (rates === null) return null;
    return { rates: scaled(rates, share), source: "table" as const, version: this.#tableVersion };
  }
}

/** Token prices times a factor; searches cost the same in every tier. */
function scaled(rates: Rates, share: number): Rates {
  if (share === 1) return rates;
  const entries = Object.entries(rates).map(([field, rate]) => [
    field,
    rate === null || field === "webSearch"
      ? rate
      : { usd: rate.usd * share, above: rate.above.map((step) => ({ ...step, usd: step.usd * share })) },
  ]);
  return Object.fromEntries(entries) as Rates;
}

const builtIn = policyFileSchema.parse(parse(defaultPrices)) as PricePolicy;
