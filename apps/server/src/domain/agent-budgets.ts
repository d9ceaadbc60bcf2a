import type { AgentFile, PolicyFile, PolicyOf } from "@ciclo/contract";

type Policies = ReadonlyMap<string, PolicyFile>;
type Agents = ReadonlyMap<string, AgentFile>;

const ownBudget = "agents/";
const alertAt = [0.8];

/** The id of the budget in an agent's manifest. */
export const agentBudget = (name: string): string => `${ownBudget}${name}`;
export const agentOf = (id: string): string => id.slice(ownBudget.length);
export const isAgentBudget = (id: string): boolean => id.startsWith(ownBudget);

/**
 * Policies with the budgets that manifests of agents make: `finops.monthly_usd` is one for the agent's calls, and a budget that
 * a manifest names under `policies`, and that says nothing of whom it binds, binds the agents that name it. Pure.
 */
export function withAgentBudgets(policies: Policies, agents: Agents): Policies {
  const own = [...agents.values()].flatMap(({ name, title, finops }): [string, PolicyOf<"budget">][] =>
    finops?.monthly_usd === undefined
      ? []
      : [
          [
            agentBudget(name),
            {
              id: agentBudget(name),
              kind: "budget",
              title,
              scope: { agents: [name] },
              limits: { monthly_usd: finops.monthly_usd },
              time_zone: "UTC",
              alert_at: alertAt,
              on_exceeded: "block",
            },
          ],
        ],
  );
  const named = [...policies].flatMap(([id, policy]): [string, PolicyOf<"budget">][] => {
    // `budget` itself binds all calls.
    if (policy.kind !== "budget" || policy.scope !== undefined || id === "budget") return [];
    const those = [...agents.values()].filter((agent) => agent.policies?.includes(id));
    return those.length === 0 ? [] : [[id, { ...policy, scope: { agents: those.map(({ name }) => name) } }]];
  });
  return own.length + named.length === 0 ? policies : new Map([...policies, ...named, ...own]);
}

/** The file that a budget stands in. */
export const budgetFile = (id: string): string =>
  isAgentBudget(id) ? `${id}/agent.yaml` : `policies/${id}.yaml`;

/** The field of that file where a limit stands. */
export const budgetField = (id: string, limit: string): string =>
  isAgentBudget(id) ? "finops.monthly_usd" : `limits.${limit}`;
