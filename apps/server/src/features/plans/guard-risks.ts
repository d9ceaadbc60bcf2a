import { type ApprovalsPolicy, policyKinds, text, type Text } from "@ciclo/contract";
import type { Requirement } from "../../domain/approvals.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { durationMs } from "../../lib/clock.ts";
import { budgetRisks } from "./budget-risks.ts";
import { looser } from "./looser.ts";
import type { DraftRisk } from "./risks.ts";
import type { Host } from "./server-risks.ts";

/** What policies held back before, and no longer do: approvals, budgets, denials, records. */

/** What changed policies no longer hold back. Pure. */
export const loosenedGuards = (before: Snapshot, after: Snapshot, host: Host): DraftRisk[] => [
  ...[...before.policies.keys()].filter((id) => !after.policies.has(id)).map(removed),
  ...budgetRisks(before, after),
  ...loosenedApprovals(before, after, host),
];

const removed = (id: string): DraftRisk =>
  looser(
    text(
      `Policy ${id} is gone: what is built in holds in its place`,
      `A política ${id} deixa de existir: vale em seu lugar o que vem embutido`,
    ),
  );

// Approvals

/** Files that there may be; with those that there are, they show what rules ask for. */
const usualPaths = [
  ...policyKinds.map((kind) => `policies/${kind}.yaml`),
  "policies/another.yaml",
  "mcp-registry.yaml",
  "mcp-tools.lock.json",
  "ciclo.yaml",
  "agents/another/agent.yaml",
  "README.md",
];
/** Matching a path with a pattern takes microseconds: so many of them are tried. */
const maxMatches = 100_000;

function loosenedApprovals(before: Snapshot, after: Snapshot, host: Host): DraftRisk[] {
  const [old, next] = [before.approvals, after.approvals];
  if (old === null || next === null || before.approvalsVersion === after.approvalsVersion) return [];
  const known = [...new Set([...usualPaths, ...before.files.keys(), ...after.files.keys()])];
  const patterns = [...old.rules, ...next.rules].reduce((sum, { paths }) => sum + paths.length, 1);
  const paths = known.slice(0, Math.max(usualPaths.length, Math.floor(maxMatches / patterns)));
  const direct = next.direct.paths.filter((path) => !old.direct.paths.includes(path));
  return [
    ...weakened(before, after, paths, host),
    ...(direct.length === 0
      ? []
      : [
          looser(
            text(
              `May change without approval: ${direct.join(", ")}`,
              `Podem mudar sem aprovação: ${direct.join(", ")}`,
            ),
          ),
        ]),
    ...longerOpen(old, next),
    ...boundToNothing(old, next, paths, host),
  ];
}

/** Paths for which less is asked than before, together where it is the same. */
function weakened(before: Snapshot, after: Snapshot, paths: readonly string[], host: Host): DraftRisk[] {
  const byDifference = Map.groupBy(paths, (path) => {
    const now = host.requirementsFor(after, [path]);
    const lost = host
      .requirementsFor(before, [path])
      .filter((was) => !now.some((requirement) => isAsStrict(requirement, was)));
    return lost.length === 0 ? "" : JSON.stringify([lost.map(asked), now.map(asked)]);
  });
  return [...byDifference].flatMap(([difference, of]) => {
    if (difference === "") return [];
    const [lost, now] = JSON.parse(difference) as [Text[], Text[]];
    const some = of.length > 4 ? `${of.slice(0, 3).join(", ")}, … (${of.length})` : of.join(", ");
    const [en, ptBR] = of.length === paths.length ? ["every file", "todos os arquivos"] : [some, some];
    const said = (locale: "en" | "pt-BR"): string =>
      `${lost.map((each) => each[locale]).join("; ")} → ${now.map((each) => each[locale]).join("; ")}`;
    return [
      looser(
        text(`Weaker approval of ${en}: ${said("en")}`, `Aprovação mais fraca de ${ptBR}: ${said("pt-BR")}`),
      ),
    ];
  });
}

const looseness = { never: 0, only_approver: 1, always: 2 };

type Votes = Pick<Requirement, "required" | "roles" | "self_approval">;

/** Whether no vote is enough for one rule that is not enough for the other. */
export const isAsStrict = (one: Votes, other: Votes): boolean =>
  one.required >= other.required &&
  one.roles.every((role) => other.roles.includes(role)) &&
  looseness[one.self_approval] <= looseness[other.self_approval];

/** `2 votes of approver (self_approval: never)`. */
const asked = ({ required, roles, self_approval }: Requirement): Text =>
  text(
    `${required} ${required === 1 ? "vote" : "votes"} of ${roles.join("/")} (self_approval: ${self_approval})`,
    `${required} ${required === 1 ? "voto" : "votos"} de ${roles.join("/")} (self_approval: ${self_approval})`,
  );

/** A request that waits longer may be approved by somebody who has forgotten what it was for. */
function longerOpen(old: ApprovalsPolicy, next: ApprovalsPolicy): DraftRisk[] {
  const before = new Map([["default", old.default.expires_after], ...old.rules.map(lifeOf)]);
  return [["default", next.default.expires_after] as const, ...next.rules.map(lifeOf)].flatMap(
    ([name, life]) => {
      const was = before.get(name);
      if (was === undefined || durationMs(life) <= durationMs(was)) return [];
      return [
        looser(
          text(
            `Requests wait longer for votes: ${was} → ${life} (${name})`,
            `Pedidos esperam votos por mais tempo: ${was} → ${life} (${name})`,
          ),
          "medium",
        ),
      ];
    },
  );
}

const lifeOf = ({ name, expires_after }: ApprovalsPolicy["rules"][number]) => [name, expires_after] as const;

/** New or changed rules whose paths are those of no file: they ask nothing of anybody. */
function boundToNothing(
  old: ApprovalsPolicy,
  next: ApprovalsPolicy,
  paths: readonly string[],
  { matchesAny }: Host,
): DraftRisk[] {
  const known = new Set(old.rules.map((rule) => JSON.stringify(rule)));
  return next.rules
    .filter((rule) => !known.has(JSON.stringify(rule)))
    .filter((rule) => !paths.some((path) => matchesAny(path, rule.paths)))
    .map((rule) => ({
      title: text(
        `Approval rule ${rule.name} binds no file that is there: ${rule.paths.join(", ")}`,
        `A regra de aprovação ${rule.name} não vale para nenhum arquivo existente: ${rule.paths.join(", ")}`,
      ),
      impact: "medium" as const,
      mitigation: text(
        "Paths are written as in the repository, with case and ending: policies/**, agents/billing/**.",
        "Os caminhos são escritos como no repositório, com maiúsculas e extensão: policies/**, agents/billing/**.",
      ),
    }));
}
