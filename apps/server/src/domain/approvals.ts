import type { Role } from "@ciclo/contract";

/** What one rule of the approvals policy asks of a change. */
export type Requirement = {
  /** `default`, or the rule's name. */
  rule: string;
  required: number;
  roles: Role[];
  self_approval: "never" | "only_approver" | "always";
  expires_after: string;
};
