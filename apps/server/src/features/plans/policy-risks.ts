import { type AllowedCommand, type PolicyFile, policyFileSchema, text } from "@ciclo/contract";
import { unmeetable } from "../../domain/approvals.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { accessRisks } from "./access-risks.ts";
import type { DraftRisk } from "./risks.ts";
import { type Host, runsCommand } from "./server-risks.ts";

/** What changed policies bring: reach, numbers that move, weaker approvals, wider access. */
export function policyRisks(before: Snapshot, after: Snapshot, host: Host): DraftRisk[] {
  const ids = new Set([...before.policies.keys(), ...after.policies.keys()]);
  return [...ids].flatMap((id) => {
    const [old, next] = [before.policies.get(id), after.policies.get(id)];
    if (JSON.stringify(old) === JSON.stringify(next)) return [];
    return [
      ...reach(id, before),
      ...numberRisks(id, old, next),
      ...(next === undefined
        ? []
        : [...neverApproved(next, host), ...widerReach(old, next, host), ...keptShorter(old, next)]),
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

/** Rules that nobody could ever meet: every change of their paths would hang, and that of the rule itself too. */
function neverApproved(next: PolicyFile, { people }: Host): DraftRisk[] {
  if (next.kind !== "approvals") return [];
  return [{ name: "default", ...next.default }, ...next.rules].flatMap(({ name, ...rule }) => {
    const why = unmeetable({ ...rule, rule: name }, people, []);
    if (why === null) return [];
    return [
      {
        title: text(
          `No change could be approved. ${why.en}`,
          `Nenhuma mudança poderia ser aprovada. ${why["pt-BR"]}`,
        ),
        impact: "high" as const,
        mitigation: text(
          "Give the roles first. Once this lands, the rule itself may be changed only by those votes.",
          "Dê os papéis antes. Depois que isto entrar, a própria regra só muda com esses votos.",
        ),
      },
    ];
  });
}

/** Limits that rise or fall, with the factor. */
function numberRisks(id: string, old: PolicyFile | undefined, next: PolicyFile | undefined): DraftRisk[] {
  // What approvals ask for is compared by what it comes to, and prices by what they are of.
  if (next?.kind === "approvals" || next?.kind === "prices") return [];
  const [from, to] = [numbers(old), numbers(next)];
  return [...to].flatMap(([path, value]) => {
    const was = from.get(path);
    // Of a budget's rolling limits it is said which ones no longer hold, and of votes what they come to.
    if (was === undefined || was === value || /^(?:alert_at|limits\.rolling|approvals\.)/.test(path))
      return [];
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

/** What is deleted earlier than before: it does not come back with the policy. */
function keptShorter(old: PolicyFile | undefined, next: PolicyFile): DraftRisk[] {
  if (next.kind !== "retention") return [];
  const before = old?.kind === "retention" ? old : policyFileSchema.parse({ ...kept, id: next.id });
  return Object.entries(next).flatMap(([subject, value]) => {
    const was = before[subject as keyof typeof before];
    if (typeof value !== "string" || typeof was !== "string" || !days.test(value) || !days.test(was))
      return [];
    if (Number.parseInt(value, 10) >= Number.parseInt(was, 10)) return [];
    return [
      {
        title: text(
          `${next.id}: ${subject} is kept for ${value} instead of ${was}`,
          `${next.id}: ${subject} é mantido por ${value} em vez de ${was}`,
        ),
        impact: "high",
        mitigation: text(
          "What is older is deleted within the hour, and no rollback brings it back. Export it before, if anybody needs it.",
          "O que for mais antigo é apagado em até uma hora, e nenhuma reversão o traz de volta. Exporte antes, se alguém precisar.",
        ),
      },
    ];
  });
}

const days = /^\d+d$/;
const kept = { kind: "retention", title: "Built-in default" } as const;

function numbers(value: unknown, path = ""): Map<string, number> {
  if (typeof value === "number") return new Map([[path, value]]);
  if (typeof value !== "object" || value === null) return new Map();
  const inner = Object.entries(value).flatMap(([key, item]) => [
    ...numbers(item, path === "" ? key : `${path}.${key}`),
  ]);
  return new Map(inner);
}

function widerReach(old: PolicyFile | undefined, next: PolicyFile, host: Host): DraftRisk[] {
  const added = <T>(from: readonly T[] | undefined, to: readonly T[]): T[] => {
    const known = new Set((from ?? []).map((item) => JSON.stringify(item)));
    return to.filter((item) => !known.has(JSON.stringify(item)));
  };
  if (next.kind === "commands") {
    return added(old?.kind === "commands" ? old.allow : [], next.allow).map((entry) =>
      runsCommand(allowanceOf(entry), entry.command, host),
    );
  }
  if (next.kind === "network") {
    const before = old?.kind === "network" ? old : undefined;
    const wide = before?.allow_hosts.includes("*") ?? false;
    const hosts = (wide ? [] : added(before?.allow_hosts, next.allow_hosts)).filter(
      (name) => !before?.allow_hosts.some((known) => known.startsWith("*.") && name.endsWith(known.slice(1))),
    );
    return [
      ...(hosts.length === 0 ? [] : [opens(`hosts ${hosts.join(", ")}`)]),
      ...(next.allow_private && before?.allow_private !== true ? [opens("private addresses")] : []),
      ...(!next.require_tls && before?.require_tls !== false ? [opens("connections without TLS")] : []),
    ];
  }
  if (next.kind === "access") return accessRisks(old?.kind === "access" ? old : null, next, host);
  return [];
}

/** `npx … with env API_URL; may write to /srv/data`. */
function allowanceOf({ command, args, env, writes }: AllowedCommand): string {
  const line = [command, ...(args ?? ["…"])].join(" ");
  const variables = env.length === 0 ? "" : `, env ${env.join(" ")}`;
  return line + variables + (writes.length === 0 ? "" : `, writes ${writes.join(" ")}`);
}

const opens = (what: string): DraftRisk => ({
  title: text(`Allows more: ${what}`, `Permite mais: ${what}`),
  impact: "high",
  mitigation: text(
    "Allow only what a named server needs.",
    "Permita apenas o que um servidor nomeado precisa.",
  ),
});
