import { z } from "zod";
import { attachmentEndings } from "./attachments.ts";
import { pullRequestSchema } from "./changes.ts";
import { analysisSchema, deliveryPlanSchema } from "./cycle-artifacts.ts";
import { cycleRecipeSchema } from "./cycle-recipe.ts";
import { checkReportSchema, documentationSchema, executionSchema } from "./cycle-delivery.ts";
import { line } from "./fields.ts";
import { cursorSchema, pageSize } from "./paging.ts";
import { cycleCheckpoints, cycleStages, cycleStates, cycleWaits } from "./vocabulary.ts";

/** A file that belongs to an issue. The whole request may take `CICLO_MAX_BODY_BYTES`. */
export const cycleAttachmentSchema = z.strictObject({
  name: z.string().regex(/^(?!\.)[^/\\\p{C}]{1,200}$/u, { error: "the name of a file, without its folder" }),
  media_type: z.enum([...new Set(Object.values(attachmentEndings))]),
  base64: z.base64().min(1, { error: "is an empty file" }),
});
export type CycleAttachment = z.infer<typeof cycleAttachmentSchema>;

/** A request for a cycle. The repository is a path on the console's machine, or an address that git can clone. */
export const newCycleSchema = z.strictObject({
  repository: z.string().trim().min(1).max(1000),
  /** Of the repository; its own default where it is left out. */
  base_branch: z
    .string()
    .regex(/^(?![-/])(?!.*(?:\.\.|\/\/|@\{|\.lock(?:\/|$)))[^\s\\~^:?*[\0]{1,200}(?<![/.])$/, {
      error: "the name of a branch",
    })
    .optional(),
  title: line.optional(),
  /** What is wanted, in Markdown or plain text; or the address of an issue on GitHub or GitLab, which is read then. */
  issue: z.string().trim().min(1).max(200_000),
  /** Specifications, notes, pictures: read by the analyst beside the issue. */
  attachments: z.array(cycleAttachmentSchema).max(10, { error: "at most ten files" }).optional(),
});
export type NewCycle = z.infer<typeof newCycleSchema>;

const whoSchema = z.object({ id: z.string().nullable(), name: z.string() });
const hashSchema = z.string().regex(/^[0-9a-f]{64}$/);

const costShape = {
  calls: z.number(),
  /** With those that came from a cache, or were written to one. */
  input_tokens: z.number(),
  output_tokens: z.number(),
  usd: z.number(),
  /** Calls of which nobody knows the cost: the sum is a lower bound then. */
  unknown_calls: z.number(),
};
/** What a cycle has used so far, by the ledger. */
export const cycleCostSchema = z.object({
  ...costShape,
  /** The same by phase: analyzer, planner, executor, doc. `p50_ms` is how long one of its calls usually took. */
  phases: z.array(z.object({ phase: z.string(), ...costShape, p50_ms: z.number().nullable() })),
});
export type CycleCost = z.infer<typeof cycleCostSchema>;

/** What the agent used for a part of the work, in all tries together. */
const partCostSchema = z.object({
  ...costShape,
  /** Null for mending what the gates found, and for tries that broke off. */
  item: z.string().nullable(),
  title: z.string().nullable(),
  /** Whether it is what tries used that came to no end: nobody knows for which part. */
  is_broken_off: z.boolean(),
  turns: z.number(),
  ms: z.number(),
});
export type PartCost = z.infer<typeof partCostSchema>;

/** `has_manifest`: whether the manifest is attached to it. */
export const cyclePullRequestSchema = pullRequestSchema.extend({ has_manifest: z.boolean() });
export type CyclePullRequest = z.infer<typeof cyclePullRequestSchema>;

export const cycleRollbackSchema = z.object({
  /** Whoever was the last to ask for it, where more than one had to. */
  by: z.string(),
  reason: z.string().nullable(),
  asked_at: z.string(),
  /** On the base branch; null until it is there, and where nothing was left to take back. */
  commit: z.string().nullable(),
  /** On the forge, where it went that way. */
  pull_request: z.string().nullable(),
});
export type CycleRollback = z.infer<typeof cycleRollbackSchema>;

export const cycleSchema = z.object({
  id: z.string(),
  title: z.string(),
  repository: z.string(),
  base_branch: z.string().nullable(),
  base_commit: z.string().nullable(),
  head_commit: z.string().nullable(),
  /** Where the work is, once there is some. */
  branch: z.string().nullable(),
  /** Null where there is none: before it is opened, and where the repository is on no forge that the console knows. */
  pull_request: cyclePullRequestSchema.nullable(),
  /** Null where nobody asked for it. */
  rollback: cycleRollbackSchema.nullable(),
  state: z.enum(cycleStates),
  stage: z.enum(cycleStages),
  /** What a person is waited for; null while nobody is. */
  waits_for: z.enum(cycleWaits).nullable(),
  /** Why it is where it is, in the reader's language. */
  reason: z.string().nullable(),
  requested_by: whoSchema,
  /** Questions of the agent that nobody has answered yet. */
  permissions_open: z.number(),
  /** How often the executor has tried. */
  tries: z.number(),
  created_at: z.string(),
  updated_at: z.string(),
  ended_at: z.string().nullable(),
  /** Changes with whatever happens to the cycle: decisions name the one that they were made on. */
  version: z.number(),
  /** Whether its models are a replay: prepared replies answered in their place. */
  replay: z.boolean(),
});
export type Cycle = z.infer<typeof cycleSchema>;

export const cycleQuerySchema = z.strictObject({
  cursor: cursorSchema.optional(),
  limit: pageSize,
  state: z.enum(cycleStates).optional(),
  /** Those that wait for somebody, in whatever state: an agent may ask for leave while it works. */
  waiting: z.stringbool().optional(),
});

const findingSchema = z.object({ path: z.string(), message: z.string() });

/** A version of what a phase handed on. `sha256` is of its JSON, which decisions bind. */
const artifactOf = <K extends string, S extends z.ZodType>(kind: K, content: S) =>
  z.object({
    kind: z.literal(kind),
    version: z.number(),
    sha256: hashSchema,
    created_at: z.string(),
    /** Null for what a person wrote. */
    model: z.string().nullable(),
    content,
    markdown: z.string(),
    /** What is wrong with it, where the phase gave up. */
    findings: z.array(findingSchema),
  });
export const cycleArtifactSchema = z.discriminatedUnion("kind", [
  artifactOf("analysis", analysisSchema),
  artifactOf("plan", deliveryPlanSchema),
  artifactOf("execution", executionSchema),
  artifactOf("documentation", documentationSchema),
  artifactOf("check", checkReportSchema),
]);
export type CycleArtifact = z.infer<typeof cycleArtifactSchema>;

export const cycleDecisionSchema = z.object({
  /** `rollback` for whoever asked for what was merged to be taken back. */
  checkpoint: z.enum([...cycleCheckpoints, "rollback"]),
  decision: z.enum(["approve", "reject", "send_back"]),
  /** Of the artefact, or of the commit with all that was found about it. */
  subject: hashSchema,
  comment: z.string().nullable(),
  by: whoSchema,
  at: z.string(),
  /** Whether it counts: what it was made on is still what there is. */
  holds: z.boolean(),
});
export type CycleDecision = z.infer<typeof cycleDecisionSchema>;

const standingSchema = z.object({
  required: z.number(),
  given: z.number(),
  /** Whether whoever asks may decide here; if not, why. */
  may_decide: z.boolean(),
  why_not: z.string().nullable(),
});
/** The checkpoint that a cycle waits at. */
const checkpointStandingSchema = standingSchema.extend({
  checkpoint: z.enum(cycleCheckpoints),
  subject: hashSchema,
});

const evidenceShape = {
  sha256: hashSchema,
  name: z.string(),
  media_type: z.string(),
  created_at: z.string(),
};
/** A log or recording, by the hash of its bytes. */
export const cycleEvidenceSchema = z.object({
  ...evidenceShape,
  bytes: z.number(),
  /** When what it holds was deleted, as `policies/retention.yaml` says; null while it is there. */
  removed_at: z.string().nullable(),
});
export const cycleEvidenceContentSchema = z.object({ ...evidenceShape, base64: z.string() });
export type CycleEvidenceContent = z.infer<typeof cycleEvidenceContentSchema>;

export const cycleDetailSchema = cycleSchema.extend({
  issue: z.string(),
  cost: cycleCostSchema,
  part_costs: z.array(partCostSchema),
  artifacts: z.array(cycleArtifactSchema),
  checkpoint: checkpointStandingSchema.nullable(),
  /** How far it is to be taken back; null where there is nothing that could be. */
  rollback_standing: standingSchema.nullable(),
  decisions: z.array(cycleDecisionSchema),
  /** What the agent waits for leave to do, in its own words. */
  permissions_asked: z.array(
    z.object({ id: z.string(), title: z.string(), details: z.string().nullable(), asked_at: z.string() }),
  ),
  evidence: z.array(cycleEvidenceSchema),
  /** How the repository is checked; `detected` by its files, or `declared` by itself. Null until it was looked at. */
  recipe: z.object({ from: z.enum(["declared", "detected"]), recipe: cycleRecipeSchema }).nullable(),
  timeline: z.array(z.object({ at: z.string(), type: z.string(), actor: z.string(), detail: z.string() })),
});
export type CycleDetail = z.infer<typeof cycleDetailSchema>;

/** The change of a cycle. A large one is cut, which is said. */
export const cycleDiffSchema = z.object({
  base: z.string(),
  head: z.string(),
  patch: z.string(),
  is_cut: z.boolean(),
});
export type CycleDiff = z.infer<typeof cycleDiffSchema>;

const commentSchema = z.string().trim().min(1).max(20_000);
/** `subject` is what the decision is about, as the reader saw it: it is refused where that is no longer what there is. */
export const cycleVerdictSchema = z.discriminatedUnion("decision", [
  z.strictObject({ decision: z.literal("approve"), subject: hashSchema, comment: commentSchema.optional() }),
  z.strictObject({ decision: z.literal("reject"), subject: hashSchema, comment: commentSchema.optional() }),
  /** The phase runs again, with the comment. */
  z.strictObject({ decision: z.literal("send_back"), subject: hashSchema, comment: commentSchema }),
]);
export type CycleVerdict = z.infer<typeof cycleVerdictSchema>;

export const cycleAnswersSchema = z.strictObject({
  subject: hashSchema,
  answers: z
    .array(z.strictObject({ question: z.string().max(10), answer: z.string().trim().min(1).max(4000) }))
    .min(1)
    .max(30),
});
export type CycleAnswers = z.infer<typeof cycleAnswersSchema>;

/** A person's answer to what the agent asks leave for. */
export const cyclePermissionAnswerSchema = z.strictObject({ answer: z.enum(["allow", "deny"]) });
export type CyclePermissionAnswer = z.infer<typeof cyclePermissionAnswerSchema>;

export const cycleResumptionSchema = z.strictObject({
  /** The stage to begin again at; the one that it stands at where it is left out. */
  from: z.enum(cycleStages).optional(),
  /** Read by the phase that runs next. */
  comment: commentSchema.optional(),
});
export type CycleResumption = z.infer<typeof cycleResumptionSchema>;

export const cycleNoteSchema = z.strictObject({ reason: z.string().trim().min(1).max(2000).optional() });
