import { policyFileSchema, policyOf, type PolicyOf, type PriceRow, text } from "@ciclo/contract";
import { parse } from "yaml";
import { defaultPrices } from "../../domain/default-prices.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import type { DraftRisk } from "./risks.ts";

/** Prices before and after; what is built in holds where a configuration has none. */
export function priceRisks(before: Snapshot, after: Snapshot): DraftRisk[] {
  const [old, next] = [before, after].map(({ policies }) => policyOf(policies, "prices") ?? builtInPrices);
  if (old === undefined || next === undefined || old === next) return [];
  const [rows, now] = [rowsOf(old), rowsOf(next)];
  const gone = [...rows].filter(([name]) => !now.has(name));
  const names = [...new Set([...Object.keys(old.providers), ...Object.keys(next.providers)])].filter(
    (name) => old.providers[name] !== next.providers[name],
  );
  return [
    ...(old.table === next.table ? [] : [otherTable(old.table, next.table)]),
    ...(names.length === 0
      ? []
      : [
          otherNames(
            names.map((name) => `${name}: ${old.providers[name] ?? name} → ${next.providers[name] ?? name}`),
          ),
        ]),
    ...[...now].flatMap(([name, row]) => {
      const was = rows.get(name);
      return was === undefined ? [newPrice(name, row)] : changedPrice(name, was, row);
    }),
    ...gone.map(([name]) => gonePrice(name)),
  ];
}

const builtInPrices = policyFileSchema.parse(parse(defaultPrices)) as PolicyOf<"prices">;

/** Rows by what they price: a model, a tier, and the first day. */
const rowsOf = ({ rows }: PolicyOf<"prices">): Map<string, PriceRow> =>
  new Map(
    rows.map((row) => {
      const { provider, model, tier = "standard", from } = row;
      const named = tier.toLowerCase() === "standard" ? "" : ` (${tier})`;
      return [`${provider}/${model}${named} from ${from}`, row];
    }),
  );

/** What the registry says a call of a tool costs: it counts against budgets. */
export function callPriceRisks(before: Snapshot, after: Snapshot): DraftRisk[] {
  return after.registry.servers.flatMap(({ id, price }) => {
    const old = before.registry.servers.find((server) => server.id === id);
    const [was, now] = [old?.price?.per_call_usd, price?.per_call_usd];
    if (old === undefined || was === undefined || was === now || (now !== undefined && now > was)) return [];
    return [
      {
        title: text(
          `Calls of ${id} cost ${now ?? "nothing that is known"}; was: ${was} USD`,
          `Chamadas de ${id} custam ${now ?? "nada que se saiba"}; antes: ${was} USD`,
        ),
        impact: "high" as const,
        mitigation: checkPrice,
      },
    ];
  });
}

const checkPrice = text(
  "Calls are priced, and held to their budgets, by this from then on. Compare it with its source. Earlier calls keep their prices until somebody asks for a re-price.",
  "A partir daí as chamadas são precificadas, e limitadas pelos orçamentos, por isto. Compare com a fonte. Chamadas anteriores mantêm seus preços até que alguém peça para recalcular.",
);

const otherTable = (was: string, now: string): DraftRisk => ({
  title: text(
    `Prices come from the table ${now}; was: ${was}`,
    `Os preços vêm da tabela ${now}; antes: ${was}`,
  ),
  impact: "medium",
  mitigation: checkPrice,
});

const otherNames = (names: readonly string[]): DraftRisk => ({
  title: text(
    `Prices know providers by other names: ${names.join(", ")}`,
    `Os preços conhecem provedores por outros nomes: ${names.join(", ")}`,
  ),
  impact: "high",
  mitigation: checkPrice,
});

const newPrice = (name: string, row: PriceRow): DraftRisk => ({
  title: text(
    `New price of ${name}: ${ratesIn(row)} (${row.source})`,
    `Novo preço de ${name}: ${ratesIn(row)} (${row.source})`,
  ),
  impact: amountsIn(row).some(([, usd]) => usd === 0) ? "high" : "medium",
  mitigation: checkPrice,
});

/** Rates of a row with those of its steps, each by where it holds and what it is of. */
const amountsIn = ({ usd_per_million, above = [] }: PriceRow): [string, number][] => [
  ...Object.entries(usd_per_million),
  ...above.flatMap(({ input_tokens, usd_per_million: rates }) =>
    Object.entries(rates).map(([kind, usd]): [string, number] => [`${kind} over ${input_tokens}`, usd]),
  ),
];

const ratesIn = (row: PriceRow): string =>
  amountsIn(row)
    .map(([kind, usd]) => `${kind} ${usd}`)
    .join(", ");

/** A price that falls lets more calls through a budget. */
function changedPrice(name: string, was: PriceRow, now: PriceRow): DraftRisk[] {
  const [old, next] = [ratesIn(was), ratesIn(now)];
  if (old === next) return [];
  const rates = new Map(amountsIn(now));
  const base = now.usd_per_million;
  const falls = amountsIn(was).some(([kind, usd]) => (rates.get(kind) ?? 0) < usd);
  // A step may be lower than what held for such calls without it.
  const undercuts = (now.above ?? []).some(({ usd_per_million: step }) =>
    Object.entries(step).some(([kind, usd]) => usd < (base[kind as keyof typeof base] ?? 0)),
  );
  return [
    {
      title: text(`Price of ${name}: ${old} → ${next}`, `Preço de ${name}: ${old} → ${next}`),
      impact: falls || undercuts ? "high" : "medium",
      mitigation: checkPrice,
    },
  ];
}

const gonePrice = (name: string): DraftRisk => ({
  title: text(`No price of its own any more: ${name}`, `Deixa de ter preço próprio: ${name}`),
  impact: "medium",
  mitigation: text(
    "The table prices it then, or its calls stand without a price, which no budget in dollars holds back.",
    "A tabela passa a precificá-lo, ou suas chamadas ficam sem preço, e nenhum orçamento em dólares as contém.",
  ),
});
