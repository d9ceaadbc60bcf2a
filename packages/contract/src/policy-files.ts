import { z } from "zod";
import { roleSchema } from "./access.ts";
import { cyclesPolicyShape } from "./cycle-policy.ts";
import { glob, line, timeZoneSchema, usd } from "./fields.ts";
import { slugSchema } from "./plans.ts";
import { budgetEffects, budgetHolders, modelDialects } from "./vocabulary.ts";

/** Schemas of `policies/<id>.yaml`, by kind. */

/** `30m`, `72h`, `7d`. */
export const durationSchema = z.string().regex(/^[1-9]\d{0,4}[mhd]$/, {
  error: "a whole number with m, h or d, such as 72h",
});

const policy = <K extends string, S extends z.ZodRawShape>(kind: K, shape: S) =>
  z.strictObject({
    id: slugSchema,
    kind: z.literal(kind),
    title: line,
    description: z.string().max(4000).optional(),
    ...shape,
  });

const approvalRuleShape = {
  required: z.int().min(1).max(20),
  roles: z.array(roleSchema).min(1).max(4).default(["approver"]),
  self_approval: z.enum(["never", "only_approver", "always"]).default("only_approver"),
  expires_after: durationSchema.default("72h"),
};

export const approvalsPolicySchema = policy("approvals", {
  default: z.strictObject(approvalRuleShape),
  rules: z
    .array(z.strictObject({ name: line, paths: z.array(glob).min(1).max(100), ...approvalRuleShape }))
    .max(100)
    .default([]),
  /** Paths that may be changed with mode `direct`, without an approval. None unless listed. */
  direct: z.strictObject({ paths: z.array(glob).max(100) }).default({ paths: [] }),
});
export type ApprovalsPolicy = z.infer<typeof approvalsPolicySchema>;

const daysSchema = z.string().regex(/^[1-9]\d{0,4}d$/, { error: "a whole number of days, such as 90d" });

/** A command line that a stdio server may be, with the variables that its entry may set. */
export const allowedCommandSchema = z.strictObject({
  command: line,
  /** Any when left out; `*` is any one, a last `**` any that follow. */
  args: z.array(z.string().max(300)).max(100).optional(),
  /** Names of variables; a last `*` is any ending. None when left out. */
  env: z
    .array(
      z
        .string()
        .max(200)
        .regex(/^(?:[A-Za-z_][A-Za-z0-9_]*\*?|\*)$/, { error: "a variable's name, or its beginning and *" }),
    )
    .max(100)
    .default([]),
  /** Whether a handshake may start it before somebody has approved the server. */
  handshake: z.enum(["before_approval", "after_approval"]).default("before_approval"),
  /** Folders that it may write to, beside its own. */
  writes: z
    .array(
      z
        .string()
        .max(1000)
        .regex(/^\/(?!.*(?:^|\/)\.\.(?:\/|$))[^\0]*$/, { error: "an absolute path" }),
    )
    .max(20)
    .default([]),
});
export type AllowedCommand = z.infer<typeof allowedCommandSchema>;

/** Who may use what of which servers. A rule speaks of what it has words for, and of nothing else. */
export const accessRuleSchema = z
  .strictObject({
    roles: z.array(roleSchema).min(1),
    servers: z.array(glob).min(1).max(500),
    tools: z.array(glob).max(500).default([]),
    /** Addresses of resources; their completions and subscriptions go with them. */
    resources: z.array(glob).max(500).default([]),
    prompts: z.array(glob).max(500).default([]),
    /** Models of the providers that `servers` names; see `policies/models.yaml`. */
    models: z.array(glob).max(500).default([]),
    /** Methods that the gateway itself knows nothing of. */
    methods: z.array(glob).max(500).default([]),
    effect: z.enum(["allow", "deny"]),
    /** Whether each use that it lets through leaves an audit record. */
    audit: z.boolean().optional(),
  })
  .refine(
    ({ tools, resources, prompts, models, methods }) =>
      tools.length + resources.length + prompts.length + models.length + methods.length > 0,
    { error: "a rule names tools, resources, prompts, models or methods" },
  );

/** How long is kept what is no record of a decision. Totals of usage and the audit log are kept for good. */
const retentionShape = {
  /** Single calls; their totals by day and month stay. */
  usage_events: daysSchema.default("400d"),
  /** Answers to requests with an Idempotency-Key. */
  idempotency_keys: daysSchema.default("7d"),
  /** Plans that nobody submitted. */
  unsubmitted_plans: daysSchema.default("30d"),
  /** Conversations with the assistant, from their last message on. */
  threads: daysSchema.default("400d"),
  /** Definitions of tools that no lock and no server refers to any more. */
  tool_definitions: daysSchema.default("90d"),
  /** Journal of the effects of changes that have come to their end. */
  operations: daysSchema.default("90d"),
  /** Logs, recordings, pictures and attachments of cycles, from their end on. Their hashes and manifests stay. */
  cycle_evidence: daysSchema.default("400d"),
  /** Copies of repositories that no cycle has used. */
  cycle_repositories: daysSchema.default("90d"),
};
export type RetentionSubject = keyof typeof retentionShape;

/** The price tables that this console brings along, each with the day on which its publisher released it. */
export const priceTables = {
  "genai-prices 0.1.7": "2026-09-16",
  "genai-prices 0.1.8": "2026-09-23",
} as const;
export type PriceTable = keyof typeof priceTables;

/** US dollars for a million tokens; `web_search` for a thousand searches. What is left out is billed as the next wider kind. */
const ratesSchema = z.strictObject({
  input: usd,
  /** Left out for models that write nothing, such as embeddings. */
  output: usd.optional(),
  cache_read: usd.optional(),
  cache_write: usd.optional(),
  cache_write_1h: usd.optional(),
  reasoning: usd.optional(),
  web_search: usd.optional(),
});

/** One price, as somebody read it somewhere at a time. */
export const priceRowSchema = z.strictObject({
  /** As the console calls it: `anthropic`, `openai`, `zai`, … */
  provider: line,
  /** The model's name, exactly. */
  model: line,
  /** The first UTC day on which it holds. It ends where a later row of the same model begins. */
  from: z.iso.date(),
  /** Service tier that it holds for; `standard` when left out. */
  tier: line.optional(),
  usd_per_million: ratesSchema,
  /** Rates of the whole call where its input is over so many tokens. */
  above: z
    .array(z.strictObject({ input_tokens: z.int().positive(), usd_per_million: ratesSchema }))
    .max(10)
    .optional(),
  /** Where the price stands, for whoever checks it later. */
  source: line,
});
export type PriceRow = z.infer<typeof priceRowSchema>;

/** A provider of `policies/models.yaml` and one of its models; `fallback` is asked where that one does not answer. */
const modelChoice = {
  provider: slugSchema.optional(),
  model: line.optional(),
  fallback: z
    .array(z.strictObject({ provider: slugSchema, model: line }))
    .max(5)
    .optional(),
};

export const policyFileSchema = z.discriminatedUnion("kind", [
  approvalsPolicySchema,
  policy("budget", {
    /** Which calls it binds: those that fit all that is named here. `policies/budget.yaml` binds all calls where it names nothing. */
    scope: z
      .strictObject({
        servers: z.array(line).max(500).optional(),
        models: z.array(glob).max(500).optional(),
        /** By name or e-mail. */
        people: z.array(line).max(500).optional(),
        agents: z.array(line).max(500).optional(),
        runs: z.array(line).max(500).optional(),
      })
      .optional(),
    /** Each of them has the limits for itself; all share them when left out. */
    per: z.enum(budgetHolders).optional(),
    limits: z.strictObject({
      daily_usd: usd.optional(),
      weekly_usd: usd.optional(),
      monthly_usd: usd.optional(),
      /** Of all time: for a run, or a project. */
      total_usd: usd.optional(),
      /** Of the last so many hours, whenever one looks. */
      rolling: z
        .array(z.strictObject({ hours: z.int().min(1).max(8784), usd }))
        .max(5)
        .optional(),
      monthly_tokens: z.int().nonnegative().optional(),
      /** Tool calls through the gateway, per caller. */
      calls_per_minute: z.int().positive().optional(),
    }),
    /** In whose days, weeks and months: a zone of the IANA database. */
    time_zone: timeZoneSchema.default("UTC"),
    alert_at: z.array(z.number().gt(0).max(1)).max(10).optional(),
    on_exceeded: z.enum(budgetEffects),
    /** What a budget in dollars does with calls of models that have no price: lets them through uncounted, or refuses them. */
    unpriced: z.enum(["allow", "refuse"]).optional(),
  }),
  /** How the console's own calls of models are made, by phase: `assistant`, `analyzer`, `planner`, … */
  policy("cost", {
    defaults: z.strictObject({
      ...modelChoice,
      max_tokens: z.int().positive(),
      timeout_s: z.number().positive(),
      max_cost_usd: usd,
    }),
    routes: z
      .record(
        z.string().max(200),
        z.strictObject({
          ...modelChoice,
          server: slugSchema.optional(),
          max_tokens: z.int().positive().optional(),
          timeout_s: z.number().positive().optional(),
          max_cost_usd: usd.optional(),
        }),
      )
      .optional(),
  }),
  policy("access", {
    default: z.enum(["allow", "deny"]),
    rules: z.array(accessRuleSchema).max(10_000).default([]),
    /** Tools that are not in the tool lock: withheld until a plan accepts them, or offered at once. */
    new_tools: z.enum(["hide", "allow"]).default("hide"),
    /**
     * Texts that models read and nobody approves one by one: instructions of servers, titles and descriptions of prompts,
     * resources and their templates. Left out, or passed on as servers give them.
     */
    unapproved_text: z.enum(["strip", "pass"]).default("strip"),
  }),
  policy("network", {
    allow_hosts: z.array(z.string().min(1).max(253)).max(1000),
    allow_private: z.boolean(),
    require_tls: z.boolean(),
  }),
  policy("commands", {
    allow: z.array(allowedCommandSchema).max(10_000),
  }),
  policy("canary", {
    probes: z.int().min(1).max(1000),
    interval_s: z.number().positive().max(3600),
    max_latency_ms: z.number().positive().max(600_000),
    max_error_rate: z.number().min(0).max(1),
  }),
  policy("retention", retentionShape),
  /** Providers of models that callers reach through the console, with its keys. */
  policy("models", {
    providers: z
      .array(
        z.strictObject({
          id: slugSchema,
          /** Whose API it speaks: it is reached at `/llm/<dialect>`. */
          dialect: z.enum(modelDialects),
          /** Up to where the paths of its API begin: `https://api.anthropic.com`, `https://api.z.ai/api/paas/v4`. */
          url: z.url({ protocol: /^https?$/ }),
          /** Left out for a provider that asks for none, such as a model of one's own. */
          key: z
            .string()
            .regex(/^secret:[^/\s]+\/[^/\s]+$/, { error: "a reference of the form secret:<provider>/<NAME>" })
            .optional(),
          /** Models that it is asked for; the first provider of a dialect that has a model is asked. */
          models: z.array(glob).min(1).max(500).default(["*"]),
          /** The name by which prices know it, where that is not its id. */
          prices: line.optional(),
        }),
      )
      .max(100)
      .refine((providers) => new Set(providers.map(({ id }) => id)).size === providers.length, {
        error: "an id stands twice",
      }),
  }),
  policy("cycles", cyclesPolicyShape),
  /** Where happenings are told of outside the console. */
  policy("notify", {
    webhooks: z
      .array(
        z.strictObject({
          id: slugSchema,
          /** An address, or the reference of a stored key that is one: who knows a Slack webhook may write to its channel. */
          url: z.union([
            z.url({ protocol: /^https?$/ }),
            z
              .string()
              .regex(/^secret:[^/\s]+\/[^/\s]+$/, { error: "an http(s) URL, or secret:<provider>/<NAME>" }),
          ]),
          format: z.enum(["json", "slack"]).default("json"),
          language: z.enum(["en", "pt-BR"]).default("en"),
          /** Actions of the audit log. */
          on: z.array(glob).min(1).max(100).default(["budget.*", "run.*"]),
        }),
      )
      .max(50)
      .refine((hooks) => new Set(hooks.map(({ id }) => id)).size === hooks.length, {
        error: "an id stands twice",
      }),
  }),
  policy("prices", {
    /** The table that prices what no row does. A newer one holds from the change on that names it here. */
    table: z.enum(Object.keys(priceTables) as PriceTable[]).default("genai-prices 0.1.8"),
    /** Names that agents and logs have for providers, and the name by which prices know them. */
    providers: z.record(z.string().min(1).max(200), line).default({}),
    rows: z
      .array(priceRowSchema)
      .max(2000)
      .default([])
      .superRefine((rows, context) => {
        const known = new Set<string>();
        for (const [index, { provider, model, tier = "standard", from }] of rows.entries()) {
          const name = [provider, model, tier.toLowerCase(), from].join(" ");
          if (known.has(name))
            context.addIssue({
              code: "custom",
              path: [index],
              message: `a second row of ${provider}/${model} from ${from}: one of them has to go`,
            });
          known.add(name);
        }
      }),
  }),
]);
export type PolicyFile = z.infer<typeof policyFileSchema>;
export type PolicyKind = PolicyFile["kind"];
/** The policy of one kind. */
export type PolicyOf<K extends PolicyKind> = Extract<PolicyFile, { kind: K }>;
export const policyKinds = policyFileSchema.options.map((option) => option.shape.kind.value);

/** The policy of a kind that holds for the console as a whole: `policies/<kind>.yaml`. Null when there is none. */
export function policyOf<K extends PolicyKind>(
  policies: ReadonlyMap<string, PolicyFile>,
  kind: K,
): PolicyOf<K> | null {
  const policy = policies.get(kind);
  return policy?.kind === kind ? (policy as PolicyOf<K>) : null;
}
