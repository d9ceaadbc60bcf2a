import { type ApprovalTally, type Text, text } from "@ciclo/contract";
import { canonicalJson, sha256 } from "../../lib/crypto.ts";
import type { Requirement } from "../../domain/approvals.ts";
import { counts, givenFor, type Vote } from "../../lib/votes.ts";

/** What a vote is given for. A change in any of the three makes it another thing. */
export const bindingOf = (patchSha256: string, baseCommit: string, policyVersion: string): string =>
  sha256(canonicalJson([patchSha256, baseCommit, policyVersion]));

export function tally(
  requirements: readonly Requirement[],
  votes: readonly Vote[],
  expiresAt: string | null,
): ApprovalTally {
  return {
    required: Math.max(0, ...requirements.map((requirement) => requirement.required)),
    given: votes.filter(
      (vote) =>
        vote.decision === "approve" &&
        (requirements.length === 0 || requirements.some((requirement) => counts(requirement, vote))),
    ).length,
    decisions: votes.map(({ actor, decision, reason, at }) => ({ actor, decision, reason, at })),
    requirements: requirements.map((requirement) => ({
      rule: requirement.rule,
      required: requirement.required,
      given: givenFor(requirement, votes),
      roles: requirement.roles,
      self_approval: requirement.self_approval,
    })),
    expires_at: expiresAt,
  };
}

export const noApprovals: ApprovalTally = {
  required: 0,
  given: 0,
  decisions: [],
  requirements: [],
  expires_at: null,
};

const firstWaitMs = 2000;
const longestWaitMs = 5 * 60_000;

/** How long to wait before the next attempt, in milliseconds: 2 s, 4 s, … 5 min. */
export const backOffMs = (attempts: number): number =>
  Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(20, Math.max(0, attempts - 1)));

/** One sentence on where a change stands. */
export function describeState(state: {
  kind: string;
  status: string;
  outcome: string | null;
  missing: number;
  base: string;
  reason: Text | null;
}): Text {
  if (state.kind === "rollback" && state.outcome !== null && state.outcome in refusedRollbacks)
    return refusedRollbacks[state.outcome] ?? text(state.outcome, state.outcome);
  if (state.outcome !== null)
    return outcomes[state.outcome]?.(state.base) ?? text(state.outcome, state.outcome);
  if (state.reason !== null) {
    return text(
      `Waiting; retried automatically: ${state.reason.en}`,
      `Aguardando, com novas tentativas automáticas: ${state.reason["pt-BR"]}`,
    );
  }
  if (state.status === "hitl_required") {
    return text(
      `Waiting for ${state.missing} more approval${state.missing === 1 ? "" : "s"}`,
      `Aguardando mais ${state.missing} aprovaç${state.missing === 1 ? "ão" : "ões"}`,
    );
  }
  return text("In progress", "Em andamento");
}

const refusedRollbacks: Record<string, Text> = {
  rejected: text(
    "The rollback was rejected; the change stays",
    "A reversão foi rejeitada; a mudança permanece",
  ),
  expired: text(
    "The rollback expired before it was approved; the change stays",
    "A reversão expirou antes de ser aprovada; a mudança permanece",
  ),
  stale: text(
    "policies/approvals.yaml has changed since the rollback was asked for; ask again. The change stays",
    "policies/approvals.yaml mudou desde o pedido de reversão; peça de novo. A mudança permanece",
  ),
};

const outcomes: Record<string, (base: string) => Text> = {
  applied: (base) => text(`Applied to ${base}`, `Aplicada em ${base}`),
  rejected: () => text("Rejected; its branch was removed", "Rejeitada; a branch foi removida"),
  rolled_back: () => text("Rolled back", "Revertida"),
  expired: () =>
    text("Expired before it was approved. Plan it again.", "Expirou antes de ser aprovada. Planeje de novo."),
  stale: (base) =>
    text(
      `${base} has changed the same files since. Plan it again.`,
      `${base} alterou os mesmos arquivos desde então. Planeje de novo.`,
    ),
  canary_failed: () => text("Rolled back: the canary failed", "Revertida: o canário falhou"),
};
