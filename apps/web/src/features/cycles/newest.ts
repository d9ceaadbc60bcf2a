import type { CycleArtifact, CycleDetail } from "@ciclo/contract";

export type ArtifactOf<K extends CycleArtifact["kind"]> = Extract<CycleArtifact, { kind: K }>;

/** The newest artefact of a kind, if there is one. */
export const newest = <K extends CycleArtifact["kind"]>(
  { artifacts }: Pick<CycleDetail, "artifacts">,
  kind: K,
): ArtifactOf<K> | undefined =>
  artifacts.findLast((artifact): artifact is ArtifactOf<K> => artifact.kind === kind);
