import { z } from "zod";
import { cycleKeySchema } from "./cycle-manifest.ts";
import { cycleResultsQuerySchema, cycleResultsSchema } from "./cycle-results.ts";
import { cycleOperations as operations } from "./cycle-operations.ts";
import {
  cycleAnswersSchema,
  cycleDetailSchema,
  cycleDiffSchema,
  cycleEvidenceContentSchema,
  cycleNoteSchema,
  cyclePermissionAnswerSchema,
  cycleQuerySchema,
  cycleResumptionSchema,
  cycleSchema,
  cycleVerdictSchema,
  newCycleSchema,
} from "./cycles.ts";

const cycleParams = z.object({ id: z.string().min(1).max(120) });

export const cycleEndpoints = {
  listCycles: {
    ...operations.listCycles,
    query: cycleQuerySchema,
    response: z.object({ items: z.array(cycleSchema), next_cursor: z.string().nullable() }),
  },
  startCycle: { ...operations.startCycle, body: newCycleSchema, response: cycleDetailSchema },
  getCycle: { ...operations.getCycle, params: cycleParams, response: cycleDetailSchema },
  getCycleResults: {
    ...operations.getCycleResults,
    query: cycleResultsQuerySchema,
    response: cycleResultsSchema,
  },
  getCycleKey: { ...operations.getCycleKey, response: cycleKeySchema },
  getCycleDiff: { ...operations.getCycleDiff, params: cycleParams, response: cycleDiffSchema },
  getCycleEvidence: {
    ...operations.getCycleEvidence,
    params: cycleParams.extend({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
    response: cycleEvidenceContentSchema,
  },
  decideCycle: {
    ...operations.decideCycle,
    params: cycleParams,
    body: cycleVerdictSchema,
    response: cycleDetailSchema,
  },
  answerCycle: {
    ...operations.answerCycle,
    params: cycleParams,
    body: cycleAnswersSchema,
    response: cycleDetailSchema,
  },
  answerCyclePermission: {
    ...operations.answerCyclePermission,
    params: cycleParams.extend({ permission: z.string().min(1).max(120) }),
    body: cyclePermissionAnswerSchema,
    response: cycleDetailSchema,
  },
  pauseCycle: {
    ...operations.pauseCycle,
    params: cycleParams,
    body: cycleNoteSchema,
    response: cycleDetailSchema,
  },
  resumeCycle: {
    ...operations.resumeCycle,
    params: cycleParams,
    body: cycleResumptionSchema,
    response: cycleDetailSchema,
  },
  rollbackCycle: {
    ...operations.rollbackCycle,
    params: cycleParams,
    body: cycleNoteSchema,
    response: cycleDetailSchema,
  },
  cancelCycle: {
    ...operations.cancelCycle,
    params: cycleParams,
    body: cycleNoteSchema,
    response: cycleDetailSchema,
  },
};
