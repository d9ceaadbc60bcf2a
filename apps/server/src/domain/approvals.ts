import { permissions, type Role, type Text, text } from "@ciclo/contract";

/** What one rule of the approvals policy asks of a change. */
export type Requirement = {
  /** `default`, or the rule's name. */
  rule: string;
  required: number;
  roles: Role[];
  self_approval: "never" | "only_approver" | "always";
  expires_after: string;
};

/** Roles of everybody who is active, by user. */
export type ActiveRoles = ReadonlyMap<string, readonly string[]>;

/** Why a rule can never have its votes from those who are there; null where it can. Authors' votes count as the rule says. Pure. */
export function unmeetable(
  { rule, required, roles, self_approval }: Requirement,
  people: ActiveRoles,
  authors: readonly string[],
): Text | null {
  const voters = [...people].filter(
    ([, held]) =>
      roles.some((role) => held.includes(role)) && permissions.decide.some((role) => held.includes(role)),
  );
  const others = voters.filter(([id]) => !authors.includes(id)).length;
  const isBarred = self_approval === "never" || (self_approval === "only_approver" && others > 0);
  const votes = isBarred ? others : voters.length;
  if (votes >= required) return null;
  const asked = roles.join(", ");
  const deciding = permissions.decide.join(", ");
  const neverDecides = !roles.some((role) => (permissions.decide as readonly Role[]).includes(role));
  return text(
    `policies/approvals.yaml, rule ${rule}: asks for ${required} vote${required === 1 ? "" : "s"} of ${asked}, and ${votes === 0 ? "nobody who is active" : `only ${votes} who ${votes === 1 ? "is" : "are"} active`} can give one${neverDecides ? `. Nobody decides by ${asked} alone: ${deciding} is needed too` : ""}. Give more people the role, or change the rule`,
    `policies/approvals.yaml, regra ${rule}: pede ${required} voto${required === 1 ? "" : "s"} de ${asked}, e ${votes === 0 ? "ninguém ativo" : `só ${votes} ativo${votes === 1 ? "" : "s"}`} pode dar um${neverDecides ? `. Ninguém decide só com ${asked}: ${deciding} também é preciso` : ""}. Dê o papel a mais pessoas ou mude a regra`,
  );
}
