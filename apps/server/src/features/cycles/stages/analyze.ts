import { analysisSchema } from "@ciclo/contract";
import { checkAnalysis } from "../artifacts/check.ts";
import type { Repositories } from "../repositories.ts";
import type { Stage } from "../stage.ts";
import { type AskModel, askUntilRight } from "./ask.ts";
import type { Attachment } from "../attachments.ts";
import { groundRules, quoted, viewOf } from "./context.ts";
import { type Requester, baseOf, partsBefore } from "./common.ts";

/** The Analyzer: from an issue to requirements, test cases and risks. */
export function analyzeStage(deps: {
  repositories: Repositories;
  ask: AskModel;
  requester: Requester;
  attachmentsOf(cycleId: string): Promise<Attachment[]>;
}): Stage {
  return async ({ cycle, policy, artifacts, signal }) => {
    const git = await deps.repositories.copyOf(cycle.repository);
    const view = await viewOf(git, baseOf(cycle), `${cycle.title}\n${cycle.issue}`);
    const attachments = await deps.attachmentsOf(cycle.id);
    const { value, model, tries } = await askUntilRight(deps.ask, {
      actor: await deps.requester(cycle),
      phase: "analyzer",
      run: cycle.id,
      instructions: `${groundRules(cycle.locale)}\n\n${task}`,
      parts: [
        ["Issue", quoted(cycle.issue)],
        ...attachments.map(
          ({ name, text }) =>
            [
              `Attached to the issue: ${name}`,
              text === null ? "A picture, behind this text." : quoted(text),
            ] as const,
        ),
        ["Files of the repository", quoted(view.listing)],
        ["Files that may matter", view.files],
        ...partsBefore(cycle, artifacts.get("analysis")),
      ],
      images: attachments.filter(({ text }) => text === null),
      schema: analysisSchema,
      check: checkAnalysis,
      tries: policy.tries,
      signal,
    });
    return {
      to: "next",
      artifacts: [{ kind: "analysis", content: value, model, findings: [] }],
      metadata: { model, tries, requirements: value.quick_spec.requirements.length },
    };
  };
}

const task = [
  "You are the analyst. From the issue, write:",
  "- a quick spec: title, summary, goals, non-goals, numbered requirements (R1, R2, …), each with acceptance criteria that can be observed;",
  "- open questions (Q1, …) only where two readings of the issue would lead to different software; leave their answer null;",
  "- a test plan: cases (T1, …), each tied to the requirements that it shows; every requirement has at least one;",
  "- risks (K1, …) of the change.",
  "Ask for no more than the issue does.",
].join("\n");
