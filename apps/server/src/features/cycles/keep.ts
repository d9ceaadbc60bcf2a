import type { CheckReport, Execution } from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";
import { canonicalJson, sha256 } from "../../lib/crypto.ts";
import { insertEvidence } from "./evidence-store.ts";
import type { NewArtifact, NewEvidence } from "./stage.ts";
import * as store from "./store.ts";

/** The newest artefact of each kind. */
export const newestOf = (
  artifacts: readonly store.StoredArtifact[],
): Map<store.ArtifactKind, store.StoredArtifact> =>
  new Map(artifacts.toSorted((a, b) => a.version - b.version).map((artifact) => [artifact.kind, artifact]));

/** What came of the agent's tries, the first one first. */
export const executionsOf = (artifacts: readonly store.StoredArtifact[]): Execution[] =>
  artifacts.flatMap(({ kind, content }) => (kind === "execution" ? [content as Execution] : []));

/** Commits that gates were run on. */
export const checkedIn = (artifacts: readonly store.StoredArtifact[]): string[] =>
  artifacts.flatMap(({ kind, content }) => (kind === "check" ? [(content as CheckReport).head] : []));

/** Keeps another version of an artefact. `versions` are those that are there. */
export async function insertArtifact(
  queries: Queries,
  cycleId: string,
  { kind, content, model, findings }: NewArtifact,
  { at, versions }: { at: string; versions: readonly store.StoredArtifact[] },
): Promise<void> {
  const json = canonicalJson(content);
  await store.insertArtifact(queries, {
    cycle_id: cycleId,
    kind,
    version: 1 + versions.filter((one) => one.kind === kind).length,
    sha256: sha256(json),
    json,
    findings,
    model,
    created_at: at,
  });
}

export const keepEvidence = (
  queries: Queries,
  cycleId: string,
  { name, mediaType, bytes }: NewEvidence,
  at: string,
): Promise<void> =>
  insertEvidence(queries, {
    cycle_id: cycleId,
    sha256: sha256(bytes),
    name,
    media_type: mediaType,
    bytes: bytes.length,
    content: bytes.toString("base64"),
    created_at: at,
  });
