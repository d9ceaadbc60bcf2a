import { z } from "zod";
import { cursorSchema, pageSize } from "./paging.ts";
import { auditStatuses } from "./vocabulary.ts";

export const auditEventSchema = z.object({
  seq: z.int(),
  id: z.string(),
  at: z.string(),
  actor_id: z.string().nullable(),
  actor_name: z.string(),
  actor_roles: z.array(z.string()),
  action: z.string(),
  resource: z.string(),
  status: z.enum(auditStatuses),
  plan_id: z.string().nullable(),
  metadata: z.record(z.string(), z.json()),
  prev_hash: z.string(),
  hash: z.string(),
});
export type AuditEvent = z.infer<typeof auditEventSchema>;

export const auditQuerySchema = z.strictObject({
  actor: z.string().max(320).optional(),
  action: z.string().max(100).optional(),
  plan_id: z.string().max(120).optional(),
  from: z.iso.datetime().optional(),
  to: z.iso.datetime().optional(),
  cursor: cursorSchema.optional(),
  limit: pageSize,
});
export const auditExportSchema = auditQuerySchema.omit({ cursor: true, limit: true });
export type AuditFilter = z.infer<typeof auditExportSchema>;
export type AuditQuery = z.infer<typeof auditQuerySchema>;

export const checkpointSchema = z.object({
  origin: z.string(),
  size: z.int(),
  /** Base64 RFC 6962 root over the first `size` event hashes. */
  root: z.string(),
  /** The whole signed note (C2SP checkpoint form), ready to be kept elsewhere. */
  note: z.string(),
  /** Verifier key of the signature: `<name>+<key id>+<base64>`. */
  verifier_key: z.string(),
  signed_at: z.string(),
});
export type Checkpoint = z.infer<typeof checkpointSchema>;

export const auditVerdictSchema = z.object({
  ok: z.boolean(),
  events: z.int(),
  first_broken: z.object({ seq: z.int(), reason: z.string() }).nullable(),
});
export type AuditVerdict = z.infer<typeof auditVerdictSchema>;
