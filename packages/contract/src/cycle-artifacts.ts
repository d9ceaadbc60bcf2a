import { z } from "zod";
import { gateNames } from "./cycle-recipe.ts";
import { glob, line } from "./fields.ts";

/**
 * What the phases of a delivery cycle hand on: each kind is a schema, a JSON file and its Markdown. Models write the ones of
 * analysis and planning; what the schemas cannot say (that nothing is left out, and that what is named exists) is checked by
 * the console.
 */

/** Text of a few sentences. */
const prose = z.string().trim().min(1).max(4000);
const id = (letter: string) =>
  z.string().regex(new RegExp(`^${letter}[1-9][0-9]{0,2}$`), { error: `an id such as ${letter}1` });

const requirementId = id("R");
const testCaseId = id("T");
const riskId = id("K");

/** A place in the work breakdown: `1` is a part of the work, `1.2` a part of that. */
const workId = z.string().regex(/^[1-9][0-9]?(?:\.[1-9][0-9]?){0,3}$/, { error: "a place such as 1 or 1.2" });

const requirementSchema = z.strictObject({
  id: requirementId,
  text: prose,
  priority: z.enum(["must", "should", "could"]),
  /** What has to be seen before the requirement counts as met. */
  acceptance: z.array(prose).min(1).max(20),
});

const openQuestionSchema = z.strictObject({
  id: id("Q"),
  question: prose,
  /** What hangs on the answer. */
  why: prose,
  /** A person's; null until there is one. */
  answer: prose.nullable(),
});

export const quickSpecSchema = z.strictObject({
  title: line,
  summary: prose,
  goals: z.array(prose).min(1).max(20),
  non_goals: z.array(prose).max(20),
  requirements: z.array(requirementSchema).min(1).max(100),
  open_questions: z.array(openQuestionSchema).max(30),
});
export type QuickSpec = z.infer<typeof quickSpecSchema>;

export const testPlanSchema = z.strictObject({
  cases: z
    .array(
      z.strictObject({
        id: testCaseId,
        title: line,
        requirements: z.array(requirementId).min(1).max(20),
        kind: z.enum(["unit", "integration", "end_to_end"]),
        /** Given this, when that is done, the outcome is expected. */
        given: prose,
        when: prose,
        outcome: prose,
      }),
    )
    .min(1)
    .max(200),
});
export type TestPlan = z.infer<typeof testPlanSchema>;

const riskSchema = z.strictObject({
  id: riskId,
  title: line,
  /** What goes wrong, and for whom. */
  effect: prose,
});

export const risksSchema = z.strictObject({ risks: z.array(riskSchema).max(50) });
export type Risks = z.infer<typeof risksSchema>;

export const workBreakdownSchema = z.strictObject({
  items: z
    .array(
      z.strictObject({
        id: workId,
        title: line,
        description: prose,
        /** Parts of the work that have to be done before. */
        depends_on: z.array(workId).max(20),
        requirements: z.array(requirementId).max(100),
        test_cases: z.array(testCaseId).max(200),
        /** Of a part that is not divided further; null of one that is. */
        estimate_hours: z.number().positive().max(1000).nullable(),
      }),
    )
    .min(1)
    .max(200),
});
export type WorkBreakdown = z.infer<typeof workBreakdownSchema>;

/** What the console itself can find out, before work begins or before it counts as done. */
const checkSchema = z.discriminatedUnion("check", [
  z.strictObject({ check: z.literal("questions_answered") }),
  z.strictObject({ check: z.literal("base_gate_passes"), gate: z.enum(gateNames) }),
  z.strictObject({ check: z.literal("gate_passes"), gate: z.enum(gateNames) }),
  z.strictObject({ check: z.literal("requirement_tested"), requirement: requirementId }),
  z.strictObject({ check: z.literal("changed_lines_covered"), at_least: z.number().min(0).max(1) }),
  z.strictObject({ check: z.literal("mutants_detected"), at_least: z.number().min(0).max(1) }),
  z.strictObject({ check: z.literal("only_changes"), paths: z.array(glob).min(1).max(50) }),
  z.strictObject({ check: z.literal("file_changed"), path: z.string().min(1).max(500) }),
]);
export type DefinitionCheck = z.infer<typeof checkSchema>;

const definitionSchema = z
  .array(z.strictObject({ text: prose, verified_by: checkSchema }))
  .min(1)
  .max(50);

export const definitionsSchema = z.strictObject({ ready: definitionSchema, done: definitionSchema });
export type Definitions = z.infer<typeof definitionsSchema>;

/** Where the plan wants a person to look, beside the checkpoints that policy sets. */
export const planCheckpointsSchema = z.strictObject({
  checkpoints: z.array(z.strictObject({ id: id("C"), after: workId, question: prose })).max(20),
});
export type PlanCheckpoints = z.infer<typeof planCheckpointsSchema>;

const grade = z.int().min(1).max(5);

export const riskMatrixSchema = z.strictObject({
  entries: z
    .array(
      z.strictObject({ risk: riskId, probability: grade, impact: grade, mitigation: prose, owner: line }),
    )
    .max(50),
});
export type RiskMatrix = z.infer<typeof riskMatrixSchema>;

/** Files of the repository that the plan was made from. */
export const repositoryContextSchema = z.strictObject({
  files: z.array(z.strictObject({ path: z.string().min(1).max(500), why: prose })).max(200),
});
export type RepositoryContext = z.infer<typeof repositoryContextSchema>;

/** What analysis hands on. */
export const analysisSchema = z.strictObject({
  quick_spec: quickSpecSchema,
  test_plan: testPlanSchema,
  risks: risksSchema,
});
export type Analysis = z.infer<typeof analysisSchema>;

/** What planning hands on. */
export const deliveryPlanSchema = z.strictObject({
  work_breakdown: workBreakdownSchema,
  checkpoints: planCheckpointsSchema,
  definitions: definitionsSchema,
  risk_matrix: riskMatrixSchema,
  repository_context: repositoryContextSchema,
});
export type DeliveryPlan = z.infer<typeof deliveryPlanSchema>;
