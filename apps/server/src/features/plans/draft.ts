import type { Intent, IntentPayload, PlanStep, Text } from "@ciclo/contract";
import type { Snapshot } from "../../domain/snapshot.ts";

/** A step before a language is chosen. */
export type DraftStep = Omit<PlanStep, "title" | "description"> & { title: Text; description: Text };

/** What an intent comes to: the files it writes and why, not yet checked or diffed. */
export type Draft = {
  /** Start of the plan's id, such as `add-agent-catalog`. */
  name: string;
  summary: Text;
  steps: DraftStep[];
  /** What each file's change is, in one line. */
  fileSummaries: ReadonlyMap<string, Text>;
  /** Existing files that are replaced whole. */
  overwrites?: string[];
  /** What to look for in documentation. */
  searchFor: string;
};

/** What an intent may look at: the snapshot, and one file that it names. */
export type DraftInput<I extends Intent> = {
  payload: IntentPayload<I>;
  snapshot: Snapshot;
  /** Contents of `payload.target_path` at the base, where the intent has one. */
  existing: string | null;
};

/** The files of a draft: new contents by path, null where it deletes. */
export function draftFiles(
  draft: Pick<Draft, "steps"> | { steps: readonly PlanStep[] },
): Map<string, string | null> {
  const files = new Map<string, string | null>();
  for (const action of draft.steps.flatMap((step) => step.actions)) {
    files.set(action.path, action.type === "write_file" ? action.contents : null);
  }
  return files;
}

/** A step that writes one file. */
export const writeStep = (
  id: string,
  title: Text,
  description: Text,
  file: { path: string; contents: string },
  dependsOn: string[] = [],
): DraftStep => ({
  id,
  title,
  description,
  depends_on: dependsOn,
  actions: [{ type: "write_file", ...file }],
});
