import { fromJson } from "../../db/json.ts";
import { pullRequestSchema } from "@ciclo/contract";
import { type Locale, type RollbackPreview, type Text, text } from "@ciclo/contract";
import type { Context } from "./deps.ts";
import { brokenBy } from "./procedures.ts";
import {
  askedNow,
  conflict,
  doneAlready,
  findChange,
  isTakenBack,
  landingNotRecorded,
  nothingLeft,
  unknownCommit,
} from "./rollback.ts";
import * as store from "./store.ts";

type Effect = Pick<RollbackPreview, "effect" | "files" | "conflicts"> & { message: Text };

/** What a rollback would do to the live branch as it is now. Changes nothing. */
export async function previewRollback(
  context: Context,
  planId: string,
  locale: Locale,
): Promise<RollbackPreview> {
  const change = await findChange(context, { plan_id: planId });
  const before = await store.findByPlan(context.queries, planId, "rollback");
  const { message, ...effect } =
    before !== undefined && isTakenBack(before)
      ? nothing(doneAlready(before))
      : await effectOf(context, change);
  const pullRequest =
    change.pull_request === null ? null : fromJson(pullRequestSchema, change.pull_request).url;
  return {
    ...effect,
    branch: change.branch,
    base_branch: change.base_branch,
    landed_sha: change.landed_sha,
    pull_request: effect.effect === "withdraw" ? pullRequest : null,
    message: message[locale],
  };
}

const nothing = (message: Text): Effect => ({ effect: "none", files: [], conflicts: [], message });

async function effectOf(context: Context, change: store.Change): Promise<Effect> {
  const { outcome } = change;
  if (outcome !== null && outcome !== "applied") return nothing(nothingLeft(outcome));
  const landed = outcome === null ? await landingNotRecorded(context, change) : change.landed_sha;
  if (landed === null) return outcome === null ? withdrawal(change) : nothing(unknownCommit(change).detail);
  const { files, conflicts } = await context.repository.previewRevert(landed, (head, commit) =>
    brokenBy(context, head, commit),
  );
  if (conflicts.length > 0) {
    return { effect: "revert", files: [], conflicts, message: conflict(change).detail };
  }
  const { requirements } = await askedNow(context, change);
  const votes = Math.max(...requirements.map(({ required }) => required));
  return { effect: "revert", files, conflicts, message: reversal(change, files.length, votes) };
}

const withdrawal = ({ branch, base_branch }: store.Change): Effect => ({
  effect: "withdraw",
  files: [],
  conflicts: [],
  message: text(
    `Removes the branch ${branch}, local and remote, and ends its approval. ${base_branch} stays as it is.`,
    `Remove a branch ${branch}, local e remota, e encerra a aprovação. ${base_branch} fica como está.`,
  ),
});

const reversal = ({ base_branch }: store.Change, files: number, votes: number): Text => {
  if (files === 0)
    return text(
      `${base_branch} no longer holds this change: nothing in it would differ.`,
      `${base_branch} não contém mais esta mudança: nada nela ficaria diferente.`,
    );
  const [en, ptBR] =
    votes > 1
      ? [
          `It waits for ${votes} votes; yours is the first.`,
          `Ela espera por ${votes} votos; o seu é o primeiro.`,
        ]
      : ["It is live at once.", "Vale imediatamente."];
  return text(
    `Adds a commit to ${base_branch} that takes this change back. ${en} Files it touches: ${files}.`,
    `Adiciona a ${base_branch} um commit que desfaz esta mudança. ${ptBR} Arquivos tocados: ${files}.`,
  );
};
