import type { Analysis, DeliveryPlan, Documentation } from "@ciclo/contract";

/** What a model might write about a shop that adds wrongly. */
export const analysis: Analysis = {
  quick_spec: {
    title: "Sums are right",
    summary: "sum subtracts where it should add.",
    goals: ["Sums are right"],
    non_goals: ["Other arithmetic"],
    requirements: [
      {
        id: "R1",
        text: "sum adds its two numbers",
        priority: "must",
        acceptance: ["sum(2, 2) is 4"],
      },
    ],
    open_questions: [],
  },
  test_plan: {
    cases: [
      {
        id: "T1",
        title: "adds two numbers",
        requirements: ["R1"],
        kind: "unit",
        given: "two numbers",
        when: "sum is called with them",
        outcome: "their sum",
      },
    ],
  },
  risks: { risks: [{ id: "K1", title: "Callers", effect: "Callers may rely on the difference." }] },
};

export const plan: DeliveryPlan = {
  work_breakdown: {
    items: [
      {
        id: "1",
        title: "Add instead of subtracting",
        description: "Mend sum and test it.",
        depends_on: [],
        requirements: ["R1"],
        test_cases: ["T1"],
        estimate_hours: 1,
      },
    ],
  },
  checkpoints: { checkpoints: [] },
  definitions: {
    ready: [{ text: "The tests pass before", verified_by: { check: "base_gate_passes", gate: "test" } }],
    done: [
      { text: "The requirement is shown", verified_by: { check: "requirement_tested", requirement: "R1" } },
    ],
  },
  risk_matrix: {
    entries: [{ risk: "K1", probability: 1, impact: 2, mitigation: "Search for callers.", owner: "planner" }],
  },
  repository_context: { files: [{ path: "src/sum.js", why: "It has the fault." }] },
};

export const documentation: Documentation = {
  changelog: [{ section: "Fixed", entry: "`sum` adds." }],
  decision_record: null,
  edits: [],
  pull_request: { type: "fix", title: "sum adds its numbers", body: "sum subtracted." },
};
