import type { Queries } from "../../db/dialect.ts";
import type { Context } from "./deps.ts";
import * as journal from "./journal-store.ts";
import type { Vote } from "../../lib/votes.ts";
import * as store from "./store.ts";

/** Votes as they count now: an approval holds while its voter is active, in the roles held today. */
export async function standingVotes(
  context: Pick<Context, "activeRoles">,
  queries: Queries,
  votes: readonly Vote[],
): Promise<Vote[]> {
  if (votes.length === 0) return [];
  const held = await context.activeRoles(
    queries,
    votes.map(({ user_id }) => user_id),
  );
  return votes.map((each) => ({
    ...each,
    roles: each.roles.filter((role) => held.get(each.user_id)?.includes(role)),
  }));
}

/** The votes on an approval: while it waits as they count now, afterwards as they were given. */
export async function votesShown(context: Context, approval: store.Approval): Promise<Vote[]> {
  const votes = await store.votesOf(context.queries, approval.id);
  return approval.status === "pending" ? standingVotes(context, context.queries, votes) : votes;
}

/** Who may have made a change their own: who submitted it, and who made its plan. A rollback is its requester's vote. */
export async function authorsOf(context: Context, change: store.Change): Promise<string[]> {
  if (change.kind === "rollback") return [];
  const planned = await context.findPlan(change.plan_id);
  return [change.actor_id, planned?.user_id ?? null].filter((id) => id !== null);
}

/** Ends an approval that has its votes, and queues what it was for. */
export async function approve(
  { queries, at }: { queries: Queries; at: string },
  approval: store.Approval,
  change: store.Change,
): Promise<void> {
  await store.resolveApproval(queries, approval.id, "approved", at);
  await store.updateChange(queries, change.id, { status: "in_progress", updated_at: at });
  await journal.queueOperation(queries, change, change.kind === "rollback" ? "revert" : "land", at);
}
