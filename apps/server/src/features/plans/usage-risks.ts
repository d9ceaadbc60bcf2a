import { modelDialects, policyOf, type PolicyOf, text } from "@ciclo/contract";
import { routeOf } from "../../lib/model-names.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { looser } from "./looser.ts";
import { callPriceRisks, priceRisks } from "./price-risks.ts";
import type { DraftRisk } from "./risks.ts";

/** What a change makes of models, of their prices, and of who is told what. Pure. */
export const usageRisks = (before: Snapshot, after: Snapshot): DraftRisk[] => [
  ...providerRisks(policyOf(before.policies, "models"), policyOf(after.policies, "models")),
  ...routeRisks(before, after),
  ...ownModelRisks(policyOf(before.policies, "cost"), policyOf(after.policies, "cost")),
  ...priceRisks(before, after),
  ...callPriceRisks(before, after),
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

/** Models whose prompts go to another provider, by which one is asked before and after; in whatever way that comes about. */
function routeRisks(before: Snapshot, after: Snapshot): DraftRisk[] {
  const [were, are] = [before, after].map(({ policies }) => policyOf(policies, "models")?.providers ?? []);
  if (were === undefined || are === undefined) return [];
  const moved = [...modelNames(before, after)].flatMap((pattern) => {
    const model = pattern.replaceAll("*", "x");
    return modelDialects.flatMap((dialect) => {
      const [old, now] = [routeOf(were, dialect, model), routeOf(are, dialect, model)];
      // Where a provider of the same name is asked elsewhere, that is said of its address.
      return old === undefined || now === undefined || old.id === now.id ? [] : [{ pattern, old, now }];
    });
  });
  const byWay = Map.groupBy(moved, ({ old, now }) => `${old.id}\n${now.id}`);
  return [...byWay.values()].flatMap((some) => {
    const [first] = some;
    if (first === undefined) return [];
    const { old, now } = first;
    const models = some.map(({ pattern }) => pattern);
    const named =
      models.length > 8 ? `${models.slice(0, 8).join(", ")}, … (${models.length})` : models.join(", ");
    return [
      {
        title: text(
          `Prompts for ${named} go to ${now.id} (${now.url}); were: ${old.id} (${old.url})`,
          `Os prompts de ${named} vão para ${now.id} (${now.url}); antes: ${old.id} (${old.url})`,
        ),
        impact: "high" as const,
        mitigation: checkRoute,
      },
    ];
  });
}

/** Models, and patterns of them, that the configuration speaks of. */
const modelNames = (...snapshots: Snapshot[]): Set<string> =>
  new Set(
    snapshots.flatMap(({ policies }) => [
      ...(policyOf(policies, "models")?.providers ?? []).flatMap(({ models }) => models),
      ...(policyOf(policies, "access")?.rules ?? []).flatMap(({ models }) => models),
    ]),
  );

type CostPolicy = PolicyOf<"cost">;

/** Whom the console itself asks: chats with the assistant go there. */
function ownModelRisks(old: CostPolicy | null, next: CostPolicy | null): DraftRisk[] {
  const choiceOf = (policy: CostPolicy | null, phase: string | null): string => {
    const own = phase === null ? undefined : policy?.routes?.[phase];
    const {
      provider,
      model,
      fallback = [],
    } = own?.model === undefined ? { ...policy?.defaults, ...own } : own;
    if (model === undefined) return "";
    return [{ provider, model }, ...fallback].map((one) => `${one.provider ?? "?"}/${one.model}`).join(", ");
  };
  const phases = [null, ...new Set([...Object.keys(old?.routes ?? {}), ...Object.keys(next?.routes ?? {})])];
  return phases.flatMap((phase) => {
    const [was, now] = [choiceOf(old, phase), choiceOf(next, phase)];
    if (was === now || now === "") return [];
    const name = phase ?? "defaults";
    return [
      {
        title: text(
          `The console asks ${now} (${name}); was: ${was || "none"}`,
          `A console consulta ${now} (${name}); antes: ${was || "nenhum"}`,
        ),
        impact: was === "" ? ("medium" as const) : ("high" as const),
        mitigation: text(
          "What people write to the assistant, and what it knows of the configuration, goes to that provider. Check that it may.",
          "O que as pessoas escrevem ao assistente, e o que ele sabe da configuração, vai a esse provedor. Confira se pode.",
        ),
      },
    ];
  });
}

const checkRoute = text(
  "Prompts for a model go to the first provider that has it. Check where those of each model go then.",
  "Os prompts de um modelo vão ao primeiro provedor que o tem. Confira para onde vão os de cada modelo.",
);

function addressRisks(providers: readonly Provider[], were: ReadonlyMap<string, Provider>): DraftRisk[] {
  return providers.flatMap(({ id, url, prices }) => {
    const was = were.get(id)?.url;
    if (was === url) return [];
    const { protocol, hostname } = new URL(url);
    const isPlain = protocol === "http:" && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
    const name = prices === undefined || was !== undefined ? "" : ` (${prices})`;
    return [
      {
        title: text(
          `Models of ${id}${name} are asked at ${url}${was === undefined ? "" : `; was: ${was}`}`,
          `Os modelos de ${id}${name} são consultados em ${url}${was === undefined ? "" : `; antes: ${was}`}`,
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

/** What the console sends to webhooks, and what it stops sending. */
function webhookRisks(old: PolicyOf<"notify"> | null, next: PolicyOf<"notify"> | null): DraftRisk[] {
  const were = new Map(old?.webhooks.map((hook) => [hook.id, hook]));
  const are = new Map(next?.webhooks.map((hook) => [hook.id, hook]));
  const told = [...are.values()].flatMap(({ id, url, on }): DraftRisk[] => {
    const was = were.get(id);
    if (was?.url === url && on.every((action) => was.on.includes(action))) return [];
    return [
      {
        title: text(
          `Webhook ${id} tells ${url} of: ${on.join(", ")}`,
          `O webhook ${id} avisa ${url} de: ${on.join(", ")}`,
        ),
        impact: "medium",
        mitigation: text(
          "Whoever runs that address reads who did what here. Check that it is the team's.",
          "Quem opera esse endereço lê quem fez o quê aqui. Confira se é da equipe.",
        ),
      },
    ];
  });
  const silent = [...were.values()].flatMap(({ id, on }) => {
    const lost = on.filter((action) => are.get(id)?.on.includes(action) !== true);
    return lost.length === 0
      ? []
      : [
          looser(
            text(
              `Webhook ${id} no longer tells of: ${lost.join(", ")}`,
              `O webhook ${id} deixa de avisar de: ${lost.join(", ")}`,
            ),
            "medium",
          ),
        ];
  });
  return [...told, ...silent];
}
