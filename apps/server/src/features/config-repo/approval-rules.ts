import { posix } from "node:path";
import type { ApprovalsPolicy, Role } from "@ciclo/contract";

/** What one rule of the approvals policy asks of a change. */
export type Requirement = {
  /** `default`, or the rule's name. */
  rule: string;
  required: number;
  roles: Role[];
  self_approval: "never" | "only_approver" | "always";
  expires_after: string;
};

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

const matchesAny = (path: string, globs: readonly string[]): boolean =>
  globs.some((glob) => posix.matchesGlob(path, glob));
