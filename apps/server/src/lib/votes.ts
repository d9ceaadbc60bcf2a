import { text } from "@ciclo/contract";
import { Refusal } from "../errors.ts";
import type { Actor } from "../domain/actor.ts";
import type { ActiveRoles, Requirement } from "../domain/approvals.ts";

/** Who has to agree to something, as far as votes on it are counted. */
export type VotingRule = Pick<Requirement, "rule" | "required" | "roles" | "self_approval">;

export type Vote = {
  user_id: string;
  actor: string;
  roles: string[];
  decision: "approve" | "reject";
  reason: string | null;
  at: string;
};

export const counts = (requirement: VotingRule, vote: Pick<Vote, "roles">): boolean =>
  requirement.roles.some((role) => vote.roles.includes(role));

export const givenFor = (requirement: VotingRule, votes: readonly Vote[]): number =>
  votes.filter((vote) => vote.decision === "approve" && counts(requirement, vote)).length;

/** Every requirement has its votes, and nobody said no. */
export const isApproved = (requirements: readonly VotingRule[], votes: readonly Vote[]): boolean =>
  votes.every((vote) => vote.decision === "approve") &&
  requirements.every((requirement) => givenFor(requirement, votes) >= requirement.required);

/**
 * Why somebody may not vote; null when they may. Authors are who was signed in, whatever names were given: who made the plan,
 * and who submitted it. `others` is how many active users, authors aside, hold a role of the requirement that decides;
 * `policy` is where the requirements stand.
 */
export function votingProblem(
  voter: Actor,
  requirements: readonly VotingRule[],
  votes: readonly Vote[],
  authors: readonly string[],
  others: (requirement: VotingRule) => number,
  policy = "policies/approvals.yaml",
): Refusal | null {
  if (votes.some((vote) => vote.user_id === voter.id)) return votedAlready();
  const mine = requirements.filter((requirement) => counts(requirement, { roles: [...voter.roles] }));
  if (mine.length === 0) return notAsked(policy, requirements);
  if (voter.id === null || !authors.includes(voter.id)) return null;
  const forbidding = mine.find(
    (requirement) =>
      requirement.self_approval === "never" ||
      (requirement.self_approval === "only_approver" && others(requirement) > 0),
  );
  return forbidding === undefined ? null : ownChange(policy, forbidding);
}

/** How many who are active could vote for a requirement, authors aside. */
export const othersThan = (authors: readonly string[], people: ActiveRoles, { roles }: VotingRule): number =>
  [...people].filter(([id, held]) => !authors.includes(id) && roles.some((role) => held.includes(role)))
    .length;

const votedAlready = (): Refusal =>
  new Refusal(
    "already_decided",
    text("You have decided on this change already", "Você já decidiu sobre esta mudança"),
  );

function notAsked(policy: string, requirements: readonly VotingRule[]): Refusal {
  const roles = [...new Set(requirements.flatMap((requirement) => requirement.roles))].join(", ");
  const rules = requirements.map((requirement) => requirement.rule).join(", ");
  return new Refusal(
    "policy_denied",
    text(
      `${policy}, rule ${rules}: only ${roles} may decide this change`,
      `${policy}, regra ${rules}: somente ${roles} pode decidir esta mudança`,
    ),
  );
}

function ownChange(policy: string, { rule, self_approval }: VotingRule): Refusal {
  return new Refusal(
    "self_approval",
    self_approval === "never"
      ? text(
          `${policy}, rule ${rule}: authors never approve their own change`,
          `${policy}, regra ${rule}: autores nunca aprovam a própria mudança`,
        )
      : text(
          `${policy}, rule ${rule}: another approver is there, so somebody else must approve your change`,
          `${policy}, regra ${rule}: há outro aprovador, então outra pessoa deve aprovar sua mudança`,
        ),
  );
}
