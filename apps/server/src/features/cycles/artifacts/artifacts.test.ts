import { type Analysis, analysisSchema, type DeliveryPlan, deliveryPlanSchema } from "@ciclo/contract";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { checkAnalysis, checkPlan, leavesOf, orderOf } from "./check.ts";
import { renderAnalysis, renderPlan } from "./render.ts";

const analysis: Analysis = {
  quick_spec: {
    title: "Round half-cents up",
    summary: "Invoices lose a cent.\n\nThey should not.",
    goals: ["Totals are right"],
    non_goals: ["Other currencies"],
    requirements: [
      { id: "R1", text: "A half-cent is rounded up.", priority: "must", acceptance: ["1.005 becomes 1.01"] },
      {
        id: "R2",
        text: "Negative amounts mirror it.",
        priority: "should",
        acceptance: ["-1.005 becomes -1.01"],
      },
    ],
    open_questions: [{ id: "Q1", question: "What of zero?", why: "It has no sign.", answer: null }],
  },
  test_plan: {
    cases: [testCase("T1", ["R1"]), { ...testCase("T2", ["R1", "R2"]), kind: "integration" }],
  },
  risks: { risks: [{ id: "K1", title: "Old invoices change", effect: "Customers complain." }] },
};

function testCase(id: string, requirements: string[]): Analysis["test_plan"]["cases"][number] {
  const told = { given: "an amount", when: "it is rounded", outcome: "it is right" };
  return { id, title: `Case ${id}`, requirements, kind: "unit", ...told };
}

const item = (id: string, more: object = {}) => ({
  id,
  title: `Part ${id}`,
  description: "Does it.",
  depends_on: [],
  requirements: [],
  test_cases: [],
  estimate_hours: null,
  ...more,
});

const leaf = { requirements: ["R1"], test_cases: ["T1"], estimate_hours: 2 };

const plan: DeliveryPlan = {
  work_breakdown: {
    items: [
      item("1"),
      item("1.1", leaf),
      item("1.2", { ...leaf, requirements: ["R2"], test_cases: ["T2"], depends_on: ["1.1"] }),
      item("2", { ...leaf, depends_on: ["1"] }),
    ],
  },
  checkpoints: { checkpoints: [{ id: "C1", after: "1.2", question: "Is the sign right?" }] },
  definitions: {
    ready: [
      { text: "Questions have answers", verified_by: { check: "questions_answered" } },
      { text: "It builds", verified_by: { check: "base_gate_passes", gate: "build" } },
    ],
    done: [
      { text: "R1 holds", verified_by: { check: "requirement_tested", requirement: "R1" } },
      { text: "Tests pass", verified_by: { check: "gate_passes", gate: "test" } },
      { text: "Lines run", verified_by: { check: "changed_lines_covered", at_least: 0.8 } },
      { text: "Mutants die", verified_by: { check: "mutants_detected", at_least: 0.655 } },
      { text: "Nothing else", verified_by: { check: "only_changes", paths: ["src/**", "test/**"] } },
      { text: "Told", verified_by: { check: "file_changed", path: "CHANGELOG.md" } },
    ],
  },
  risk_matrix: {
    entries: [{ risk: "K1", probability: 2, impact: 5, mitigation: "A flag", owner: "Ana" }],
  },
  repository_context: { files: [{ path: "src/round.js", why: "It rounds." }] },
};

const exists = (path: string): boolean => path === "src/round.js";
const said = (findings: ReturnType<typeof checkPlan>): string[] =>
  findings.map(({ path, message }) => `${path}: ${message.en}`);

/** A copy in which one thing is otherwise. */
function changed<T>(of: T, change: (copy: T) => void): T {
  const copy = structuredClone(of);
  change(copy);
  return copy;
}

const spec = (change: (copy: Analysis) => void): string[] => said(checkAnalysis(changed(analysis, change)));
const planned = (change: (copy: DeliveryPlan) => void): string[] =>
  said(checkPlan(changed(plan, change), analysis, exists));

describe("an analysis", () => {
  it("can be used where each requirement is tested and all that is named is there", () => {
    expect(analysisSchema.parse(analysis)).toEqual(analysis);
    expect(checkAnalysis(analysis)).toEqual([]);
  });

  it.each<[string, (copy: Analysis) => void, string[]]>([
    [
      "a requirement that nothing tests",
      ({ test_plan: { cases } }) => void cases.pop(),
      ["quick_spec.requirements.1: no test case of the test plan is for requirement R2"],
    ],
    [
      "a test case for a requirement that is not there",
      ({ test_plan: { cases } }) => void cases.push(testCase("T3", ["R9", "R9", "R1"])),
      ["test_plan.cases.2.requirements: R9 does not exist"],
    ],
    [
      "ids that are given twice",
      ({ quick_spec: of, test_plan, risks }) => {
        of.requirements.push(...of.requirements.slice(0, 1));
        of.open_questions.push(...of.open_questions);
        test_plan.cases.push(testCase("T1", ["R1"]));
        risks.risks.push(...risks.risks);
      },
      [
        "quick_spec.requirements.2: R1 is there twice",
        "quick_spec.open_questions.1: Q1 is there twice",
        "test_plan.cases.2: T1 is there twice",
        "risks.risks.1: K1 is there twice",
      ],
    ],
  ])("with %s goes back", (_, change, reasons) => {
    expect(spec(change)).toEqual(reasons);
  });
});

describe("a plan", () => {
  it("can be used where it does all that was asked for, in an order in which it can be done", () => {
    expect(deliveryPlanSchema.parse(plan)).toEqual(plan);
    expect(checkPlan(plan, analysis, exists)).toEqual([]);
    expect(orderOf(plan.work_breakdown.items)?.map(({ id }) => id)).toEqual(["1.1", "1.2", "2"]);
  });

  const at = (copy: DeliveryPlan, index: number) => copy.work_breakdown.items[index] ?? item("99");

  it.each<[string, (copy: DeliveryPlan) => void, string[]]>([
    [
      "a requirement and a test case that no work is for",
      (copy) => void Object.assign(at(copy, 2), { requirements: ["R1"], test_cases: ["T1"] }),
      [
        "work_breakdown.items: no work item is for requirement R2",
        "work_breakdown.items: no work item has test case T2",
      ],
    ],
    [
      "a requirement that only a divided item names",
      (copy) => {
        Object.assign(at(copy, 0), { requirements: ["R2"], test_cases: ["T2"] });
        Object.assign(at(copy, 2), { requirements: ["R1"], test_cases: ["T1"] });
      },
      [
        "work_breakdown.items: no work item is for requirement R2",
        "work_breakdown.items: no work item has test case T2",
      ],
    ],
    [
      "work for nothing, that nothing shows, or without an estimate",
      (copy) => void copy.work_breakdown.items.push(item("3")),
      [
        "work_breakdown.items.4.requirements: work item 3 is for no requirement: name those that it meets, or divide it",
        "work_breakdown.items.4.test_cases: work item 3 has no test case: name those that show that it is done",
        "work_breakdown.items.4.estimate_hours: work item 3 is not divided further and needs an estimate",
      ],
    ],
    [
      "parts of what is not there, and names of what is not there",
      (copy) =>
        void copy.work_breakdown.items.push(
          item("7.1", { ...leaf, requirements: ["R8"], test_cases: ["T8"], depends_on: ["9"] }),
        ),
      [
        "work_breakdown.items.4.id: 7 does not exist",
        "work_breakdown.items.4.depends_on: 9 does not exist",
        "work_breakdown.items.4.requirements: R8 does not exist",
        "work_breakdown.items.4.test_cases: T8 does not exist",
      ],
    ],
    [
      "an item that waits for its own part",
      (copy) => void at(copy, 0).depends_on.push("1.1"),
      [
        "work_breakdown.items.0.depends_on: work item 1 waits for 1.1, of which it is a part or which is a part of it",
      ],
    ],
    [
      "items that wait for each other through the parts that they are in",
      (copy) => void at(copy, 1).depends_on.push("2"),
      ["work_breakdown.items: work items wait for each other: 1.1 → 2 → 1.1"],
    ],
    [
      "a place that is given twice",
      (copy) => void copy.work_breakdown.items.push(item("2", leaf)),
      ["work_breakdown.items.4: 2 is there twice"],
    ],
    [
      "definitions that cannot be seen at their time, or are of nothing that is there",
      ({ definitions: { ready, done } }) => {
        ready.push({ text: "Green", verified_by: { check: "gate_passes", gate: "test" } });
        done.push({ text: "Asked", verified_by: { check: "questions_answered" } });
        done.push({ text: "R7", verified_by: { check: "requirement_tested", requirement: "R7" } });
      },
      [
        "definitions.ready.2.verified_by: gate_passes cannot be seen before the work begins",
        "definitions.done.6.verified_by: questions_answered says nothing of work that is done",
        "definitions.done.7.verified_by.requirement: R7 does not exist",
      ],
    ],
    [
      "risks that are left out, made up or graded twice",
      ({ risk_matrix: { entries } }) => {
        const [first] = entries;
        if (first === undefined) throw new Error("there is a risk");
        entries.splice(0, 1, { ...first, risk: "K7" }, { ...first, risk: "K7" });
      },
      [
        "risk_matrix.entries.1: K7 is there twice",
        "risk_matrix.entries.0.risk: K7 does not exist",
        "risk_matrix.entries.1.risk: K7 does not exist",
        "risk_matrix.entries: risk K1 has no entry",
      ],
    ],
    [
      "a checkpoint after nothing, and files that are not in the repository",
      ({ checkpoints, repository_context }) => {
        checkpoints.checkpoints.push({ id: "C1", after: "5", question: "?" });
        repository_context.files.push({ path: "src/none.js", why: "?" });
      },
      [
        "checkpoints.checkpoints.1: C1 is there twice",
        "checkpoints.checkpoints.1.after: 5 does not exist",
        "repository_context.files.1.path: src/none.js is not in the repository",
      ],
    ],
  ])("with %s goes back", (_, change, reasons) => {
    expect(planned(change)).toEqual(reasons);
  });

  it("has an order exactly where no work waits for itself, and in it nothing comes before what it waits for", () => {
    const count = 7;
    const places = ["1", "1.1", "1.2", "2", "2.1", "2.2", "3"];
    const edges = fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: 10 });
    fc.assert(
      fc.property(edges, (pairs) => {
        const items = places.map((id, index) =>
          item(id, {
            depends_on: pairs.flatMap(([from, to]) => (from === index ? [places[to] ?? ""] : [])),
          }),
        );
        const waits = (from: string, to: string): boolean =>
          pairs.some(([a, b]) => {
            const [who, whom] = [places[a] ?? "", places[b] ?? ""];
            return `${from}.`.startsWith(`${who}.`) && `${to}.`.startsWith(`${whom}.`);
          });
        const leaves = leavesOf(items).map(({ id }) => id);
        const order = orderOf(items)?.map(({ id }) => id) ?? null;
        // What a leaf waits for, directly or through others.
        const reach = (from: string): Set<string> => {
          const seen = new Set<string>();
          for (const todo = [from]; todo.length > 0;) {
            const next = todo.pop() ?? "";
            for (const other of leaves)
              if (waits(next, other) && !seen.has(other)) {
                seen.add(other);
                todo.push(other);
              }
          }
          return seen;
        };
        const isCyclic = leaves.some((one) => reach(one).has(one));
        expect(order === null).toBe(isCyclic);
        if (order === null) return;
        expect(order.toSorted()).toEqual(leaves.toSorted());
        for (const [index, one] of order.entries())
          for (const other of reach(one)) expect(order.indexOf(other)).toBeLessThan(index);
      }),
    );
  });
});

describe("as people read it", () => {
  const files = (locale: "en" | "pt-BR") =>
    new Map(
      [...renderAnalysis(analysis, locale), ...renderPlan(plan, analysis, locale)].map(
        ({ file, markdown }) => [file, markdown],
      ),
    );

  test("an analysis says what is asked for, and what is not known yet", () => {
    expect(files("en").get("quick-spec.md")).toBe(
      `# Round half-cents up

Invoices lose a cent.

They should not.

## Goals

- Totals are right

## Non-goals

- Other currencies

## Requirements

### R1 · must

A half-cent is rounded up.

- 1.005 becomes 1.01

### R2 · should

Negative amounts mirror it.

- -1.005 becomes -1.01

## Open questions

- **Q1** What of zero? (It has no sign.)${"  "}
  Answer: *none yet*
`,
    );
    expect(files("pt-BR").get("test-plan.md")).toContain(
      "## T2 · Case T2\n\nTeste de integração · R1, R2\n\n- **Dado** an amount\n- **Quando** it is rounded\n- **Então** it is right\n",
    );
  });

  test("a plan says who waits for whom, what is grave, and how each definition is verified", () => {
    expect(files("en").get("work-breakdown.md")).toContain(
      "| &nbsp;&nbsp;**1.2** Part 1.2 | 1.1 | R2 | T2 | 2 |",
    );
    expect(files("en").get("risk-matrix.md")).toContain(
      "| **K1** Old invoices change | 2 | 5 | 10 | A flag | Ana |",
    );
    expect(files("pt-BR").get("definitions.md")).toBe(
      `# Definition of Ready e Definition of Done

## Ready

- Questions have answers (todas as questões em aberto têm resposta)
- It builds (o gate \`build\` passa no commit de base)

## Done

- R1 holds (um teste de R1 falhava antes e passa agora)
- Tests pass (o gate \`test\` passa)
- Lines run (os testes executam pelo menos 80 % das linhas alteradas)
- Mutants die (os testes detectam pelo menos 65.5 % dos mutantes das linhas alteradas)
- Nothing else (nada além de \`src/\\*\\*\`, \`test/\\*\\*\` é alterado)
- Told (\`CHANGELOG.md\` é alterado)
`.replaceAll("\\*", "*"),
    );
  });
});
