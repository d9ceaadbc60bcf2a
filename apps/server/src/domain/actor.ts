import type { Role } from "@ciclo/contract";

/** What a caller's calls are counted for: a run of an agent, and what the run is part of. */
export type RunContext = {
  run: string;
  phase: string | null;
  pullRequest: string | null;
  sprint: string | null;
  agent: string | null;
};

/** Who does something: an authenticated user, or the console itself (`id` null). */
export type Actor = {
  id: string | null;
  name: string;
  email: string | null;
  roles: readonly Role[];
  /** The run that acts as this user, by a token that calls models and tools and does nothing else. */
  run?: RunContext;
};

/** By which callers are told apart: users, and each run that acts as one. */
export const callerKey = ({ id, name, run }: Actor): string =>
  run === undefined ? (id ?? name) : JSON.stringify([id ?? name, run.run]);

/** The console acting by itself: the reconciler, expiry, webhooks. */
export const system: Actor = { id: null, name: "ciclo", email: null, roles: [] };

export const anonymous: Actor = { id: null, name: "anonymous", email: null, roles: [] };

/** What is recorded of a write or refusal. `metadata` never holds a secret. */
export type AuditEntry = {
  actor: Actor;
  action: string;
  resource: string;
  status: "succeeded" | "refused" | "failed";
  planId?: string | undefined;
  metadata?: Readonly<Record<string, unknown>>;
};

export type RecordEntry = (entry: AuditEntry) => Promise<void>;
