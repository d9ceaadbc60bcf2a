import type { Generated } from "kysely";
import type { UsageTables } from "./usage-schema.ts";

/** Times are ISO 8601 UTC text, JSON columns are JSON text, in SQLite and PostgreSQL alike. */

type UserTable = {
  id: Generated<string>;
  name: string;
  email: string;
  api_token_hash: string | null;
  token_expires_at: string | null;
  token_last_used_at: string | null;
  disabled_at: string | null;
  created_at: Generated<string>;
  updated_at: Generated<string>;
};

type UserRoleTable = {
  user_id: string;
  role_id: string;
  assigned_at: Generated<string>;
  assigned_by: string | null;
};

type SessionTable = {
  id_hash: string;
  user_id: string;
  expires_at: string;
  created_at: string;
};

type RunTokenTable = {
  token_hash: string;
  id: string;
  user_id: string;
  run: string;
  phase: string | null;
  pull_request: string | null;
  sprint: string | null;
  agent: string | null;
  created_at: string;
  expires_at: string;
};

type SignInLinkTable = {
  link_hash: string;
  user_id: string;
  expires_at: string;
  used_at: string | null;
};

/** Lists and objects are JSON text, as in every table. */
export type AuditEventTable = {
  seq: number;
  id: string;
  at: string;
  actor_id: string | null;
  actor_name: string;
  actor_roles: string;
  action: string;
  resource: string;
  status: string;
  plan_id: string | null;
  metadata: string;
  prev_hash: string;
  hash: string;
};

export type AuditCheckpointTable = {
  size: number;
  root: string;
  /** Hashes of the complete subtrees, hex, largest first, comma-separated. */
  frontier: string;
  note: string;
  signed_at: string;
};

export type ThreadTable = {
  id: string;
  user_id: string;
  title: string;
  /** The request that still lacks a field, or null. */
  pending: string | null;
  created_at: string;
  updated_at: string;
};

export type ThreadMessageTable = {
  id: string;
  thread_id: string;
  position: number;
  role: string;
  text: string;
  answer: string | null;
  at: string;
};

type PlanTable = {
  id: string;
  thread_id: string | null;
  user_id: string;
  intent: string;
  payload: string;
  plan: string;
  patch: string;
  created_at: string;
};

export type ChangePlanTable = {
  id: string;
  plan_id: string;
  /** `submission`, or `rollback` for the row that a rollback adds. */
  kind: string;
  thread_id: string | null;
  intent: string;
  summary: string;
  actor: string;
  actor_email: string | null;
  actor_id: string | null;
  mode: string;
  status: string;
  outcome: string | null;
  branch: string;
  base_branch: string;
  base_commit: string;
  commit_sha: string | null;
  /** The commit on the base branch that brought the change there. */
  landed_sha: string | null;
  /** Since when the base branch is seen without the commit that it held: somebody rewrote the branch. */
  left_at: string | null;
  diff_stat: string;
  diff_patch: string;
  risks: string;
  pull_request: string | null;
  metadata: string;
  created_at: string;
  updated_at: string;
};

export type LiveHeadTable = {
  branch: string;
  commit_sha: string;
  seen_at: string;
  /** The latest commit that the console itself put there since it was seen. */
  landed_since: string | null;
};

export type ApprovalTable = {
  id: string;
  plan_id: string;
  change_record_id: string;
  status: string;
  patch_sha256: string;
  base_commit: string;
  policy_version: string;
  /** What the votes are given for: SHA-256 over patch, base and policy version. */
  binding: string;
  requirements: string;
  expires_at: string;
  created_at: string;
  resolved_at: string | null;
};

export type ApprovalVoteTable = {
  approval_id: string;
  user_id: string;
  actor: string;
  roles: string;
  decision: string;
  reason: string | null;
  at: string;
};

export type OperationTable = {
  id: string;
  record_id: string;
  plan_id: string;
  kind: string;
  status: string;
  attempts: number;
  next_attempt_at: string;
  last_error: string | null;
  created_at: string;
  updated_at: string;
};

type OperationStepTable = {
  operation_id: string;
  step: string;
  status: string;
  result: string | null;
  started_at: string;
  ended_at: string | null;
};

type IdempotencyKeyTable = {
  user_id: string;
  key: string;
  request_hash: string;
  response: string;
  created_at: string;
};

export type KeyTable = {
  provider: string;
  name: string;
  created_at: string;
  created_by: string;
  revoked_at: string | null;
  /** How it is renewed by itself, or null. */
  renewal: string | null;
  /** When renewing is due, or due again. */
  renew_after: string | null;
  renew_error: string | null;
  /** Since when a renewal is under way whose outcome is not written down yet. */
  renewing_since: string | null;
};

export type KeyVersionTable = {
  provider: string;
  name: string;
  version: number;
  /** `staged`, then `active` and later `retired`; or `rejected`. */
  state: string;
  data_key_id: string;
  /** The value under the data key; see features/keys/seal.ts. */
  sealed: string;
  created_at: string;
  created_by: string;
  active_since: string | null;
  expires_at: string | null;
};

export type KeyRotationTable = {
  id: string;
  provider: string;
  name: string;
  version: number;
  status: string;
  forced: string;
  detail: string;
  servers: string;
  actor: string;
  started_at: string;
  ended_at: string | null;
};

export type CanaryTable = {
  id: string;
  record_id: string;
  plan_id: string;
  status: string;
  servers: string;
  policy: string;
  samples: string;
  detail: string | null;
  started_at: string;
  ended_at: string | null;
};

/** A key that came with a plan: sealed until that is submitted, then stored as a version of the key. */
export type OfferedKeyTable = {
  plan_id: string;
  provider: string;
  name: string;
  /** Who offered it, and no other, may have it stored. */
  user_id: string;
  user_name: string;
  data_key_id: string;
  sealed: string;
  created_at: string;
  stored_at: string | null;
  /** Of the key, once it is stored. */
  version: number | null;
};

export type CycleTable = {
  id: string;
  title: string;
  issue: string;
  repository: string;
  /** Of the repository; null until it has been looked at. */
  base_branch: string | null;
  base_commit: string | null;
  /** The last commit of the work. */
  head_commit: string | null;
  branch: string | null;
  /** How the repository is checked, as it was found at the base commit. */
  recipe: string | null;
  state: string;
  stage: string;
  waits_for: string | null;
  reason: string | null;
  /** What the stage that runs next should read. */
  note: string | null;
  requested_by: string;
  requested_by_name: string;
  locale: string;
  /** The node that works on it, and until when that is believed without hearing of it again. */
  held_by: string | null;
  held_until: string | null;
  tries: number;
  version: number;
  created_at: string;
  updated_at: string;
  ended_at: string | null;
  replay: number;
  /** On the forge, as JSON. */
  pull_request: string | null;
  /** Who asked for a merged one to be taken back, and what came of that, as JSON. */
  rollback: string | null;
  /** When branch and pull request of one that ended were seen to be gone. */
  withdrawn_at: string | null;
  /** When its evidence was deleted, as `policies/retention.yaml` says. */
  evidence_removed_at: string | null;
};

/** What a phase handed on. `content` is JSON, of which `sha256` is. */
export type CycleArtifactTable = {
  cycle_id: string;
  kind: string;
  version: number;
  sha256: string;
  content: string;
  findings: string;
  model: string | null;
  created_at: string;
};

export type CycleDecisionTable = {
  id: string;
  cycle_id: string;
  checkpoint: string;
  /** SHA-256 of what was decided on. */
  subject: string;
  decision: string;
  comment: string | null;
  user_id: string;
  user_name: string;
  roles: string;
  at: string;
  /** Since when it counts no more: what it was made on has changed. */
  voided_at: string | null;
};

/** What an agent asked leave for. `answer`: allow, deny, or void where it waits no more; null while it does. */
export type CyclePermissionTable = {
  id: string;
  cycle_id: string;
  title: string;
  details: string | null;
  asked_at: string;
  answer: string | null;
  answered_by: string | null;
  answered_at: string | null;
};

/** Logs and recordings by their hash. `content` is base64. */
export type CycleEvidenceTable = {
  cycle_id: string;
  sha256: string;
  name: string;
  media_type: string;
  bytes: number;
  created_at: string;
  /** When what it holds was deleted, as `policies/retention.yaml` says. */
  removed_at: string | null;
};

/** Base64. */
export type CycleEvidenceContentTable = { cycle_id: string; sha256: string; content: string };

export type Tables = UsageTables & {
  cycles: CycleTable;
  cycle_artifacts: CycleArtifactTable;
  cycle_decisions: CycleDecisionTable;
  cycle_evidence: CycleEvidenceTable;
  cycle_evidence_contents: CycleEvidenceContentTable;
  cycle_permissions: CyclePermissionTable;
  users: UserTable;
  roles: { id: string; name: string };
  user_roles: UserRoleTable;
  sessions: SessionTable;
  sign_in_links: SignInLinkTable;
  run_tokens: RunTokenTable;
  audit_events: AuditEventTable;
  audit_head: { id: number; seq: number; hash: string; mac: string | null };
  audit_checkpoints: AuditCheckpointTable;
  threads: ThreadTable;
  thread_messages: ThreadMessageTable;
  plans: PlanTable;
  change_plans: ChangePlanTable;
  live_heads: LiveHeadTable;
  approvals: ApprovalTable;
  approval_votes: ApprovalVoteTable;
  operations: OperationTable;
  operation_steps: OperationStepTable;
  idempotency_keys: IdempotencyKeyTable;
  tool_definitions: { hash: string; definition: string; last_seen_at: string };
  server_drifts: { server_id: string; fingerprint: string; at: string };
  data_keys: { id: string; master_id: string; wrapped: string; created_at: string };
  keys: KeyTable;
  key_versions: KeyVersionTable;
  key_rotations: KeyRotationTable;
  offered_keys: OfferedKeyTable;
  key_revision: { id: number; revision: number };
  canaries: CanaryTable;
  write_probes: { id: number; filler: string };
};
