import { type AgentFile, type Risk, type Text, text } from "@ciclo/contract";
import type { Snapshot } from "../../domain/snapshot.ts";
import { loosenedGuards } from "./guard-risks.ts";
import { keyMoves } from "./key-moves.ts";
import { policyRisks } from "./policy-risks.ts";
import { type Host, serverRisks } from "./server-risks.ts";
import { cycleRisks } from "./cycle-risks.ts";
import { usageRisks } from "./usage-risks.ts";

export type DraftRisk = { title: Text; impact: Risk["impact"]; mitigation: Text };

/** More than anybody reads one by one; of the worst kind all are listed, up to another bound. */
const maxRisks = 50;
const maxWorst = 150;

/** What a change brings with it, read from the configuration before and after. Worst first. */
export function findRisks(
  before: Snapshot,
  after: Snapshot,
  overwritten: readonly string[],
  host: Host,
): DraftRisk[] {
  const order = { high: 0, medium: 1, low: 2 };
  const risks = [
    ...loosenedGuards(before, after, host),
    ...policyRisks(before, after, host),
    ...keyMoves(before, after),
    ...usageRisks(before, after),
    ...cycleRisks(before, after),
    ...serverRisks(before, after, host),
    ...toolRisks(before, after),
    ...agentRisks(before, after),
    ...overwritten.map(overwriteRisk),
  ].toSorted((a, b) => order[a.impact] - order[b.impact]);
  const worst = risks.filter(({ impact }) => impact === "high").length;
  const shown = Math.max(maxRisks, Math.min(worst, maxWorst));
  const more = risks.slice(shown);
  return more[0] === undefined ? risks : [...risks.slice(0, shown), furtherRisks(more.length, more[0])];
}

/** Stands for the risks that are not listed; they are no worse than the first of them. */
const furtherRisks = (count: number, { impact }: DraftRisk): DraftRisk => ({
  title: text(`${count} further risks like these`, `Mais ${count} riscos como estes`),
  impact,
  mitigation: text(
    "Read the diff whole, or make the change in smaller parts.",
    "Leia o diff inteiro ou faça a mudança em partes menores.",
  ),
});

/** Tools that are let through from then on, or in another form than before. */
function toolRisks(before: Snapshot, after: Snapshot): DraftRisk[] {
  return Object.entries(after.toolLock.servers).flatMap(([id, tools]) => {
    const old = before.toolLock.servers[id] ?? {};
    const names = Object.keys(tools);
    const changed = names.filter((name) => name in old && old[name]?.hash !== tools[name]?.hash);
    const added = names.filter((name) => !(name in old));
    return [
      ...(changed.length === 0 ? [] : [toolsChange(id, changed)]),
      ...(added.length === 0 ? [] : [toolsOffered(id, added)]),
    ];
  });
}

const named = (names: readonly string[]): string =>
  names.length > 12 ? `${names.slice(0, 12).join(", ")}, … (${names.length})` : names.join(", ");

const toolsChange = (id: string, names: readonly string[]): DraftRisk => ({
  title: text(
    `Tools of ${id} are not what was approved: ${named(names)}`,
    `Ferramentas de ${id} não são o que foi aprovado: ${named(names)}`,
  ),
  impact: "high",
  mitigation: text(
    "Read the diff of each definition on the server's page: a description is an instruction to whoever calls.",
    "Leia o diff de cada definição na página do servidor: uma descrição é uma instrução a quem chama.",
  ),
});

const toolsOffered = (id: string, names: readonly string[]): DraftRisk => ({
  title: text(
    `Offers ${names.length} tools of ${id}: ${named(names)}`,
    `Oferece ${names.length} ferramentas de ${id}: ${named(names)}`,
  ),
  impact: "medium",
  mitigation: text(
    "policies/access.yaml says who may call them; any that change later are withheld.",
    "policies/access.yaml diz quem pode chamá-las; as que mudarem depois são retidas.",
  ),
});

function agentRisks(before: Snapshot, after: Snapshot): DraftRisk[] {
  const added = [...after.agents.values()].filter((agent) => !before.agents.has(agent.name));
  const removed = [...before.agents.values()].filter((agent) => !after.agents.has(agent.name));
  return [
    ...[...added, ...changedAgents(before, after)].flatMap((agent) => [
      ...unbudgeted(agent, after),
      ...dangling(agent, after),
    ]),
    ...removed.map((agent) => removal(agent)),
    ...[...before.agents.values()].flatMap((agent) => ownLimit(agent, after.agents.get(agent.name))),
  ];
}

/** An agent's own limit in dollars that holds less. */
function ownLimit({ name, finops }: AgentFile, now: AgentFile | undefined): DraftRisk[] {
  const [was, next] = [finops?.monthly_usd, now?.finops?.monthly_usd];
  // That it is gone is said with the budgets.
  if (was === undefined || next === undefined || next <= was) return [];
  return [
    {
      title: text(
        `${name}: finops.monthly_usd rises (${was} → ${next})`,
        `${name}: finops.monthly_usd sobe (${was} → ${next})`,
      ),
      impact: next >= was * 5 ? "high" : "medium",
      mitigation: text(
        "The agent may spend more from then on. Have somebody who answers for it agree.",
        "O agente pode gastar mais a partir daí. Peça o acordo de quem responde por isso.",
      ),
    },
  ];
}

const changedAgents = (before: Snapshot, after: Snapshot): AgentFile[] =>
  [...after.agents.values()].filter((agent) => {
    const old = before.agents.get(agent.name);
    return old !== undefined && JSON.stringify(old) !== JSON.stringify(agent);
  });

function unbudgeted(agent: AgentFile, snapshot: Snapshot): DraftRisk[] {
  const bound = agent.policies?.some((id) => snapshot.policies.get(id)?.kind === "budget") ?? false;
  if (bound || agent.finops?.monthly_usd !== undefined) return [];
  return [
    {
      title: text(`${agent.name} has no budget of its own`, `${agent.name} não tem orçamento próprio`),
      impact: "medium",
      mitigation: text(
        "Name a budget policy in its manifest, or set finops.monthly_usd.",
        "Indique uma política de orçamento no manifesto ou defina finops.monthly_usd.",
      ),
    },
  ];
}

/** References to policies and servers that are not there. */
function dangling(agent: AgentFile, snapshot: Snapshot): DraftRisk[] {
  const policies = (agent.policies ?? []).filter((id) => !snapshot.policies.has(id));
  const isKnown = snapshot.registry.servers.some(({ id }) => id === agent.server);
  const missing = [...policies, ...(agent.server === undefined || isKnown ? [] : [agent.server])];
  return missing.map((id) => ({
    title: text(
      `${agent.name} names ${id}, which does not exist`,
      `${agent.name} cita ${id}, que não existe`,
    ),
    impact: "medium" as const,
    mitigation: text("Create it first, or take the name out.", "Crie-o antes ou retire a referência."),
  }));
}

function removal(agent: AgentFile): DraftRisk {
  const capabilities = (agent.capabilities ?? []).join(", ") || "—";
  return {
    title: text(
      `Nobody offers what ${agent.name} did: ${capabilities}`,
      `Deixa de existir o que ${agent.name} oferecia: ${capabilities}`,
    ),
    impact: "high",
    mitigation: text(
      "Check who still calls it; rolling back restores it.",
      "Verifique quem ainda o chama; a reversão o restaura.",
    ),
  };
}

const overwriteRisk = (path: string): DraftRisk => ({
  title: text(`Replaces the whole of ${path}`, `Substitui ${path} por inteiro`),
  impact: "medium",
  mitigation: text("Read the removed lines in the diff.", "Leia as linhas removidas no diff."),
});
