import { z } from "zod";
import { onboardedServerShape, plannedSchema, slugSchema } from "./plans.ts";
import {
  handshakeSteps,
  mcpClients,
  protocolEras,
  sessionModes,
  serverStates,
  toolStates,
  transports,
} from "./vocabulary.ts";

const instant = z.iso.datetime();

/** One step of a handshake as it ended, or as it stands. Times in milliseconds. */
export const handshakeStepSchema = z.object({
  step: z.enum(handshakeSteps),
  status: z.enum(["running", "ok", "failed"]),
  ms: z.number().nullable(),
  /** What was seen, or what went wrong and what to do. */
  detail: z.string(),
});
export type HandshakeStep = z.infer<typeof handshakeStepSchema>;

export const toolSchema = z.object({
  name: z.string(),
  title: z.string().nullable(),
  description: z.string().nullable(),
  state: z.enum(toolStates),
  /** Only name, description and input schema were approved: its title, annotations and output schema are left out. */
  partial: z.boolean(),
  /** `sha256:…` of name, description and input schema, as offered now; null when it is missing. */
  hash: z.string().nullable(),
  locked_hash: z.string().nullable(),
  /** Why it is not offered; null when it is. */
  reason: z.string().nullable(),
});
export type Tool = z.infer<typeof toolSchema>;

/** A tool's definition as approved and as offered now, for a diff. Null where it is not known. */
export const toolDriftSchema = toolSchema.extend({
  approved: z.string().nullable(),
  offered: z.string().nullable(),
});
export type ToolDrift = z.infer<typeof toolDriftSchema>;

export const latencySampleSchema = z.object({ at: instant, ms: z.number().nullable(), ok: z.boolean() });

export const serverSummarySchema = z.object({
  id: z.string(),
  title: z.string(),
  transport: z.enum(transports),
  /** Address, or the whole command line. */
  target: z.string(),
  state: z.enum(serverStates),
  state_since: instant,
  /** What is wrong and what to do; null when nothing is. */
  detail: z.string().nullable(),
  /** When it is tried again by itself. */
  retry_at: instant.nullable(),
  restarts: z.int(),
  era: z.enum(protocolEras).nullable(),
  protocol_version: z.string().nullable(),
  tools: z.object({ offered: z.int(), withheld: z.int() }),
  /** Latest probes, oldest first. */
  latency: z.array(latencySampleSchema),
  calls_in_flight: z.int(),
});
export type ServerSummary = z.infer<typeof serverSummarySchema>;

export const serverDetailSchema = serverSummarySchema.extend({
  description: z.string().nullable(),
  server_info: z.object({ name: z.string(), version: z.string() }).nullable(),
  /** Names of headers or environment variables with the key that each takes its value from. */
  keys: z.array(z.object({ name: z.string(), reference: z.string() })),
  agents: z.array(z.string()),
  /** Whether all callers share the console's session with it, or each has one of their own. */
  session: z.enum(sessionModes),
  tool_list: z.array(toolSchema),
  /** The latest lines that the server wrote to standard error, and what became of its process. */
  log: z.array(z.object({ at: instant, line: z.string() })),
});
export type ServerDetail = z.infer<typeof serverDetailSchema>;

export const serverParams = z.object({ id: slugSchema });
export const serverToolParams = z.object({ id: slugSchema, tool: z.string().min(1).max(200) });

export const acceptToolsSchema = z.strictObject({
  /** All that differ when left out. */
  tools: z.array(z.string().min(1).max(200)).max(5000).optional(),
});

export const clientQuerySchema = z.strictObject({
  client: z.enum(mcpClients),
  /** One server's own route; the aggregated one when left out. */
  server: slugSchema.optional(),
});
export const clientConfigurationSchema = z.object({
  client: z.enum(mcpClients),
  /** Where the client looks for it. */
  path: z.string(),
  contents: z.string(),
  /** What to do with it, in words. */
  notes: z.array(z.string()),
});
export type ClientConfiguration = z.infer<typeof clientConfigurationSchema>;

export const onboardSchema = z.strictObject({
  ...onboardedServerShape,
  repository: z.string().trim().min(1).max(500),
  intent: z.enum(["plan", "validate"]),
  agent_name: slugSchema.optional(),
  /** Values go to the key store; references `secret:<provider>/<NAME>` stay as they are. */
  auth: z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,99}$/), z.string().min(1).max(8000)).optional(),
  threadId: z.string().max(100).optional(),
});
export type Onboarding = z.infer<typeof onboardSchema>;

/** What a live handshake with a server found. */
export const validationSchema = z.object({
  ok: z.boolean(),
  steps: z.array(handshakeStepSchema),
  era: z.enum(protocolEras).nullable(),
  protocol_version: z.string().nullable(),
  server_info: z.object({ name: z.string(), version: z.string() }).nullable(),
  tools: z.array(
    z.object({
      name: z.string(),
      description: z.string().nullable(),
      hash: z.string(),
      problem: z.string().nullable(),
    }),
  ),
});
export type Validation = z.infer<typeof validationSchema>;

/** `validate` answers with the validation alone. */
export const onboardedSchema = z.object({
  validation: validationSchema,
  ...plannedSchema.partial().shape,
});
export type Onboarded = z.infer<typeof onboardedSchema>;

export const importSchema = z.strictObject({
  client: z.enum(mcpClients),
  /** The client's file, as it is. JSON with comments and trailing commas will do. */
  contents: z.string().min(2).max(1_000_000),
  /** Which of its servers; all when left out. */
  servers: z.array(z.string().min(1).max(200)).max(500).optional(),
  threadId: z.string().max(100).optional(),
});

export const importedServerSchema = z.object({
  /** As the client calls it, and as Ciclo does. */
  name: z.string(),
  id: z.string(),
  outcome: z.enum(["planned", "skipped"]),
  reason: z.string().nullable(),
  /** Keys that went to the store, by reference. */
  keys: z.array(z.string()),
  validation: validationSchema.nullable(),
});

export const importedSchema = z.object({
  servers: z.array(importedServerSchema),
  /** Null when nothing is left to plan. */
  planned: plannedSchema.nullable(),
  /** The client's file, pointing to the gateway. */
  rewritten: clientConfigurationSchema,
});
export type Imported = z.infer<typeof importedSchema>;
