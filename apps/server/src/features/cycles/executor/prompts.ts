import type { Analysis, DeliveryPlan } from "@ciclo/contract";
import type { StoredCycle } from "../store.ts";
import { quoted } from "../stages/context.ts";

type Item = DeliveryPlan["work_breakdown"]["items"][number];

/** What an agent is told: one turn for each part of the work, in order. Pure. */
export function promptsFor({
  cycle,
  analysis,
  plan,
  items,
  done,
  hasWork,
}: {
  cycle: Pick<StoredCycle, "title" | "note" | "recipe">;
  analysis: Analysis;
  plan: DeliveryPlan;
  items: readonly Item[];
  /** Parts that are done already, where an agent broke off. */
  done: readonly string[];
  /** Whether the checkout holds work of an earlier run. */
  hasWork: boolean;
}): string[] {
  const shared = [
    `# ${cycle.title}`,
    rules,
    `How the work is checked: ${quoted(JSON.stringify(cycle.recipe?.recipe ?? {}))}`,
    `Approved specification and test cases:\n${quoted(JSON.stringify(analysis, null, 1))}`,
    `Approved plan:\n${quoted(JSON.stringify(plan.work_breakdown, null, 1))}`,
  ];
  if (isMending({ cycle, done, hasWork }))
    return [
      [
        ...shared,
        "Your work is in this checkout already. It is not accepted yet. Mend what is said here, and nothing else:",
        quoted(cycle.note ?? ""),
      ].join("\n\n"),
    ];
  return items.map((item, index) => {
    const asked = `Do part ${item.id} of the work now: ${item.title}\n\n${item.description}\n\nRequirements: ${item.requirements.join(", ")}. Test cases: ${item.test_cases.join(", ")}.`;
    const said = cycle.note === null ? [] : [`Somebody says about it:\n${quoted(cycle.note)}`];
    const before =
      done.length === 0
        ? []
        : [`Parts that are done already, and committed in this checkout: ${done.join(", ")}.`];
    return index === 0 ? [...shared, ...before, ...said, asked].join("\n\n") : asked;
  });
}

/** Whether the agent is to mend what it wrote before, and not to do parts of the plan. */
export const isMending = ({
  cycle,
  done,
  hasWork,
}: {
  cycle: Pick<StoredCycle, "note">;
  done: readonly string[];
  hasWork: boolean;
}): boolean => cycle.note !== null && hasWork && done.length === 0;

const rules = [
  "You work in a checkout of the repository, in a sandbox without network. The specification and the plan were approved by people.",
  "- Write a test for each test case, and put the case's id into the test's name in square brackets: `adds numbers [T1]`. It has to fail without your change and pass with it.",
  "- Delete, skip and weaken no test, and change no configuration of tests, linters or CI.",
  "- Change nothing that the plan does not ask for. You need not commit; if you do, write Conventional Commits.",
  "- Nobody takes your word for it: the console runs build and tests itself, before your change and after it.",
].join("\n");
