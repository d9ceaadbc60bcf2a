import type { Text } from "@ciclo/contract";
import { type ActiveRoles, unmeetable } from "../../domain/approvals.ts";
import type { Context } from "./deps.ts";
import { authorsOf } from "./votes.ts";
import * as store from "./store.ts";

const maxLookedAt = 100;

/** Why nobody who is there could ever approve a change that waits; null where they can, or it does not wait. */
export async function hangs(context: Context, change: store.Change): Promise<Text | null> {
  if (change.status !== "hitl_required") return null;
  const approval = await store.findApproval(context.queries, "change_record_id", change.id);
  return approval?.status === "pending"
    ? whyNever(await context.activeRoles(context.queries), approval, await authorsOf(context, change))
    : null;
}

/** Changes that wait for votes that nobody can give. Of those that wait, the newest are looked at. */
export async function hanging(context: Context): Promise<{ planId: string; reason: Text }[]> {
  const { queries } = context;
  const waiting = await store.listApprovals(queries, { status: "pending", limit: maxLookedAt });
  const people = await context.activeRoles(queries);
  const found = [];
  for (const approval of waiting) {
    const change = await store.mustFindChange(queries, approval.change_record_id);
    const reason = whyNever(people, approval, await authorsOf(context, change));
    if (reason !== null) found.push({ planId: approval.plan_id, reason });
  }
  return found;
}

function whyNever(
  people: ActiveRoles,
  { requirements }: store.Approval,
  authors: readonly string[],
): Text | null {
  for (const requirement of requirements) {
    const why = unmeetable(requirement, people, authors);
    if (why !== null) return why;
  }
  return null;
}
