import { z } from "zod";
import { cycleStates } from "./vocabulary.ts";

/** When cycles were started, in ISO 8601: the last 30 days where it is left out. */
export const cycleResultsQuerySchema = z
  .strictObject({
    from: z.iso.datetime({ offset: true }).optional(),
    to: z.iso.datetime({ offset: true }).optional(),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || Date.parse(from) < Date.parse(to), {
    error: "from comes before to",
  });
export type CycleResultsQuery = z.infer<typeof cycleResultsQuerySchema>;

const instanceSchema = z.object({
  instance_id: z.string(),
  repository: z.string(),
  state: z.enum(cycleStates),
  /** Whether it was merged; null while it is not over. */
  resolved: z.boolean().nullable(),
  /** In US dollars; a lower bound where calls of unknown cost are among them. */
  cost: z.number(),
  unknown_calls: z.number(),
  /** Seconds in which the console, models, the agent or gates worked on it: without the time that people took. */
  runtime: z.number(),
  tries: z.number(),
  /** How often the agent said that it was done, and the gates found that it was not. */
  false_greens_caught: z.number(),
  replay: z.boolean(),
});

/**
 * What came of cycles, by agent and model, with the fields that public leaderboards of agents have: `score` is the share of the
 * cycles that are over that were merged, in per cent; `cost_per_instance` is in US dollars, `average_runtime` in seconds.
 */
export const cycleResultsSchema = z.object({
  from: z.string(),
  to: z.string(),
  /** Whether there were more cycles than are looked at: these are the oldest then. */
  is_cut: z.boolean(),
  results: z.array(
    z.object({
      /** Null where no agent has worked yet. */
      agent: z.string().nullable(),
      agent_version: z.string().nullable(),
      model: z.string().nullable(),
      /** Whether these are replays, which say nothing of a model. */
      replay: z.boolean(),
      benchmark: z.literal("ciclo-cycles"),
      metric: z.literal("merged"),
      /** Null where none is over. */
      score: z.number().nullable(),
      total_instances: z.number(),
      resolved_instances: z.number(),
      cost_per_instance: z.number(),
      average_runtime: z.number(),
      average_tries: z.number(),
      false_greens_caught: z.number(),
      instances: z.array(instanceSchema),
    }),
  ),
});
export type CycleResults = z.infer<typeof cycleResultsSchema>;
export type CycleInstance = z.infer<typeof instanceSchema>;
