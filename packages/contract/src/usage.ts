import { z } from "zod";
import { timeZoneSchema } from "./fields.ts";
import { budgetEffects, budgetHolders, usageBuckets, usageGroups } from "./vocabulary.ts";

const filter = z.string().max(300).optional();
/** A day of the time zone asked for, from its midnight on, or a moment. */
const momentSchema = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);

export const usageQuerySchema = z.strictObject({
  group_by: z.enum(usageGroups).default("model"),
  /** From here on; 30 days before `to` when left out. */
  from: momentSchema.optional(),
  /** Up to here, which is no part of it; now when left out. A day ends with it. */
  to: momentSchema.optional(),
  tz: timeZoneSchema.default("UTC"),
  /** A series beside the sums. */
  bucket: z.enum(usageBuckets).optional(),
  server: filter,
  tool: filter,
  provider: filter,
  model: filter,
  person: filter,
  agent: filter,
  run: filter,
  phase: filter,
  pull_request: filter,
  sprint: filter,
  kind: z.enum(["tool", "model"]).optional(),
  source: filter,
});
export type UsageQuery = z.infer<typeof usageQuerySchema>;

const count = z.int();
export const usageSumsSchema = z.object({
  calls: count,
  /** Calls that ended with an error, broke off or took too long. */
  errors: count,
  /** Calls that the console refused. */
  refused: count,
  cost_usd: z.number(),
  /** Tokens that went in, neither read from a cache nor written to one. */
  input_tokens: count,
  cache_read_tokens: count,
  cache_write_short_tokens: count,
  cache_write_long_tokens: count,
  /** With reasoning. */
  output_tokens: count,
  reasoning_tokens: count,
  web_searches: count,
  /** Calls whose tokens have no known price: what they cost is missing in `cost_usd`. */
  unpriced_calls: count,
  /** Calls of which nobody knows what they used. */
  unknown_calls: count,
  /** Calls whose tokens were estimated. */
  estimated_calls: count,
  /** Read off counts of calls up to 1, 2, 5, 10 … 100,000 ms, evenly within each; null where no call was timed. */
  p50_ms: z.number().nullable(),
  p95_ms: z.number().nullable(),
});
export type UsageSums = z.infer<typeof usageSumsSchema>;

export const usageReportSchema = z.object({
  from: z.string(),
  to: z.string(),
  tz: z.string(),
  group_by: z.enum(usageGroups),
  total: usageSumsSchema,
  /** The same of the window of the same length before. */
  before: usageSumsSchema,
  /** What cost most first, then what was called most. `key` is null where a call has none. */
  groups: z.array(
    usageSumsSchema.extend({
      key: z.string().nullable(),
      /** What it cost in the window before. */
      cost_usd_before: z.number(),
    }),
  ),
  /** Groups whose cost changed most against the window before, also those that are gone; the largest change first. */
  movers: z.array(
    z.object({ key: z.string().nullable(), cost_usd: z.number(), cost_usd_before: z.number() }),
  ),
  /** One point a bucket, in order; empty where none was asked for. `costs` has the groups that cost most, by key. */
  series: z.array(
    z.object({
      start: z.string(),
      cost_usd: z.number(),
      calls: count,
      costs: z.record(z.string(), z.number()),
    }),
  ),
  /** What sources of this report cannot know, in words. */
  known_gaps: z.array(z.object({ agent: z.string(), text: z.string() })),
});
export type UsageReport = z.infer<typeof usageReportSchema>;

/** `unreadable`: the file cannot be used, so all calls are refused that it may forbid. */
export const budgetStates = ["within", "alert", "exceeded", "unreadable"] as const;

/** A limit of a budget as it stands in its present period. Amounts in `unit`. */
export const budgetStandingSchema = z.object({
  policy: z.string(),
  title: z.string(),
  /** Where the limit stands: `policies/budget.yaml`, `limits.daily_usd`; of an agent `agents/hub/agent.yaml`, `finops.monthly_usd`. */
  file: z.string(),
  field: z.string(),
  /** The field of `limits` that it is: `daily_usd`, `rolling.5h`. */
  limit: z.string(),
  unit: z.enum(["usd", "tokens"]),
  /** Who each has a purse of their own; null where all share one. */
  per: z.enum(budgetHolders).nullable(),
  /** Whose purse it is; null where all share it. */
  holder: z.string().nullable(),
  spent: z.number(),
  /** Set aside for calls under way. */
  reserved: z.number(),
  of: z.number(),
  state: z.enum(budgetStates),
  /** Whether calls are let through beyond it. */
  on_exceeded: z.enum(budgetEffects),
  /** When the next period begins; null where it rolls on, or never ends. */
  resets_at: z.string().nullable(),
  /** Hours that a rolling limit looks back. */
  rolling_hours: z.number().nullable(),
  /** Who may raise it, and how. */
  raise: z.string(),
});
export type BudgetStanding = z.infer<typeof budgetStandingSchema>;

/** What is nearest to its limit first. */
export const budgetStandingsSchema = z.object({ items: z.array(budgetStandingSchema) });

export const pauseDecisions = ["raise", "reroute", "stop"] as const;
/** `over`: nobody decided, and the budget has room again; or what was decided holds no longer. */
export const pauseStates = ["waiting", "raised", "rerouted", "stopped", "over"] as const;

/** A run that used up a budget with `on_exceeded: ask`: its calls are refused until somebody decides. Amounts in `unit`. */
export const runPauseSchema = z.object({
  id: z.string(),
  run: z.string(),
  /** As whom the run acts. */
  user: z.object({ id: z.string().nullable(), name: z.string() }),
  /** The limit that it used up, as in a budget's standing. */
  policy: z.string(),
  file: z.string(),
  field: z.string(),
  unit: z.enum(["usd", "tokens"]),
  spent: z.number(),
  of: z.number(),
  /** The model that its call asked for; null where it called a tool. */
  model: z.string().nullable(),
  paused_at: z.string(),
  state: z.enum(pauseStates),
  /** How much the run may spend beyond the limit; null where that was not decided. */
  amount: z.number().nullable(),
  /** The model that is asked in place of the others; null where that was not decided. */
  to_model: z.string().nullable(),
  decided_by: z.string().nullable(),
  decided_at: z.string().nullable(),
  note: z.string().nullable(),
  /** Whether the one who asks may decide that. */
  may: z.object({ raise: z.boolean(), stop: z.boolean() }),
});
export type RunPause = z.infer<typeof runPauseSchema>;

/** Dollars, or whole tokens. */
const amountSchema = z.number().min(0.000_001).max(1e9);
const noteSchema = z.string().trim().max(500).optional();
/** The signs of a model's name, as the endpoint takes it. */
const modelNameSchema = z
  .string()
  .regex(/^(?!.*(?:^|\/)\.\.(?:\/|$))[\x21-\x7E]{1,300}$/, { error: "the name of a model" });
/** `seen` is `decided_at` of the pause as one looked at it: refused with 409 where somebody has decided since. */
const decided = { note: noteSchema, seen: z.iso.datetime().nullable().optional() };
export const pauseDecisionSchema = z.discriminatedUnion("decision", [
  /** The run may spend so much beyond the limit, in its unit; in place of what was decided before. */
  z.strictObject({ decision: z.literal("raise"), amount: amountSchema, ...decided }),
  /** Its calls of models ask this one. With an amount where the budget counts that model's calls, too. */
  z.strictObject({
    decision: z.literal("reroute"),
    model: modelNameSchema,
    amount: amountSchema.optional(),
    ...decided,
  }),
  /** Its tokens end, and it gets no other for a week. */
  z.strictObject({ decision: z.literal("stop"), ...decided }),
]);
export type PauseDecision = z.infer<typeof pauseDecisionSchema>;

/** A provider's invoice for a stretch of time: its lines, or the CSV that the provider exports. */
export const invoiceSchema = z
  .strictObject({
    /** As the ledger names it: `openai`, `anthropic`. */
    provider: z.string().min(1).max(200),
    from: momentSchema,
    to: momentSchema,
    /** Providers bill in UTC. */
    tz: timeZoneSchema.default("UTC"),
    lines: z
      .array(z.strictObject({ model: z.string().min(1).max(300), usd: z.number().min(-1e9).max(1e9) }))
      .max(10_000)
      .optional(),
    csv: z.string().max(4_000_000).optional(),
  })
  .refine(({ lines, csv }) => (lines === undefined) !== (csv === undefined), {
    error: "takes lines or csv, one of them",
    path: ["lines"],
  });
export type Invoice = z.infer<typeof invoiceSchema>;

const reconciledSchema = z.object({
  ledger_usd: z.number(),
  invoice_usd: z.number(),
  /** Invoice less ledger. */
  difference_usd: z.number(),
  calls: count,
  unpriced_calls: count,
  unknown_calls: count,
  estimated_calls: count,
});

/** What the ledger and an invoice say, side by side; the largest difference first. */
export const reconciliationSchema = z.object({
  provider: z.string(),
  from: z.string(),
  to: z.string(),
  total: reconciledSchema,
  models: z.array(
    reconciledSchema.extend({
      model: z.string(),
      /** What may explain the difference, as far as it is known; empty where there is none. */
      reasons: z.array(z.string()),
    }),
  ),
});
export type Reconciliation = z.infer<typeof reconciliationSchema>;

/** Prices of calls are those of their time; this gives them today's, where somebody asks for it. */
export const repricingSchema = z.strictObject({
  from: momentSchema,
  to: momentSchema,
  tz: timeZoneSchema.default("UTC"),
  /** Calls that had no price only, or all that tokens are known of. What a provider stated itself is left as it is. */
  only: z.enum(["unpriced", "all"]).default("unpriced"),
  /** Says what would change, and changes nothing. */
  dry_run: z.boolean().default(true),
});
export type Repricing = z.infer<typeof repricingSchema>;

export const repricedSchema = z.object({
  from: z.string(),
  to: z.string(),
  dry_run: z.boolean(),
  /** Calls that have another price now. */
  calls: count,
  usd_before: z.number(),
  usd_after: z.number(),
});
export type Repriced = z.infer<typeof repricedSchema>;
