import { policyOf, type PolicyOf, type PriceRow, text } from "@ciclo/contract";
import type { Snapshot } from "../../domain/snapshot.ts";
import type { DraftRisk } from "./risks.ts";

/** What a change makes of models, of their prices, and of who is told what. Pure. */
export const usageRisks = (before: Snapshot, after: Snapshot): DraftRisk[] => [
  ...providerRisks(policyOf(before.policies, "models"), policyOf(after.policies, "models")),
  ...priceRisks(policyOf(before.policies, "prices"), policyOf(after.policies, "prices")),
  ...webhookRisks(policyOf(before.policies, "notify"), policyOf(after.policies, "notify")),
];

type Provider = PolicyOf<"models">["providers"][number];

/** Where prompts go, which hold what people and agents write. */
function providerRisks(old: PolicyOf<"models"> | null, next: PolicyOf<"models"> | null): DraftRisk[] {
  const [before, after] = [old?.providers ?? [], next?.providers ?? []];
  const were = new Map(before.map((provider) => [provider.id, provider]));
  return [
    ...addressRisks(after, were),
    ...after.flatMap((provider) => takenRisks(provider, were.get(provider.id))),
    ...orderRisks(before, after),
  ];
}

/** Which models a provider is asked for, in which API, and by which name its calls are priced. */
function takenRisks({ id, ...now }: Provider, was: Provider | undefined): DraftRisk[] {
  if (was === undefined) return [];
  const said = ({ dialect, models, prices }: Omit<Provider, "id">): string =>
    `${dialect}: ${models.join(", ")}${prices === undefined ? "" : ` (${prices})`}`;
  const [old, next] = [said(was), said(now)];
  if (old === next) return [];
  return [
    {
      title: text(
        `Provider ${id} is asked for other models: ${old} → ${next}`,
        `O provedor ${id} é consultado por outros modelos: ${old} → ${next}`,
      ),
      impact: "medium",
      mitigation: checkRoute,
    },
  ];
}

/** The first provider that has a model is asked for it. */
function orderRisks(before: readonly Provider[], after: readonly Provider[]): DraftRisk[] {
  const idsIn = (some: readonly Provider[], others: readonly Provider[]): string =>
    some
      .map(({ id }) => id)
      .filter((id) => others.some((other) => other.id === id))
      .join(", ");
  const [was, now] = [idsIn(before, after), idsIn(after, before)];
  if (was === now) return [];
  return [
    {
      title: text(
        `Providers are asked in another order: ${was} → ${now}`,
        `Os provedores são consultados em outra ordem: ${was} → ${now}`,
      ),
      impact: "medium",
      mitigation: checkRoute,
    },
  ];
}

const checkRoute = text(
  "Prompts for a model go to the first provider that has it. Check where those of each model go then.",
  "Os prompts de um modelo vão ao primeiro provedor que o tem. Confira para onde vão os de cada modelo.",
);

function addressRisks(providers: readonly Provider[], were: ReadonlyMap<string, Provider>): DraftRisk[] {
  return providers.flatMap(({ id, url }) => {
    const was = were.get(id)?.url;
    if (was === url) return [];
    const isPlain = url.startsWith("http:") && !/^http:\/\/(?:localhost|127\.|\[::1\])/.test(url);
    return [
      {
        title: text(
          `Models of ${id} are asked at ${url}${was === undefined ? "" : `; was: ${was}`}`,
          `Os modelos de ${id} são consultados em ${url}${was === undefined ? "" : `; antes: ${was}`}`,
        ),
        impact: was === undefined ? ("medium" as const) : ("high" as const),
        mitigation: text(
          "Whoever runs that address reads each prompt, and answers in the model's name. Check that it is the provider's.",
          "Quem opera esse endereço lê cada prompt e responde em nome do modelo. Confira se é o do provedor.",
        ),
      },
      ...(isPlain
        ? [
            {
              title: text(
                `Models of ${id} are asked without TLS: ${url}`,
                `Os modelos de ${id} são consultados sem TLS: ${url}`,
              ),
              impact: "high" as const,
              mitigation: text("Use https.", "Use https."),
            },
          ]
        : []),
    ];
  });
}

function priceRisks(old: PolicyOf<"prices"> | null, next: PolicyOf<"prices"> | null): DraftRisk[] {
  if (next === null) return [];
  const rows = rowsOf(old);
  const now = rowsOf(next);
  const gone = [...rows].filter(([name]) => !now.has(name));
  return [
    ...(old !== null && old.table !== next.table ? [otherTable(old.table, next.table)] : []),
    ...(JSON.stringify(old?.providers ?? {}) === JSON.stringify(next.providers) ? [] : [otherNames]),
    ...[...now].flatMap(([name, some]) => {
      const was = rows.get(name) ?? [];
      return some.flatMap((row, index) => {
        const old = was[index];
        return old === undefined ? [newPrice(name, row)] : changedPrice(name, old, row);
      });
    }),
    ...gone.map(([name]) => gonePrice(name)),
  ];
}

/** Rows by what they price: a model, a tier, and the first day. A row may stand there twice. */
const rowsOf = (policy: PolicyOf<"prices"> | null): Map<string, PriceRow[]> =>
  Map.groupBy(
    policy?.rows ?? [],
    ({ provider, model, tier, from }) =>
      `${provider}/${model}${tier === undefined ? "" : ` (${tier})`} from ${from}`,
  );

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

const otherNames: DraftRisk = {
  title: text(
    "Providers are known to prices by other names",
    "Os provedores são conhecidos pelos preços por outros nomes",
  ),
  impact: "medium",
  mitigation: checkPrice,
};

const newPrice = (name: string, { usd_per_million, source }: PriceRow): DraftRisk => ({
  title: text(
    `New price of ${name}: ${ratesIn(usd_per_million)} (${source})`,
    `Novo preço de ${name}: ${ratesIn(usd_per_million)} (${source})`,
  ),
  impact: usd_per_million.input === 0 ? "high" : "medium",
  mitigation: checkPrice,
});

const ratesIn = (rates: PriceRow["usd_per_million"]): string =>
  Object.entries(rates)
    .map(([kind, usd]) => `${kind} ${usd}`)
    .join(", ");

/** A price that falls lets more calls through a budget. */
function changedPrice(name: string, was: PriceRow, now: PriceRow): DraftRisk[] {
  const same =
    JSON.stringify([was.usd_per_million, was.above]) === JSON.stringify([now.usd_per_million, now.above]);
  if (same) return [];
  const [old, next] = [ratesIn(was.usd_per_million), ratesIn(now.usd_per_million)];
  const falls = Object.entries(was.usd_per_million).some(
    ([kind, usd]) => (now.usd_per_million[kind as keyof typeof now.usd_per_million] ?? 0) < usd,
  );
  const steps = old === next ? text(" for long inputs", " para entradas longas") : text("", "");
  return [
    {
      title: text(
        `Price of ${name}${steps.en}: ${old} → ${next}`,
        `Preço de ${name}${steps["pt-BR"]}: ${old} → ${next}`,
      ),
      impact: falls ? "high" : "medium",
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

/** What leaves the console, and for where. */
function webhookRisks(old: PolicyOf<"notify"> | null, next: PolicyOf<"notify"> | null): DraftRisk[] {
  const were = new Map(old?.webhooks.map((hook) => [hook.id, hook]));
  return (next?.webhooks ?? []).flatMap(({ id, url, on }) => {
    const was = were.get(id);
    if (was?.url === url && on.every((action) => was.on.includes(action))) return [];
    return [
      {
        title: text(
          `Webhook ${id} tells ${url} of: ${on.join(", ")}`,
          `O webhook ${id} avisa ${url} de: ${on.join(", ")}`,
        ),
        impact: "medium" as const,
        mitigation: text(
          "Whoever runs that address reads who did what here. Check that it is the team's.",
          "Quem opera esse endereço lê quem fez o quê aqui. Confira se é da equipe.",
        ),
      },
    ];
  });
}
