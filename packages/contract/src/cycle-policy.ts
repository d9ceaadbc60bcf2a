import { z } from "zod";
import { roleSchema } from "./access.ts";
import { glob, line } from "./fields.ts";
import { agentPresets, cycleCheckpoints, cyclePullRequestTimes } from "./vocabulary.ts";

/** The agent that does the work of a cycle: one that the console knows how to start, or any other that speaks ACP. */
const executorSchema = z
  .strictObject({
    preset: z.enum(agentPresets).optional(),
    /** Found on the PATH of the console; that of the preset where it is left out. */
    command: line.optional(),
    args: z.array(z.string().max(20_000)).max(100).optional(),
    /** The model that it asks, by the name that the endpoint knows. */
    model: line.optional(),
    /** The name that ledger and budgets know it by. */
    agent: line.default("executor"),
    /** What it is answered when it asks leave: by policy, or by a person. It runs in a sandbox, and no answer lets it out of there. */
    permissions: z.enum(["allow", "ask", "deny"]).default("allow"),
  })
  .refine(({ preset, command }) => preset !== undefined || command !== undefined, {
    error: "names a preset, or a command",
  });
export type ExecutorPolicy = z.infer<typeof executorSchema>;

/** The rest of `policies/cycles.yaml`: which repositories cycles may work on, who decides, and within which limits. */
export const cyclesPolicyShape = {
  /** Patterns of paths on the console's machine and of addresses. None may be worked on that none of them names. */
  repositories: z.array(glob).max(500),
  /** Where a person has to agree before the cycle goes on. */
  checkpoints: z
    .array(z.enum(cycleCheckpoints))
    .max(cycleCheckpoints.length)
    .default([...cycleCheckpoints]),
  approvals: z
    .strictObject({
      required: z.int().min(1).max(20).default(1),
      roles: z.array(roleSchema).min(1).max(4).default(["approver"]),
      /** Whether the vote of whoever asked for the cycle counts. */
      self_approval: z.enum(["never", "only_approver", "always"]).default("never"),
    })
    .prefault({}),
  /**
   * Where the repository is on the forge of `CICLO_FORGE`. A branch that is pushed for review is built by the forge's own CI, with
   * what that holds, before anybody has agreed to its code.
   */
  pull_requests: z.enum(cyclePullRequestTimes).default("after_approval"),
  executor: executorSchema.optional(),
  /**
   * Hosts that the set-up of a repository may reach, where the repository names them too: `registry.npmjs.org`,
   * `*.pythonhosted.org`, `packages.corp:8081`. Nothing else that a cycle runs has a network.
   */
  setup_hosts: z.array(glob).max(100).default([]),
  /** How often a phase may try before a person is asked. */
  tries: z.int().min(1).max(10).default(3),
  /** Of all that runs in the sandbox. */
  limits: z
    .strictObject({
      agent_minutes: z.number().positive().max(1440).default(60),
      /** How long a question of the agent's waits for a person, within the agent's own time; then it is refused. */
      permission_minutes: z.number().positive().max(1440).default(15),
      memory_mb: z.int().min(64).max(1_000_000).default(4096),
      processes: z.int().min(5).max(10_000).default(500),
      /** So many mutants of the changed lines are tried against the tests; 0 for none. */
      mutants: z.int().min(0).max(500).default(20),
    })
    .prefault({}),
};
