/** Every expected failure: its stable code and the HTTP status it answers with. */
export const problemStatus = {
  invalid_payload: 400,
  unauthenticated: 401,
  insufficient_permission: 403,
  self_approval: 403,
  policy_denied: 403,
  csrf_required: 403,
  not_found: 404,
  stale_plan: 409,
  already_decided: 409,
  already_applied: 409,
  already_exists: 409,
  branch_exists: 409,
  revert_conflict: 409,
  rotation_running: 409,
  idempotency_conflict: 409,
  too_large: 413,
  patch_rejected: 422,
  rate_limited: 429,
  internal: 500,
  audit_unavailable: 503,
  database_unavailable: 503,
  server_unavailable: 503,
  repository_unavailable: 503,
} as const;

export type ProblemCode = keyof typeof problemStatus;
