import { posix } from "node:path";
import { type ApprovalsPolicy, text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import type { Requirement } from "../../domain/approvals.ts";

/** The policy in force. Refuses where it is there but cannot be used: nothing is let through then. */
export function usablePolicy({ approvals }: Pick<Snapshot, "approvals">): ApprovalsPolicy {
  if (approvals !== null) return approvals;
  throw new Refusal(
    "policy_denied",
    text(
      "policies/approvals.yaml, or a file by a name like it, is there but is no valid approvals policy, so nothing can be approved. Mend it by git.",
      "policies/approvals.yaml, ou um arquivo de nome parecido, existe mas não é uma política de aprovações válida, então nada pode ser aprovado. Corrija-a pelo git.",
    ),
  );
}

/** Rules that bind a change of these paths: all that match, or the default when none does. */
export function requirementsFor(policy: ApprovalsPolicy, paths: Iterable<string>): Requirement[] {
  const changed = [...paths];
  const requirement = (
    rule: string,
    { required, roles, self_approval, expires_after }: ApprovalsPolicy["default"],
  ) => ({
    rule,
    required,
    roles,
    self_approval,
    expires_after,
  });
  const matching = policy.rules.filter((rule) => changed.some((path) => matchesAny(path, rule.paths)));
  const uncovered = changed.some((path) => !policy.rules.some((rule) => matchesAny(path, rule.paths)));
  return [
    ...matching.map((rule) => requirement(rule.name, rule)),
    ...(uncovered || matching.length === 0 ? [requirement("default", policy.default)] : []),
  ];
}

/** Whether policy lets these paths change without an approval. */
export function allowsDirect(policy: ApprovalsPolicy, paths: Iterable<string>): boolean {
  const changed = [...paths];
  return changed.length > 0 && changed.every((path) => matchesAny(path, policy.direct.paths));
}

export const matchesAny = (path: string, globs: readonly string[]): boolean =>
  globs.some((glob) => posix.matchesGlob(path, glob));
