import { cycleCheckpoints, policyOf, type PolicyOf, text } from "@ciclo/contract";
import type { Snapshot } from "../../domain/snapshot.ts";
import { isAsStrict } from "./guard-risks.ts";
import { looser } from "./looser.ts";
import type { DraftRisk } from "./risks.ts";

type Cycles = PolicyOf<"cycles">;

/** What a change lets delivery cycles do that they could not do before. Pure. */
export function cycleRisks(before: Snapshot, after: Snapshot): DraftRisk[] {
  const [old, next] = [policyOf(before.policies, "cycles"), policyOf(after.policies, "cycles")];
  // Without the policy no cycle does anything.
  if (next === null) return [];
  return [
    ...reach(old, next),
    ...agents(old?.executor, next.executor),
    ...lostCheckpoints(old, next),
    ...weakerVotes(old?.approvals ?? strictest, next.approvals),
    ...(next.pull_requests === "for_review" && old?.pull_requests !== "for_review" ? [builtUnapproved] : []),
  ];
}

const strictest: Cycles["approvals"] = { required: 1, roles: ["approver"], self_approval: "never" };

const added = <T>(old: readonly T[] | undefined, next: readonly T[]): T[] =>
  next.filter((one) => old?.includes(one) !== true);

function reach(old: Cycles | null, next: Cycles): DraftRisk[] {
  const repositories = added(old?.repositories, next.repositories);
  const hosts = added(old?.setup_hosts, next.setup_hosts);
  return [
    ...(repositories.length === 0
      ? []
      : [
          {
            title: text(
              `Cycles may change: ${repositories.join(", ")}`,
              `Ciclos podem alterar: ${repositories.join(", ")}`,
            ),
            impact: repositories.some((pattern) => /^(?:\/|[a-z]+:\/\/)?\*/.test(pattern))
              ? ("high" as const)
              : ("medium" as const),
            mitigation: text(
              "Name the repositories, or the folder that holds them and nothing else.",
              "Nomeie os repositórios, ou a pasta que contém só eles.",
            ),
          },
        ]),
    ...(hosts.length === 0
      ? []
      : [
          looser(
            text(
              `Set-ups of cycles may reach: ${hosts.join(", ")}`,
              `Preparações de ciclos podem alcançar: ${hosts.join(", ")}`,
            ),
          ),
        ]),
  ];
}

/** What the console starts to do the work. */
function agents(old: Cycles["executor"], next: Cycles["executor"]): DraftRisk[] {
  if (next === undefined) return [];
  const line = ({ preset, command, args }: NonNullable<typeof next>): string =>
    [command ?? preset ?? "", ...(args ?? [])].join(" ");
  const [was, now] = [old === undefined ? null : line(old), line(next)];
  return [
    ...(was === now
      ? []
      : [
          {
            title: text(
              `Cycles start another agent: ${shortened(now)}${was === null ? "" : `; was: ${shortened(was)}`}`,
              `Ciclos iniciam outro agente: ${shortened(now)}${was === null ? "" : `; antes: ${shortened(was)}`}`,
            ),
            impact: "high" as const,
            mitigation: text(
              "It runs in the sandbox, and sees the repositories that cycles work on. Check where the program comes from.",
              "Ele roda na sandbox e vê os repositórios em que ciclos trabalham. Confira de onde vem o programa.",
            ),
          },
        ]),
    ...(old !== undefined && asking[next.permissions] < asking[old.permissions]
      ? [
          looser(
            text(
              `The agent of cycles need not ask any more: permissions ${old.permissions} → ${next.permissions}`,
              `O agente dos ciclos não precisa mais pedir: permissions ${old.permissions} → ${next.permissions}`,
            ),
            "medium",
          ),
        ]
      : []),
  ];
}

const asking = { allow: 0, ask: 1, deny: 2 };

const shortened = (line: string): string => (line.length <= 200 ? line : `${line.slice(0, 200)}…`);

function lostCheckpoints(old: Cycles | null, next: Cycles): DraftRisk[] {
  const held = old?.checkpoints ?? cycleCheckpoints;
  const lost = held.filter((checkpoint) => !next.checkpoints.includes(checkpoint));
  return lost.length === 0
    ? []
    : [
        looser(
          text(
            `Cycles go past without a person: ${lost.join(", ")}`,
            `Ciclos passam sem uma pessoa por: ${lost.join(", ")}`,
          ),
        ),
      ];
}

function weakerVotes(old: Cycles["approvals"], next: Cycles["approvals"]): DraftRisk[] {
  if (isAsStrict(next, old)) return [];
  const said = ({ required, roles, self_approval: own }: Cycles["approvals"]): string =>
    `${required} × ${roles.join("/")} (self_approval: ${own})`;
  return [
    looser(
      text(
        `Weaker approval of cycles: ${said(old)} → ${said(next)}`,
        `Aprovação mais fraca de ciclos: ${said(old)} → ${said(next)}`,
      ),
    ),
  ];
}

const builtUnapproved = looser(
  text(
    "Code of agents reaches the forge before anybody approved it, and its CI runs it",
    "Código de agentes chega à forja antes de alguém aprovar, e o CI dela o executa",
  ),
);
