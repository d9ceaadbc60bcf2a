import { posix } from "node:path";
import {
  type AgentFile,
  type ApprovalsPolicy,
  type PolicyFile,
  type RegistryServer,
  type Risk,
  type Text,
  text,
} from "@ciclo/contract";
import type { Snapshot } from "../config-repo/snapshot.ts";

export type DraftRisk = { title: Text; impact: Risk["impact"]; mitigation: Text };

/** More than anybody reads one by one. */
const maxRisks = 50;

/** What a change brings with it, read from the configuration before and after. Worst first. */
export function findRisks(before: Snapshot, after: Snapshot, overwritten: readonly string[]): DraftRisk[] {
  const order = { high: 0, medium: 1, low: 2 };
  const risks = [
    ...policyRisks(before, after),
    ...serverRisks(before, after),
    ...agentRisks(before, after),
    ...overwritten.map(overwriteRisk),
  ].toSorted((a, b) => order[a.impact] - order[b.impact]);
  const more = risks.slice(maxRisks);
  return more[0] === undefined ? risks : [...risks.slice(0, maxRisks), furtherRisks(more.length, more[0])];
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

function policyRisks(before: Snapshot, after: Snapshot): DraftRisk[] {
  const ids = new Set([...before.policies.keys(), ...after.policies.keys()]);
  return [...ids].flatMap((id) => {
    const [old, next] = [before.policies.get(id), after.policies.get(id)];
    if (JSON.stringify(old) === JSON.stringify(next)) return [];
    return [
      ...reach(id, before),
      ...numberRisks(id, old, next),
      ...(next === undefined ? [] : [...weakerApprovals(old, next), ...widerReach(old, next)]),
    ];
  });
}

/** Which agents a policy binds. */
function reach(id: string, snapshot: Snapshot): DraftRisk[] {
  const agents = [...snapshot.agents.values()].filter((agent) => agent.policies?.includes(id));
  if (agents.length === 0) return [];
  const names = agents.map((agent) => agent.name).join(", ");
  const [en, pt] = agents.length === 1 ? ["agent", "agente"] : ["agents", "agentes"];
  return [
    {
      title: text(
        `Policy ${id} applies to ${agents.length} ${en}: ${names}`,
        `A política ${id} vale para ${agents.length} ${pt}: ${names}`,
      ),
      impact: agents.length > 5 ? "high" : agents.length > 1 ? "medium" : "low",
      mitigation: text(
        "Tell their owners; they run under the new values as soon as this lands.",
        "Avise os responsáveis; os novos valores valem assim que isto entrar.",
      ),
    },
  ];
}

/** Limits that rise or fall, with the factor. */
function numberRisks(id: string, old: PolicyFile | undefined, next: PolicyFile | undefined): DraftRisk[] {
  const [from, to] = [numbers(old), numbers(next)];
  return [...to].flatMap(([path, value]) => {
    const was = from.get(path);
    if (was === undefined || was === value || path.startsWith("alert_at")) return [];
    return value > was ? [rises(id, path, was, value)] : [falls(id, path, was, value)];
  });
}

function rises(id: string, path: string, was: number, value: number): DraftRisk {
  const factor = was === 0 ? Infinity : value / was;
  const times = was === 0 ? "0 → " + value : `${Number(factor.toFixed(1))}×`;
  return {
    title: text(
      `${id}: ${path} rises ${times} (${was} → ${value})`,
      `${id}: ${path} sobe ${times} (${was} → ${value})`,
    ),
    impact: factor >= 5 ? "high" : factor >= 1.5 ? "medium" : "low",
    mitigation: text(
      "Check the new value with those whom it concerns; roll back if it surprises.",
      "Confirme o novo valor com quem é afetado; reverta se surpreender.",
    ),
  };
}

function falls(id: string, path: string, was: number, value: number): DraftRisk {
  return {
    title: text(`${id}: ${path} falls (${was} → ${value})`, `${id}: ${path} cai (${was} → ${value})`),
    impact: value <= was / 2 ? "medium" : "low",
    mitigation: text(
      "Work under way may meet the lower value at once; compare it with recent use.",
      "Trabalho em andamento pode atingir o novo valor de imediato; compare com o uso recente.",
    ),
  };
}

function numbers(value: unknown, path = ""): Map<string, number> {
  if (typeof value === "number") return new Map([[path, value]]);
  if (typeof value !== "object" || value === null) return new Map();
  const inner = Object.entries(value).flatMap(([key, item]) => [
    ...numbers(item, path === "" ? key : `${path}.${key}`),
  ]);
  return new Map(inner);
}

function weakerApprovals(old: PolicyFile | undefined, next: PolicyFile): DraftRisk[] {
  if (old?.kind !== "approvals" || next.kind !== "approvals") return [];
  const risks: DraftRisk[] = [];
  const weaker = (en: string, ptBR: string): void => {
    risks.push({
      title: text(en, ptBR),
      impact: "high",
      mitigation: text(
        "From then on less is checked before a change lands. Have a second admin agree.",
        "A partir daí menos é verificado antes de uma mudança entrar. Peça o acordo de outro admin.",
      ),
    });
  };
  const looseness = { never: 0, only_approver: 1, always: 2 };
  if (next.default.required < old.default.required) {
    weaker(
      `Fewer approvals needed: ${old.default.required} → ${next.default.required}`,
      `Menos aprovações exigidas: ${old.default.required} → ${next.default.required}`,
    );
  }
  if (looseness[next.default.self_approval] > looseness[old.default.self_approval]) {
    weaker(
      `Self-approval gets easier: ${old.default.self_approval} → ${next.default.self_approval}`,
      `Autoaprovação fica mais fácil: ${old.default.self_approval} → ${next.default.self_approval}`,
    );
  }
  const dropped = names(old).filter((name) => !names(next).includes(name));
  if (dropped.length > 0) {
    weaker(
      `Approval rules dropped: ${dropped.join(", ")}`,
      `Regras de aprovação removidas: ${dropped.join(", ")}`,
    );
  }
  const direct = next.direct.paths.filter((path) => !old.direct.paths.includes(path));
  if (direct.length > 0) {
    weaker(
      `May change without approval: ${direct.join(", ")}`,
      `Podem mudar sem aprovação: ${direct.join(", ")}`,
    );
  }
  return risks;
}

const names = (policy: ApprovalsPolicy): string[] => policy.rules.map((rule) => rule.name);

function widerReach(old: PolicyFile | undefined, next: PolicyFile): DraftRisk[] {
  const added = <T>(from: readonly T[] | undefined, to: readonly T[]): T[] => {
    const known = new Set((from ?? []).map((item) => JSON.stringify(item)));
    return to.filter((item) => !known.has(JSON.stringify(item)));
  };
  if (next.kind === "commands") {
    return added(old?.kind === "commands" ? old.allow : [], next.allow).map(({ command, args }) =>
      runsCommand([command, ...(args ?? ["…"])].join(" ")),
    );
  }
  if (next.kind === "network") {
    const before = old?.kind === "network" ? old : undefined;
    const wide = before?.allow_hosts.includes("*") ?? false;
    const hosts = wide ? [] : added(before?.allow_hosts, next.allow_hosts);
    return [
      ...(hosts.length === 0 ? [] : [opens(`hosts ${hosts.join(", ")}`)]),
      ...(next.allow_private && before?.allow_private !== true ? [opens("private addresses")] : []),
      ...(!next.require_tls && before?.require_tls !== false ? [opens("connections without TLS")] : []),
    ];
  }
  if (next.kind === "access") {
    const before = old?.kind === "access" ? old : undefined;
    const rules = added(before?.rules, next.rules).filter((rule) => rule.effect === "allow");
    return [
      ...rules.map((rule) =>
        opens(`${rule.roles.join(", ")} → ${rule.servers.join(", ")}: ${rule.tools.join(", ")}`),
      ),
      ...(next.default === "allow" && before?.default !== "allow"
        ? [opens("every tool that no rule denies")]
        : []),
    ];
  }
  return [];
}

const opens = (what: string): DraftRisk => ({
  title: text(`Allows more: ${what}`, `Permite mais: ${what}`),
  impact: "high",
  mitigation: text(
    "Allow only what a named server needs.",
    "Permita apenas o que um servidor nomeado precisa.",
  ),
});

const runsCommand = (command: string): DraftRisk => ({
  title: text(`Runs on the console's host: ${command}`, `Executa no host da console: ${command}`),
  impact: "high",
  mitigation: text(
    "Read the whole command and where its program comes from before approving.",
    "Leia o comando inteiro e a origem do programa antes de aprovar.",
  ),
});

function serverRisks(before: Snapshot, after: Snapshot): DraftRisk[] {
  const old = new Map(before.registry.servers.map((server) => [server.id, JSON.stringify(server)]));
  const changed = after.registry.servers.filter((server) => old.get(server.id) !== JSON.stringify(server));
  return changed.flatMap((server) => [
    ...(server.command === undefined
      ? []
      : [runsCommand([server.command, ...(server.args ?? [])].join(" "))]),
    ...plainHttp(server),
    ...refusedByPolicy(server, after),
    unknownTools(server),
  ]);
}

/** What the policies in force will refuse when the server is to be reached. */
function refusedByPolicy(server: RegistryServer, { policies }: Snapshot): DraftRisk[] {
  const refused = (policy: string, en: string, ptBR: string): DraftRisk => ({
    title: text(
      `policies/${policy}.yaml does not allow ${en}`,
      `policies/${policy}.yaml não permite ${ptBR}`,
    ),
    impact: "high",
    mitigation: text(
      "Change the policy first, or choose another way.",
      "Altere a política antes ou escolha outro caminho.",
    ),
  });
  const found: DraftRisk[] = [];
  for (const policy of policies.values()) {
    if (policy.kind === "commands" && server.command !== undefined) {
      const { command } = server;
      if (!policy.allow.some((allowed) => allowed.command === command))
        found.push(refused(policy.id, command, command));
    }
    if (policy.kind === "network" && server.url !== undefined) {
      const { hostname, protocol } = new URL(server.url);
      if (policy.require_tls && /^(http|ws):$/.test(protocol))
        found.push(refused(policy.id, "connections without TLS", "conexões sem TLS"));
      if (!policy.allow_private && isPrivate(hostname))
        found.push(refused(policy.id, `the private address ${hostname}`, `o endereço privado ${hostname}`));
      if (!policy.allow_hosts.some((host) => posix.matchesGlob(hostname, host)))
        found.push(refused(policy.id, `the host ${hostname}`, `o host ${hostname}`));
    }
  }
  return found;
}

const isPrivate = (hostname: string): boolean =>
  hostname === "localhost" ||
  /^(127|10|169\.254|192\.168|172\.(1[6-9]|2\d|3[01]))\./.test(hostname) ||
  /^\[(::1|f[cd]|fe80)/i.test(hostname);

function plainHttp({ id, url }: RegistryServer): DraftRisk[] {
  if (url === undefined || /^(https|wss):/.test(url)) return [];
  return [
    {
      title: text(
        `Server ${id} is reached without TLS: ${url}`,
        `O servidor ${id} é acessado sem TLS: ${url}`,
      ),
      impact: "high",
      mitigation: text("Use https:// or wss://.", "Use https:// ou wss://."),
    },
  ];
}

const unknownTools = ({ id, tools }: RegistryServer): DraftRisk => ({
  title:
    tools === undefined
      ? text(
          `Tool list of ${id} unknown: its endpoint was not validated`,
          `Lista de ferramentas de ${id} desconhecida: o endpoint não foi validado`,
        )
      : text(
          `Tools of ${id} as declared, not as probed: ${tools.join(", ")}`,
          `Ferramentas de ${id} como declaradas, não como verificadas: ${tools.join(", ")}`,
        ),
  impact: "medium",
  mitigation: text("Probe the endpoint before approving.", "Verifique o endpoint antes de aprovar."),
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
      title: text(`No budget binds ${agent.name}`, `Nenhum orçamento limita ${agent.name}`),
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
