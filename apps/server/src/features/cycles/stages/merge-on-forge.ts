import { type PullRequest, text } from "@ciclo/contract";
import type { Forge } from "../../../lib/forge/forge.ts";
import { closedThere, nameOf, otherMerged, propose } from "../pull-requests.ts";
import { branchOf } from "../naming.ts";
import type { Proposal } from "../proposal.ts";
import type { Repositories } from "../repositories.ts";
import type { Outcome, Turn } from "../stage.ts";

/** The forge has merged what was approved, or holds it back for a reason that people or checks there have to clear. */
export type OnForge = { merged: PullRequest } | { waits: Extract<Outcome, { to: "wait" }> };

/** What was merged already, as far as it is what was approved. Throws a `Refusal` for anything else that was decided there. */
export function alreadyMerged(pull: PullRequest | null, head: string): PullRequest | null {
  if (pull?.state === "closed") throw closedThere(pull);
  if (pull?.state !== "merged") return null;
  if (pull.head !== head) throw otherMerged(pull, head);
  return pull;
}

/** Has the forge merge the work, exactly as it was checked and approved. */
export async function mergeOnForge(
  { forge, repositories }: { forge: Forge; repositories: Repositories },
  { cycle, checked, signal }: Turn,
  { head, proposal }: { head: string; proposal: Proposal },
): Promise<OnForge> {
  const pull = await propose({ forge, repositories }, { cycle, head, proposal, ours: checked }, signal);
  const merged = alreadyMerged(pull, head) ?? (await forge.merge(pull.number, head, proposal.title));
  const now = { ...(await forge.read(pull.number)), head };
  if ("merged" in merged && !merged.merged)
    return {
      waits: {
        to: "wait",
        waitsFor: "forge",
        reason: text(
          `${forge.provider} does not merge ${nameOf(pull)} yet: ${merged.reason}. The console tries again when checks or reviews there change, and when you resume the cycle`,
          `${forge.provider} ainda não faz o merge de ${nameOf(pull)}: ${merged.reason}. A console tenta de novo quando verificações ou revisões mudarem ali, e quando você retomar o ciclo`,
        ),
        values: { branch: branchOf(cycle.id), pull_request: { ...now, has_manifest: false } },
      },
    };
  return { merged: now };
}
