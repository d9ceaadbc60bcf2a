import { z } from "zod";
import { type Intent, intents, sessionModes, transports } from "./vocabulary.ts";

/** Names of agents, servers and policies: also folder and file names, so kept to a safe alphabet. */
export const slugSchema = z
  .string()
  .max(64)
  .regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/, {
    error: "lower-case letters, digits and inner hyphens, such as billing-agent",
  });

/** `secret:<provider>/<NAME>`: the only form in which a credential may stand in the config repository. */
export const secretReferenceSchema = z
  .string()
  .max(200)
  .regex(/^secret:[a-z0-9][a-z0-9-]*\/[A-Za-z0-9_.-]+$/, {
    error: "a reference of the form secret:<provider>/<NAME>, never the value itself",
  });

/** A reference, with the scheme that an `Authorization` header wants before it. */
const credentialReferenceSchema = z
  .string()
  .max(220)
  .regex(/^(?:Bearer |Basic |token )?secret:[a-z0-9][a-z0-9-]*\/[A-Za-z0-9_.-]+$/, {
    error: "a reference of the form secret:<provider>/<NAME>, never the value itself",
  });

const line = z
  .string()
  .trim()
  .min(1)
  .max(500)
  .regex(/^[^\r\n\0]*$/, { error: "one line" });
const lines = (max: number) => z.array(line).max(max);

export const modelSchema = z.strictObject({ provider: line, name: line });

/** What says where an MCP server is and what it is for. */
export const onboardedServerShape = {
  title: line.optional(),
  description: z.string().trim().max(4000).optional(),
  capabilities: lines(50).optional(),
  endpoint: z
    .url({ protocol: /^(https?|wss?)$/ })
    .max(2000)
    .optional(),
  transport: z.enum(transports).optional(),
  command: line.optional(),
  args: z.array(z.string().max(1000)).max(100).optional(),
  tools: lines(500).optional(),
  /** Whether callers share the console's session with the server, or each has one of their own. */
  session: z.enum(sessionModes).optional(),
};

/** Header or environment variable → where its value comes from; a scheme may stand before it. */
const references = z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,99}$/), credentialReferenceSchema);

/** Names of tools with the hash of what was approved. */
export const lockedToolsSchema = z.record(
  z.string().min(1).max(200),
  z.strictObject({ hash: z.string().regex(/^sha256:[0-9a-f]{64}$/) }),
);

export const addAgentPayload = z.strictObject({
  agent_name: slugSchema,
  repository: line.optional(),
  ...onboardedServerShape,
  auth: references.optional(),
  model: modelSchema.optional(),
  approval_rules: lines(20).optional(),
});

/** `add_agent` for an agent that is an MCP server, with its tools as a handshake found them. */
export const onboardServerPayload = addAgentPayload.extend({
  lock: lockedToolsSchema.optional(),
});

export const importServersPayload = z.strictObject({
  servers: z
    .array(
      z.strictObject({
        id: slugSchema,
        title: line,
        transport: z.enum(transports),
        url: line.optional(),
        command: line.optional(),
        args: z.array(z.string().max(1000)).max(100).optional(),
        env: z.record(z.string().max(200), z.string().max(2000)).optional(),
        headers: z.record(z.string().max(200), z.string().max(2000)).optional(),
        lock: lockedToolsSchema.optional(),
      }),
    )
    .min(1)
    .max(500),
});

export const editServerPayload = z.strictObject({
  server: slugSchema,
  /** RFC 7396 merge patch on its registry entry. Credentials are references. */
  changes: z.record(z.string().max(200), z.json()),
});

/** Puts tools in the lock as they are offered now; null takes one out. */
export const acceptToolsPayload = z.strictObject({
  server: slugSchema,
  tools: z.record(z.string().min(1).max(200), lockedToolsSchema.valueType.nullable()),
});

export const editPoliciesPayload = z.strictObject({
  policy_id: slugSchema,
  /** RFC 7396 merge patch on the policy file. */
  changes: z.record(z.string().max(200), z.json()).optional(),
  create: z.boolean().optional(),
});

export const artifactTypes = [
  "agent.manifest",
  "agent.readme",
  "finops.checklist",
  "adr",
  "runbook",
] as const;

export const generateArtifactPayload = z.strictObject({
  artifact_type: z.enum(artifactTypes),
  target_path: z.string().trim().min(1).max(500),
  parameters: z.record(z.string().max(200), z.json()).optional(),
});

export const removeAgentPayload = z.strictObject({ agent_name: slugSchema });
export const removeServerPayload = z.strictObject({ server: slugSchema });

/** What each intent takes. */
export const intentPayloads = {
  add_agent: addAgentPayload,
  onboard_server: onboardServerPayload,
  import_servers: importServersPayload,
  edit_server: editServerPayload,
  accept_tools: acceptToolsPayload,
  edit_policies: editPoliciesPayload,
  generate_artifact: generateArtifactPayload,
  remove_agent: removeAgentPayload,
  remove_server: removeServerPayload,
} as const satisfies Record<Intent, z.ZodObject>;

export type IntentPayload<I extends Intent = Intent> = z.infer<(typeof intentPayloads)[I]>;
/** An intent together with the payload that belongs to it. */
export type TypedRequest = { [I in Intent]: { intent: I; payload: IntentPayload<I> } }[Intent];

/** Fields of an intent, the required ones apart, read from its schema. */
export function intentFields(intent: Intent): { required: string[]; optional: string[] } {
  const names = Object.entries(intentPayloads[intent].shape) as [string, z.ZodType][];
  const isOptional = ([, schema]: [string, z.ZodType]) => schema instanceof z.ZodOptional;
  return {
    required: names.filter((entry) => !isOptional(entry)).map(([name]) => name),
    optional: names.filter(isOptional).map(([name]) => name),
  };
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const commitId = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/);
const path = z.string().min(1).max(1000);
const prose = z.string().max(20_000);

export const planStepSchema = z.strictObject({
  id: z.string().max(100),
  title: prose,
  description: prose,
  depends_on: z.array(z.string().max(100)).max(100),
  actions: z
    .array(
      z.discriminatedUnion("type", [
        z.strictObject({ type: z.literal("write_file"), path, contents: z.string().max(2_000_000) }),
        z.strictObject({ type: z.literal("delete_file"), path }),
      ]),
    )
    .max(1000),
});

export const planDiffSchema = z.strictObject({
  path,
  summary: prose,
  change_type: z.enum(["create", "update", "delete"]),
  diff: z.string().max(5_000_000),
});

export const riskSchema = z.strictObject({
  title: prose,
  impact: z.enum(["low", "medium", "high"]),
  mitigation: prose,
});

export const referenceSchema = z.strictObject({
  path,
  title: prose,
  snippet: prose,
  score: z.number(),
});

export const planSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]{1,120}$/),
  intent: z.enum(intents),
  summary: prose,
  status: z.literal("pending"),
  steps: z.array(planStepSchema).max(200),
  diffs: z.array(planDiffSchema).max(1000),
  risks: z.array(riskSchema).max(200),
  context: z.array(referenceSchema).max(50),
  approval_rules: z.array(prose).max(100),
  base_branch: z.string().max(250),
  base_commit: commitId,
  patch_sha256: sha256,
});

export const previewSchema = z.object({
  branch: z.string(),
  base_branch: z.string(),
  commit_message: z.string(),
  pull_request: z
    .object({ provider: z.enum(["github", "gitlab"]), title: z.string(), body: z.string() })
    .nullable(),
});

export type Plan = z.infer<typeof planSchema>;
export type PlanStep = z.infer<typeof planStepSchema>;
export type PlanDiff = z.infer<typeof planDiffSchema>;
export type Risk = z.infer<typeof riskSchema>;
export type Reference = z.infer<typeof referenceSchema>;
export type Preview = z.infer<typeof previewSchema>;

export const planRequestSchema = z.strictObject({
  intent: z.string().min(1).max(100),
  payload: z.record(z.string().max(200), z.json()),
  threadId: z.string().max(100).optional(),
});

export const plannedSchema = z.object({
  threadId: z.string().nullable(),
  plan: planSchema,
  diffs: z.array(planDiffSchema),
  patch: z.string(),
  preview: previewSchema,
});
export type Planned = z.infer<typeof plannedSchema>;
