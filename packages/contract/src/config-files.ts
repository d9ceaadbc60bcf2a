import { z } from "zod";
import { isAnnouncedCredential } from "./credentials.ts";
import { hasLooseReference, referenceIn } from "./references.ts";
import { line, usd } from "./fields.ts";
import { policyFileSchema } from "./policy-files.ts";
import { lockedToolsSchema, modelSchema, slugSchema } from "./plans.ts";
import { sessionModes, transports } from "./vocabulary.ts";

/** Schemas of every file kind of the config repository (contract §4). */

export const cicloFileSchema = z.strictObject({
  schema_version: z.literal(1),
  name: line,
});

/** Header or environment values. What its name announces as a credential is a reference: the rest is looked at when a change is planned. */
const credentialMap = z.record(z.string().max(200), z.string().max(2000)).superRefine((values, context) => {
  for (const [name, value] of Object.entries(values)) {
    if (referenceIn(value) !== null || !isAnnouncedCredential(name, value)) continue;
    context.addIssue({
      code: "custom",
      path: [name],
      message: "a reference of the form secret:<provider>/<NAME>, never the value itself",
    });
  }
});

const referenceAtEnd =
  "a reference stands once, at the end of a value, and has the form secret:<provider>/<NAME>";

/** Values that mention a key where none is put in: they would be sent as they are written. */
function looseReferences(server: {
  url?: string | undefined;
  command?: string | undefined;
  args?: string[] | undefined;
  env?: Record<string, string> | undefined;
  headers?: Record<string, string> | undefined;
}): (string | number)[][] {
  const named = (["env", "headers"] as const).flatMap((field) =>
    Object.entries(server[field] ?? {})
      .filter(([, value]) => hasLooseReference(value))
      .map(([name]) => [field, name]),
  );
  const args = (server.args ?? []).flatMap((value, index) =>
    hasLooseReference(value) ? [["args", index]] : [],
  );
  const places = (["url", "command"] as const).filter((field) => /secret:/i.test(server[field] ?? ""));
  return [...named, ...args, ...places.map((field) => [field])];
}

/** The console's own MCP server, which no other may be called. */
export const ownServerId = "ciclo";

export const registryServerSchema = z
  .strictObject({
    id: slugSchema.refine((id) => id !== ownServerId, { error: "ciclo is the console's own server" }),
    title: line,
    description: z.string().max(4000).optional(),
    transport: z.enum(transports),
    url: z.url({ protocol: /^(https?|wss?)$/ }).optional(),
    command: line.optional(),
    args: z.array(z.string().max(1000)).max(100).optional(),
    env: credentialMap.optional(),
    headers: credentialMap.optional(),
    tools: z.array(line).max(500).optional(),
    timeouts: z
      .strictObject({
        connect_ms: z.int().min(1).max(600_000).optional(),
        call_ms: z.int().min(1).max(3_600_000).optional(),
      })
      .optional(),
    limits: z
      .strictObject({
        /** Resident memory of a stdio server with its children; above it is ended and restarted. */
        memory_mb: z.int().min(16).max(1_000_000).optional(),
        /** Calls under way at once. */
        concurrent_calls: z.int().min(1).max(10_000).optional(),
      })
      .optional(),
    /** What one tool call costs, for budgets. Unpriced when left out. */
    price: z.strictObject({ per_call_usd: usd }).optional(),
    /** Whether all callers share the console's session with the server, or each has one of their own. */
    session: z.enum(sessionModes).optional(),
  })
  .superRefine((server, context) => {
    for (const path of looseReferences(server))
      context.addIssue({ code: "custom", path, message: referenceAtEnd });
    const needed = server.transport === "stdio" ? "command" : "url";
    const refused = server.transport === "stdio" ? "url" : "command";
    if (server[needed] === undefined) {
      context.addIssue({
        code: "custom",
        path: [needed],
        message: `required for transport ${server.transport}`,
      });
    }
    if (server[refused] !== undefined) {
      context.addIssue({
        code: "custom",
        path: [refused],
        message: `not used by transport ${server.transport}`,
      });
    }
  });
export type RegistryServer = z.infer<typeof registryServerSchema>;

export const registryFileSchema = z
  .strictObject({ servers: z.array(registryServerSchema).max(5000) })
  // Said beside what else is wrong with entries, and not only once that is put right.
  .refine((file) => doubled(file).length === 0, {
    path: ["servers"],
    when: () => true,
    error: ({ input }) => `listed twice: ${doubled(input).join(", ")}`,
  });

/** Ids that several entries of a file have, which may be anything yet. */
function doubled(file: unknown): string[] {
  const { servers } = (file ?? {}) as { servers?: unknown };
  if (!Array.isArray(servers)) return [];
  const ids = servers.map((server: unknown) => (server as { id?: unknown } | null)?.id);
  return [
    ...new Set(ids.filter((id, index) => typeof id === "string" && ids.indexOf(id) < index)),
  ] as string[];
}
export type RegistryFile = z.infer<typeof registryFileSchema>;

export const toolLockFileSchema = z.strictObject({
  version: z.literal(1),
  servers: z.record(slugSchema, lockedToolsSchema),
});
export type ToolLockFile = z.infer<typeof toolLockFileSchema>;

export const agentFileSchema = z.strictObject({
  name: slugSchema,
  title: line,
  version: z.string().regex(/^\d+\.\d+\.\d+$/, { error: "a version such as 1.0.0, in quotes" }),
  description: z.string().max(4000).optional(),
  repository: line.optional(),
  capabilities: z.array(line).max(50).optional(),
  server: slugSchema.optional(),
  tools: z.array(line).max(500).optional(),
  model: modelSchema.optional(),
  policies: z.array(slugSchema).max(50).optional(),
  finops: z.strictObject({ cost_center: line.optional(), monthly_usd: usd.optional() }).optional(),
  hitl: z.strictObject({ approval_rules: z.array(line).max(20) }).optional(),
});
export type AgentFile = z.infer<typeof agentFileSchema>;

/** Kind of a file by its path; null for files that have no schema (README, generated artefacts). */
export function configFileKind(path: string): keyof typeof configFileSchemas | null {
  if (path === "ciclo.yaml") return "ciclo";
  if (path === "mcp-registry.yaml") return "registry";
  if (path === "mcp-tools.lock.json") return "tool_lock";
  if (/^agents\/[^/]+\/agent\.yaml$/.test(path)) return "agent";
  if (/^policies\/[^/]+\.yaml$/.test(path)) return "policy";
  return null;
}

export const configFileSchemas = {
  ciclo: cicloFileSchema,
  registry: registryFileSchema,
  tool_lock: toolLockFileSchema,
  agent: agentFileSchema,
  policy: policyFileSchema,
} as const;
