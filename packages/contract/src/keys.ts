import { z } from "zod";
import { isPlaceholder } from "./credentials.ts";
import { handshakeStepSchema } from "./servers.ts";
import { slugSchema } from "./plans.ts";
import { keyStates } from "./vocabulary.ts";

const instant = z.iso.datetime();
const keyName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9_.-]+$/, { error: "letters, digits, underscore, dot and hyphen" });

const maxKeyBytes = 65_536;
const placeholderSaid = "stands for a value, and is none: give the value itself";

/**
 * A credential's value, exactly as it will be sent: a token, or a private key of many lines. What a header or variable cannot
 * take of it is said where it is used.
 */
export const keyValueSchema = z
  .string()
  .min(1)
  .max(maxKeyBytes)
  .refine(
    (value) =>
      value.isWellFormed() && !value.includes("\0") && new TextEncoder().encode(value).length <= maxKeyBytes,
    { error: "at most 65536 bytes of text, without NUL" },
  )
  .refine((value) => !isPlaceholder(value), { error: placeholderSaid })
  .refine((value) => !/^\s*secret:/i.test(value), {
    error: "refers to a key, and is none: give the value itself",
  });

export const keyParams = z.object({ provider: slugSchema, name: keyName });

/** How a key is renewed by itself, through the API of whoever issues it. */
export const renewalSchema = z.strictObject({
  provider: z.literal("gitlab"),
  /** Base address of the API's host. */
  url: z
    .url({ protocol: /^https?$/ })
    .max(500)
    .default("https://gitlab.com"),
  /** How long before its end it is renewed, and how long the new one lasts. Days. */
  renew_days_before: z.int().min(1).max(90).default(7),
  valid_days: z.int().min(1).max(365).default(30),
});
export type Renewal = z.infer<typeof renewalSchema>;

export const keySchema = z.object({
  provider: z.string(),
  name: z.string(),
  /** `secret:<provider>/<NAME>`, as the configuration refers to it. */
  reference: z.string(),
  state: z.enum(keyStates),
  /** Of the value in use. */
  version: z.int().nullable(),
  created_at: instant,
  /** Since when the value in use is in use. */
  value_since: instant.nullable(),
  expires_at: instant.nullable(),
  /** Servers of the live configuration that take it. */
  used_by: z.array(z.string()),
  /** Providers of `policies/models.yaml` that calls of models go to with it. */
  used_by_models: z.array(z.string()),
  /** Webhooks of `policies/notify.yaml` whose address it is. */
  used_by_webhooks: z.array(z.string()),
  renewal: renewalSchema.nullable(),
  /** Why it cannot be renewed by itself just now, or whether that is being found out. */
  renewal_problem: z.string().nullable(),
  last_handshake: z
    .object({ at: instant, ok: z.boolean(), detail: z.string(), rotation_id: z.string() })
    .nullable(),
});
export type Key = z.infer<typeof keySchema>;

export const newKeySchema = z.strictObject({
  provider: slugSchema,
  name: keyName,
  value: keyValueSchema,
  expires_at: instant.optional(),
});

export const rotateKeySchema = z.strictObject({
  value: keyValueSchema,
  expires_at: instant.optional(),
  /** Put it in use without a handshake: for a provider that is dead. Recorded as such. */
  force: z.boolean().default(false),
  reason: z.string().trim().max(4000).optional(),
});

export const rotationStates = ["running", "promoted", "rejected"] as const;

/** The handshake of one server with the staged value. */
export const rotationServerSchema = z.object({
  server: z.string(),
  steps: z.array(handshakeStepSchema),
});

export const rotationSchema = z.object({
  id: z.string(),
  provider: z.string(),
  name: z.string(),
  version: z.int(),
  status: z.enum(rotationStates),
  forced: z.boolean(),
  /** What came of it, in a sentence; why the old value was kept. */
  detail: z.string(),
  started_at: instant,
  ended_at: instant.nullable(),
  servers: z.array(rotationServerSchema),
});
export type Rotation = z.infer<typeof rotationSchema>;
export const rotationParams = z.object({ id: z.string().min(1).max(100) });
