import { type Text, text } from "@ciclo/contract";
import type { LiveHeadTable as LiveHead } from "../../db/schema.ts";
import { system } from "../../domain/actor.ts";
import { stamp } from "../../lib/clock.ts";
import type { Context } from "./deps.ts";
import * as store from "./store.ts";

/** Of one rewriting, so many plans are named in its audit entry. */
const maxNamed = 50;

/**
 * Sees whether somebody rewrote the live branch, by a forced push for example, and which changes it lost or got back
 * with that. Each is recorded once, by whichever node sees it first.
 */
export async function watchLiveBranch(context: Context): Promise<void> {
  const { queries, repository, database } = context;
  const { baseBranch } = repository;
  const isNews = (seen: LiveHead | undefined, head: string): boolean =>
    seen?.commit_sha !== head || seen.landed_since !== null;
  if (!isNews(await store.findLiveHead(queries, baseBranch), await repository.refresh())) return;
  await database.exclusively(`live:${baseBranch}`, async () => {
    const seen = await store.findLiveHead(queries, baseBranch);
    // Read again under the lock: an older head than the one on record would look like a rewriting.
    const head = await repository.refresh();
    if (isNews(seen, head)) await recordMove(context, seen, head);
  });
}

/** The latest commit that the branch had and has no more; null where it only grew. */
async function lostTip({ repository }: Context, seen: LiveHead, head: string): Promise<string | null> {
  const { commit_sha, landed_since } = seen;
  const isLost = async (commit: string): Promise<boolean> =>
    (await repository.missing(head, [commit])).size > 0;
  // What a forge merged and does not show yet was not lost.
  const isKnown = landed_since !== null && (await repository.hasCommit(landed_since));
  if (isKnown && (await isLost(landed_since))) return landed_since;
  return (await isLost(commit_sha)) ? commit_sha : null;
}

async function recordMove(context: Context, seen: LiveHead | undefined, head: string): Promise<void> {
  const { repository, transaction, clock, queries } = context;
  const { baseBranch } = repository;
  const at = stamp(clock());
  const from = seen === undefined ? null : await lostTip(context, seen, head);
  // A branch that only grew loses nothing, but may bring back what it lost before.
  const standing = await store.standing(
    queries,
    baseBranch,
    seen === undefined || from !== null ? "all" : "left",
  );
  const missing = await repository.missing(
    head,
    standing.flatMap(({ commit, landed }) => (commit === null ? [landed] : [commit, landed])),
  );
  // A rollback is missed only where the change that it took back is there.
  const isMissed = ({ kind, commit, landed }: store.Standing): boolean =>
    (commit === null || missing.has(commit)) && (kind === "submission" || !missing.has(landed));
  const lost = standing.filter((row) => row.left_at === null && isMissed(row));
  const back = standing.filter((row) => row.left_at !== null && !isMissed(row));
  await transaction(async (on, record) => {
    await store.setLiveHead(on, { branch: baseBranch, commit_sha: head, seen_at: at });
    if (from !== null) {
      await record({
        actor: system,
        action: "live.rewritten",
        resource: `branch:${baseBranch}`,
        status: "succeeded",
        metadata: { from, to: head, lost: lost.slice(0, maxNamed).map(({ plan_id }) => plan_id) },
      });
    }
    for (const [rows, action] of [
      [lost, "change.left_live"],
      [back, "change.back_live"],
    ] as const) {
      for (const { id, plan_id, kind, commit } of rows) {
        await store.updateChange(on, id, { left_at: action === "change.left_live" ? at : null });
        await record({
          actor: system,
          action,
          resource: `change:${plan_id}`,
          status: "succeeded",
          planId: plan_id,
          metadata: { kind, commit, base_branch: baseBranch },
        });
      }
    }
  });
}

/** Changes, and rollbacks, that the live branch held and holds no more. */
export async function leftLive(context: Context): Promise<{ planId: string; reason: Text }[]> {
  const left = await store.standing(context.queries, context.repository.baseBranch, "left");
  const lost = left.filter(({ left_at }) => left_at !== null);
  return lost.map((change) => ({ planId: change.plan_id, reason: sayLeft(change) }));
}

/** What became of a change whose commit the live branch lost. */
export const sayLeft = ({ kind, base_branch }: Pick<store.Change, "kind" | "base_branch">): Text =>
  kind === "rollback"
    ? text(
        `${base_branch} was rewritten and holds the change again: its rollback is gone. Roll it back once more, or push the rollback again`,
        `${base_branch} foi reescrita e contém a mudança de novo: a reversão sumiu. Reverta outra vez ou faça push da reversão de novo`,
      )
    : text(
        `${base_branch} was rewritten and no longer holds the change. Push it again or plan it again; roll it back to confirm that it is gone`,
        `${base_branch} foi reescrita e não contém mais a mudança. Faça push dela de novo ou planeje-a de novo; reverta-a para confirmar que saiu`,
      );
