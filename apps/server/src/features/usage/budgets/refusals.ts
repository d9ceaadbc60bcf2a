import { policyKinds, type Text, text } from "@ciclo/contract";
import { Refusal } from "../../../errors.ts";

/** Budgets that are there and cannot be read. Only budgets have names of their own. */
export const unreadIn = (unusable: ReadonlySet<string>): string[] =>
  [...unusable].filter((id) => id === "budget" || !(policyKinds as readonly string[]).includes(id));

export const unreadText = (id: string): Text =>
  text(
    `policies/${id}.yaml cannot be used, so nothing is let through that a budget may forbid. Health says what is wrong with it`,
    `policies/${id}.yaml não pode ser usada, então não passa nada que um orçamento possa proibir. A saúde diz o que há de errado`,
  );

/** What a budget says that cannot be read is taken for no. */
export function refuseUnread(unusable: ReadonlySet<string>): void {
  if (unusable.size === 0) return;
  const [unread] = unreadIn(unusable);
  if (unread !== undefined) throw new Refusal("budget_exceeded", unreadText(unread), { quiet: true });
}

export const tooMany = (policy: string, perMinute: number, wait: number): Refusal =>
  new Refusal(
    "rate_limited",
    text(
      `policies/${policy}.yaml, limits.calls_per_minute: over ${perMinute} calls a minute. Try again in ${wait} s`,
      `policies/${policy}.yaml, limits.calls_per_minute: mais de ${perMinute} chamadas por minuto. Tente de novo em ${wait} s`,
    ),
    { retryAfter: wait, quiet: true },
  );

/** A tier that a budget could not count, of a model that it counts otherwise. */
export const tierUnpriced = (model: string, tier: string): Refusal =>
  new Refusal(
    "budget_exceeded",
    text(
      `There is no price for the tier ${tier} of ${model}, so no budget could count the call. Ask for another tier, or plan a row with this one in policies/prices.yaml`,
      `Não há preço para o nível ${tier} de ${model}, então nenhum orçamento contaria a chamada. Peça outro nível, ou planeje uma linha com ele em policies/prices.yaml`,
    ),
    { quiet: true },
  );
