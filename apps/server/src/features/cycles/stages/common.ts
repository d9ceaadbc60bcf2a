import type { Actor } from "../../../domain/actor.ts";
import type { StoredArtifact, StoredCycle } from "../store.ts";
import { quoted } from "./context.ts";

/** Whoever asked for a cycle, as they are now: its calls are made for them. Throws a `Refusal` where they may not any more. */
export type Requester = (cycle: Pick<StoredCycle, "requested_by" | "requested_by_name">) => Promise<Actor>;

/** The commit that a cycle began from. */
export function baseOf({ id, base_commit: base }: Pick<StoredCycle, "id" | "base_commit">): string {
  if (base === null) throw new Error(`cycle ${id} has no base commit yet`);
  return base;
}

/** What a phase that runs again is told: what it wrote before, and what a person said about it. */
export const partsBefore = (
  { note }: Pick<StoredCycle, "note">,
  before: Pick<StoredArtifact, "content"> | undefined,
): (readonly [string, string])[] =>
  note === null
    ? []
    : [
        ...(before === undefined ? [] : [["Your answer before", JSON.stringify(before.content)] as const]),
        ["What a reviewer says", `${quoted(note)}\n\nAnswer again, in full, with this taken into account.`],
      ];
