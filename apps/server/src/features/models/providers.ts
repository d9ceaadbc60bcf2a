import { type ModelDialect, type PolicyFile, type PolicyOf, policyOf, text } from "@ciclo/contract";
import { routeOf } from "../../lib/model-names.ts";
import { notFound, Refusal } from "../../errors.ts";

export type Provider = PolicyOf<"models">["providers"][number];

/** The header by which each kind of provider knows who asks. */
export const credentialOf = (dialect: ModelDialect, key: string): Record<string, string> =>
  dialect === "anthropic"
    ? { "x-api-key": key }
    : dialect === "google"
      ? { "x-goog-api-key": key }
      : { authorization: `Bearer ${key}` };

/** The provider that is asked for a model: the first of its dialect that has it. Throws a `Refusal`. */
export function providerFor(
  policies: ReadonlyMap<string, PolicyFile>,
  unusable: ReadonlySet<string>,
  dialect: ModelDialect,
  model: string | null,
): Provider {
  if (unusable.has("models"))
    throw new Refusal(
      "policy_denied",
      text(
        "policies/models.yaml cannot be used, so no model is reached. Health says what is wrong with it",
        "policies/models.yaml não pode ser usada, então nenhum modelo é acessado. A saúde diz o que há de errado",
      ),
    );
  if (policies.size === 0)
    throw new Refusal(
      "server_unavailable",
      text(
        "The configuration has no policies, or is still being read. Try again in a moment",
        "A configuração não tem políticas, ou ainda está sendo lida. Tente de novo em instantes",
      ),
      { retryAfter: 1 },
    );
  const providers = (policyOf(policies, "models")?.providers ?? []).filter((one) => one.dialect === dialect);
  const found = routeOf(providers, dialect, model);
  if (found !== undefined) return found;
  if (providers.length === 0)
    throw notFound(
      `No provider speaks ${dialect} here. One is added to policies/models.yaml by a plan`,
      `Nenhum provedor fala ${dialect} aqui. Inclua um em policies/models.yaml por um plano`,
    );
  throw notFound(
    `No provider has the model ${model}. There are: ${listed(providers)}`,
    `Nenhum provedor tem o modelo ${model}. Há: ${listed(providers)}`,
  );
}

const listed = (providers: readonly Provider[]): string =>
  providers.map(({ id, models }) => `${id} (${models.slice(0, 10).join(", ")})`).join("; ");
