import { z } from "zod";

/** A command line as a shell reads it, run in the sandbox. */
const commandSchema = z.string().trim().min(1).max(2000);

/** A file or folder of the repository, by its path there. */
const placeSchema = z
  .string()
  .min(1)
  .max(500)
  .refine((path) => !/^[/\\]|(?:^|[/\\])\.\.(?:[/\\]|$)|\0/.test(path), {
    error: "a path in the repository, such as test-results",
  });

/**
 * `.ciclo/cycle.yaml` of a repository: how its work is checked. It is read from the commit that a change starts from, so that
 * no change decides how it is checked itself.
 */
export const cycleRecipeSchema = z.strictObject({
  version: z.literal(1),
  /** Installs what the others need. The only one that may reach hosts, those in `allow_hosts` that policy allows too. */
  setup: commandSchema.optional(),
  build: commandSchema.optional(),
  lint: commandSchema.optional(),
  test: commandSchema,
  /** Where the tests leave pictures, videos and traces, which are kept as evidence. */
  evidence: z.array(placeSchema).max(20).optional(),
  allow_hosts: z.array(z.string().min(1).max(253)).max(100).optional(),
  /** Of each of them. */
  timeout_s: z.int().min(1).max(7200).optional(),
});
export type CycleRecipe = z.infer<typeof cycleRecipeSchema>;

/** Gates in the order in which they are run. */
export const gateNames = ["setup", "build", "lint", "test"] as const;
export type GateName = (typeof gateNames)[number];
