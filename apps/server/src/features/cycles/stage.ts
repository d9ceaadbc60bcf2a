import type { CycleStage, CycleWait, Execution, PolicyOf, Text } from "@ciclo/contract";
import type { Finding } from "./artifacts/check.ts";
import type { ArtifactKind, StoredArtifact, StoredCycle, StoredDecision } from "./store.ts";

/** What a stage is given. */
export type Turn = {
  cycle: StoredCycle;
  policy: PolicyOf<"cycles">;
  /** The newest of each kind. */
  artifacts: ReadonlyMap<ArtifactKind, StoredArtifact>;
  /** What came of the agent's tries, the first one first. */
  executions: readonly Execution[];
  /** Commits of its work that gates were run on: what its branch may have held. */
  checked: readonly string[];
  decisions: readonly StoredDecision[];
  /** Aborted where the cycle is halted, and where the console stops. */
  signal: AbortSignal;
};

export type NewArtifact = { kind: ArtifactKind; content: unknown; model: string | null; findings: Finding[] };
export type NewEvidence = { name: string; mediaType: string; bytes: Buffer };

/** What a stage hands on, whatever becomes of the cycle. */
export type Made = {
  artifacts?: readonly NewArtifact[];
  evidence?: readonly NewEvidence[];
  values?: Partial<
    Pick<
      StoredCycle,
      "base_branch" | "base_commit" | "head_commit" | "branch" | "pull_request" | "recipe" | "title" | "tries"
    >
  >;
  /** For the audit log. */
  metadata?: Readonly<Record<string, unknown>>;
};

/** What becomes of a cycle behind a stage. */
export type Outcome = Made &
  (
    | { to: "next" }
    /** An earlier stage runs again, with what it should read. */
    | { to: "back"; stage: CycleStage; note: string | null }
    /** `note` is for the phase that runs next, beside what a person says. */
    | { to: "wait"; waitsFor: CycleWait; reason: Text; note?: string; isCapped?: boolean }
    | { to: "end"; reason: Text }
  );

/** Does the work of a stage. It may be run again from its beginning after a crash. Throws a `Refusal` for what needs a person. */
export type Stage = (turn: Turn) => Promise<Outcome>;
