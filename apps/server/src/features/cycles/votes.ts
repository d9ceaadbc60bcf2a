import type { ActiveRoles } from "../../domain/approvals.ts";
import type { Vote } from "../../lib/votes.ts";
import type { StoredDecision } from "./store.ts";

/** Votes on what there is now, as they count: in the roles that their voters hold today. Sent back is no vote. Pure. */
export const standingVotes = (
  decisions: readonly StoredDecision[],
  subject: string,
  people: ActiveRoles,
): Vote[] =>
  decisions
    .filter(({ voided_at, ...made }) => voided_at === null && made.subject === subject)
    .flatMap(({ user_id, user_name, roles, decision, comment, at }) =>
      decision === "send_back"
        ? []
        : [
            {
              user_id,
              actor: user_name,
              roles: roles.filter((role) => people.get(user_id)?.includes(role)),
              decision,
              reason: comment,
              at,
            },
          ],
    );
