import { policyKinds, type Text, text } from "@ciclo/contract";
import { agentBudget, budgetField, budgetFile, isAgentBudget } from "../../../domain/agent-budgets.ts";
import type { CallSubject } from "../../../domain/usage.ts";
import { Refusal } from "../../../errors.ts";
import type { Binding } from "./bindings.ts";
import type { Spent } from "./purses.ts";

/** Budgets that are there and cannot be read. Only budgets have names of their own. */
export const unreadIn = (unusable: ReadonlySet<string>, agents: ReadonlySet<string>): string[] => [
  ...[...unusable].filter((id) => id === "budget" || !(policyKinds as readonly string[]).includes(id)),
  ...[...agents].map(agentBudget),
];

export const unreadText = (id: string): Text =>
  isAgentBudget(id)
    ? text(
        `${budgetFile(id)} cannot be used, so no call of that agent is let through: it may hold a budget. Health says what is wrong with it`,
        `${budgetFile(id)} não pode ser usado, então nenhuma chamada desse agente passa: pode conter um orçamento. A saúde diz o que há de errado`,
      )
    : text(
        `${budgetFile(id)} cannot be used, so nothing is let through that a budget may forbid. Health says what is wrong with it`,
        `${budgetFile(id)} não pode ser usada, então não passa nada que um orçamento possa proibir. A saúde diz o que há de errado`,
      );

/** What a budget says that cannot be read is taken for no: a policy's for all calls, a manifest's for those of its agent. */
export function refuseUnread(
  unusable: ReadonlySet<string>,
  agents: ReadonlySet<string>,
  { agent }: Pick<CallSubject, "agent">,
): void {
  if (unusable.size === 0 && agents.size === 0) return;
  const [unread] = unreadIn(unusable, new Set(agent !== null && agents.has(agent) ? [agent] : []));
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

/** Why a budget in dollars could not count a call. */
export type Uncounted = {
  /** Its tier has no price, though others of the model have. */
  uncounted?: Refusal | null;
  /** A model that has no price at all. */
  unpriced?: string | null;
};

/** Throws a `Refusal` where a budget in dollars does not let through what it cannot count. */
export function refuseUncounted({ budget }: Binding, { uncounted, unpriced }: Uncounted): void {
  if (uncounted != null) throw uncounted;
  if (unpriced == null || budget.unpriced !== "refuse") return;
  throw new Refusal(
    "budget_exceeded",
    text(
      `${budgetFile(budget.id)}, unpriced: ${unpriced} has no price, so the budget cannot count it. Plan a row in policies/prices.yaml, with 0 where it is free`,
      `${budgetFile(budget.id)}, unpriced: ${unpriced} não tem preço, então o orçamento não pode contá-lo. Planeje uma linha em policies/prices.yaml, com 0 se for gratuito`,
    ),
    { quiet: true },
  );
}

/** A limit that is spent: the figure, whose purse it is, who may raise it, and when a new period begins. */
export function spentRefusal(
  { binding, window, spent, reserved }: Spent,
  holder: string | null,
  raise: Text,
): Refusal {
  const { budget, meter } = binding;
  const whose = holder === null ? "" : ` (${holder})`;
  const where = `${budgetFile(budget.id)}, ${budgetField(budget.id, meter.limit)}${whose}`;
  const [used, of] = [amountText(binding, spent), amountText(binding, binding.most)];
  const aside = spent < binding.most ? amountText(binding, reserved) : null;
  const until = Number.isFinite(window.endsAt)
    ? new Date(window.endsAt).toISOString().slice(0, 16).replace("T", " ")
    : null;
  return new Refusal(
    "budget_exceeded",
    text(
      `${where}: ${used} of ${of} are spent${aside === null ? "" : `, and ${aside} are set aside for calls under way: try again when they have ended`}. ${raise.en}${until === null ? "" : ` A new period begins at ${until} UTC.`}`,
      `${where}: ${used} de ${of} foram gastos${aside === null ? "" : `, e ${aside} estão reservados para chamadas em andamento: tente de novo quando terminarem`}. ${raise["pt-BR"]}${until === null ? "" : ` Um novo período começa em ${until} UTC.`}`,
    ),
    { quiet: true },
  );
}

/** As every report rounds them. */
const cents = new Intl.NumberFormat("en", {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
  useGrouping: false,
});

function amountText({ meter: { unit } }: Binding, amount: number): string {
  if (unit === "tokens") return `${amount} tokens`;
  const usd = amount / 1e9;
  // Small amounts would all be 0.00.
  return `${usd !== 0 && Math.abs(usd) < 0.01 ? usd.toPrecision(2) : cents.format(usd)} USD`;
}
