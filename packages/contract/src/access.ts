import { z } from "zod";
import { hasHidden } from "./hidden-characters.ts";

import { type Permission, permissions, roles } from "./permissions.ts";

export const roleSchema = z.enum(roles);

const nameSchema = z
  .string()
  .trim()
  .max(200)
  .regex(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}<>]*[\p{L}\p{N}][^\p{Cc}\p{Cs}\p{Zl}\p{Zp}<>]*$/u, {
    error: "one line with a letter or digit, without angle brackets",
    abort: true,
  })
  .refine((name) => !hasHidden(name), { error: "without characters that nobody sees" });
const instant = z.iso.datetime();
/** A time as somebody writes it, in any zone. */
const moment = z.iso.datetime({
  offset: true,
  error: "a time such as 2027-01-31T00:00:00Z or 2027-01-30T21:00:00-03:00",
});

/** Tokens of runs begin so: here, and for scanners of secrets. */
export const runTokenPrefix = "ciclo_run_";

/** Lower-cased, so that one mailbox is one user. */
export const emailSchema = z.email().max(320).toLowerCase();

/** A token brought from elsewhere: `openssl rand -hex 32` gives 64 characters. */
export const tokenSchema = z
  .string()
  .min(32)
  .max(512)
  .regex(/^[\x21-\x7e]+$/)
  .refine((token) => !token.startsWith(runTokenPrefix), {
    error: `begins with ${runTokenPrefix}, as tokens of runs do; make another: openssl rand -hex 32`,
  });

export const userSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  roles: z.array(roleSchema),
  has_token: z.boolean(),
  token_expires_at: instant.nullable(),
  last_used_at: instant.nullable(),
  disabled_at: instant.nullable(),
  created_at: instant,
});
export type User = z.infer<typeof userSchema>;

export const newUserSchema = z.strictObject({
  name: nameSchema,
  email: emailSchema,
  roles: z.array(roleSchema).max(roles.length).default([]),
  token: tokenSchema.optional(),
  token_expires_at: moment.optional(),
});
export type NewUser = z.input<typeof newUserSchema>;

/** A user with the token that is shown this once and stored only as a hash. */
export const provisionedUserSchema = userSchema.extend({ token: z.string() });
export type ProvisionedUser = z.infer<typeof provisionedUserSchema>;

export const tokenRequestSchema = z.strictObject({ expires_at: moment.optional() });

const label = z
  .string()
  .trim()
  .max(200)
  .regex(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*[\p{L}\p{N}][^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u, {
    error: "one line with a letter or digit",
    abort: true,
  })
  .refine((said) => !hasHidden(said), { error: "without characters that nobody sees" });

/** What calls are counted for: a run of an agent, and what the run is part of. */
export const runContextSchema = z.strictObject({
  run: label,
  phase: label.optional(),
  pull_request: label.optional(),
  sprint: label.optional(),
  /** The agent that runs, where it is known better than by what its program says of itself. */
  agent: label.optional(),
});

export const newRunTokenSchema = runContextSchema.extend({
  /** In one hour when left out; within 24 hours. */
  expires_at: moment.optional(),
});
export type NewRunToken = z.input<typeof newRunTokenSchema>;

/** A token that calls models and tools for a run, as the user who made it, and can do nothing else. */
export const runTokenSchema = z.object({
  id: z.string(),
  user: z.object({ id: z.string(), name: z.string() }),
  run: z.string(),
  phase: z.string().nullable(),
  pull_request: z.string().nullable(),
  sprint: z.string().nullable(),
  agent: z.string().nullable(),
  created_at: instant,
  expires_at: instant,
});
export type RunToken = z.infer<typeof runTokenSchema>;

/** With the token, which is shown this once and stored only as a hash. */
export const issuedRunTokenSchema = runTokenSchema.extend({ token: z.string() });
export type IssuedRunToken = z.infer<typeof issuedRunTokenSchema>;

export const sessionRequestSchema = z.union([
  z.strictObject({ token: z.string().min(1).max(512) }),
  z.strictObject({ link: z.string().min(1).max(512) }),
]);

export const sessionSchema = z.object({
  user: userSchema,
  permissions: z.array(z.enum(Object.keys(permissions) as [Permission, ...Permission[]])),
  csrf_token: z.string().nullable(),
  expires_at: instant.nullable(),
});
export type Session = z.infer<typeof sessionSchema>;
