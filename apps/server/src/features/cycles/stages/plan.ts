import { type Analysis, deliveryPlanSchema } from "@ciclo/contract";
import { checkPlan } from "../artifacts/check.ts";
import type { Repositories } from "../repositories.ts";
import type { Stage } from "../stage.ts";
import { type AskModel, askUntilRight } from "./ask.ts";
import { baseOf, partsBefore, type Requester } from "./common.ts";
import { groundRules, quoted, viewOf } from "./context.ts";

/** The Planner: from an analysis to parts of the work, in an order in which they can be done. */
export function planStage(deps: { repositories: Repositories; ask: AskModel; requester: Requester }): Stage {
  return async ({ cycle, policy, artifacts, signal }) => {
    const analysis = artifacts.get("analysis")?.content as Analysis;
    const git = await deps.repositories.copyOf(cycle.repository);
    const view = await viewOf(
      git,
      baseOf(cycle),
      `${cycle.title}\n${analysis.quick_spec.summary}\n${cycle.issue}`,
    );
    const paths = new Set(view.paths);
    const recipe = JSON.stringify(cycle.recipe?.recipe ?? {}, null, 2);
    const { value, model, tries } = await askUntilRight(deps.ask, {
      actor: await deps.requester(cycle),
      phase: "planner",
      run: cycle.id,
      instructions: `${groundRules(cycle.locale)}\n\n${task}`,
      parts: [
        ["Analysis, as approved", quoted(JSON.stringify(analysis, null, 2))],
        ["How the repository is checked", quoted(recipe)],
        ["Files of the repository", quoted(view.listing)],
        ["Files that may matter", view.files],
        ...partsBefore(cycle, artifacts.get("plan")),
      ],
      schema: deliveryPlanSchema,
      check: (plan) => checkPlan(plan, analysis, (path) => paths.has(path)),
      tries: policy.tries,
      signal,
    });
    return {
      to: "next",
      artifacts: [{ kind: "plan", content: value, model, findings: [] }],
      metadata: { model, tries, items: value.work_breakdown.items.length },
    };
  };
}

const task = [
  "You are the planner. From the approved analysis, write:",
  "- a work breakdown (1, 1.1, 2, …): a tree, whose leaves are done one after the other; each leaf names the requirements and test cases that it is for, and an estimate in hours; together the leaves are for all requirements and all test cases; nothing waits for itself;",
  "- checkpoints where the work should be looked at, if any;",
  "- what has to hold before the work begins (ready) and for it to be done, each by a check that a program can make;",
  "- a grade for each risk of the analysis: probability and impact from 1 to 5, what is done against it, and who sees to that;",
  "- the files of the repository that you went by, and why.",
].join("\n");
