import type { CycleCheckpoint } from "@ciclo/contract";
import { canonicalJson, sha256 } from "../../lib/crypto.ts";
import { checkpointBehind } from "./rules.ts";
import type { ArtifactKind, StoredArtifact, StoredCycle } from "./store.ts";

/**
 * The checkpoint that a cycle waits at; null where it waits at none. Policy had it when the cycle came there: one that has it no
 * more lets those pass that come later.
 */
export const checkpointOf = ({
  state,
  stage,
  waits_for,
}: Pick<StoredCycle, "state" | "stage" | "waits_for">): CycleCheckpoint | null =>
  state === "waiting" && waits_for === "decision" ? checkpointBehind(stage) : null;

const shown: Record<CycleCheckpoint, readonly ArtifactKind[]> = {
  analyze: ["analysis"],
  plan: ["analysis", "plan"],
  merge: ["analysis", "plan", "documentation", "check"],
};

/**
 * What is decided at a checkpoint, as SHA-256: of the hashes of all that is shown there, and of the commit where there is one.
 * Another version of any of them is another subject. Pure.
 */
export const subjectOf = (
  checkpoint: CycleCheckpoint,
  artifacts: ReadonlyMap<ArtifactKind, Pick<StoredArtifact, "sha256">>,
  { base_commit, head_commit }: Pick<StoredCycle, "base_commit" | "head_commit">,
): string =>
  sha256(
    canonicalJson({
      checkpoint,
      artifacts: shown[checkpoint].map((kind) => [kind, artifacts.get(kind)?.sha256 ?? null]),
      base: base_commit,
      head: checkpoint === "merge" ? head_commit : null,
    }),
  );
