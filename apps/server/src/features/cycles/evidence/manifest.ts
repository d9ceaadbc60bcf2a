import {
  type Analysis,
  type CheckReport,
  type CycleCost,
  cyclePredicateType,
  type CycleStatement,
  type DeliveryPlan,
  type PartCost,
  type PullRequest,
} from "@ciclo/contract";
import { sha256 } from "../../../lib/crypto.ts";
import { partCosts } from "../artifacts/costs.ts";
import { leavesOf } from "../artifacts/check.ts";
import type { Turn } from "../stage.ts";

type Of = {
  turn: Pick<Turn, "cycle" | "artifacts" | "executions" | "decisions">;
  commits: readonly { commit: string; subject: string }[];
  cost: CycleCost;
  attachments: readonly { name: string; bytes: Buffer }[];
  /** On the forge, where it was merged there. */
  pull: PullRequest | null;
  at: string;
};

/** What a cycle came to, for whoever asks a year later: from each requirement to its test, commit, approval and cost. Pure. */
export function statementOf({
  turn: { cycle, artifacts, executions, decisions },
  commits,
  cost,
  attachments,
  pull,
  at,
}: Of): CycleStatement {
  const analysis = artifacts.get("analysis")?.content as Analysis;
  const plan = artifacts.get("plan")?.content as DeliveryPlan;
  const report = artifacts.get("check")?.content as CheckReport;
  const branch = cycle.base_branch ?? "";
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: `${cycle.repository}@${branch}`, digest: { gitCommit: report.head } }],
    predicateType: cyclePredicateType,
    predicate: {
      cycle: { id: cycle.id, title: cycle.title, repository: cycle.repository, branch },
      base: report.base,
      head: report.head,
      issue: {
        sha256: sha256(cycle.issue),
        attachments: attachments.map(({ name, bytes }) => ({ name, sha256: sha256(bytes) })),
      },
      requested_by: cycle.requested_by_name,
      replay: cycle.replay,
      requirements: requirementsOf(analysis, plan, report),
      commits: [...commits],
      gates: report.gates.map(({ gate, on, command, passed, log, recording }) => ({
        gate,
        on,
        command,
        passed,
        log,
        recording,
      })),
      red_run: report.red_run,
      captures: report.captures.map(({ on, test, media_type, sha256: hash }) => ({
        on,
        test,
        media_type,
        sha256: hash,
      })),
      ...measuresIn(report),
      agreed_to: report.to_agree.map(({ kind, path }) => ({ kind, path })),
      approvals: decisions
        .filter(({ decision, voided_at: voided }) => decision === "approve" && voided === null)
        .map(({ checkpoint, subject, user_name: by, roles, at: when }) => ({
          checkpoint,
          subject,
          by,
          roles,
          at: when,
        })),
      artifacts: [...artifacts.values()].map(({ kind, version, sha256: hash, model }) => ({
        kind,
        version,
        sha256: hash,
        model,
      })),
      cost: costIn(cost, partCosts(executions, plan.work_breakdown.items, cost)),
      pull_request: pull === null ? null : { url: pull.url, merge_commit: pull.merge_commit },
      ended_at: at,
    },
  };
}

function measuresIn({ measures }: CheckReport): Pick<Predicate, "coverage" | "mutation"> {
  const { coverage = null, mutation = null } = measures ?? {};
  return {
    coverage: coverage && { covered: coverage.covered, lines: coverage.lines },
    mutation: mutation && { detected: mutation.detected, mutants: mutation.mutants },
  };
}

type Predicate = CycleStatement["predicate"];

function requirementsOf(
  analysis: Analysis,
  plan: DeliveryPlan,
  report: CheckReport,
): Predicate["requirements"] {
  const red = new Map((report.tests?.fresh ?? []).map(({ name, on_base: how }) => [name, how]));
  const leaves = leavesOf(plan.work_breakdown.items);
  return analysis.quick_spec.requirements.map(({ id, text }) => ({
    id,
    text,
    work_items: leaves.filter(({ requirements }) => requirements.includes(id)).map((leaf) => leaf.id),
    tests: (report.requirements.find(({ requirement }) => requirement === id)?.cases ?? []).flatMap((one) =>
      one.tests.map((name) => ({
        case: one.case,
        name,
        on_base: red.get(name) === "assertion" ? ("assertion" as const) : ("absence" as const),
        on_head: "passed" as const,
      })),
    ),
  }));
}

const costIn = (
  { usd, calls, unknown_calls, phases }: CycleCost,
  parts: readonly PartCost[],
): Predicate["cost"] => ({
  usd,
  calls,
  unknown_calls,
  phases: phases.map((of) => ({ phase: of.phase, usd: of.usd, calls: of.calls })),
  parts: parts.map((of) => ({ item: of.item, usd: of.usd, calls: of.calls })),
});
