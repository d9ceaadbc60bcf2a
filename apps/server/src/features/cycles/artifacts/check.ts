import { type Analysis, type DeliveryPlan, type Text, text } from "@ciclo/contract";

/** What is wrong with an artefact: where in it, and why. The reasons go back to whoever wrote it. */
export type Finding = { path: string; message: Text };

type Named = { id: string };

/**
 * Whether an analysis leaves nothing out and names nothing that is not there: ids are given once, each requirement has a test
 * case, and each test case requirements. Returns what is wrong; nothing where it can be used. Pure.
 */
export function checkAnalysis({ quick_spec: spec, test_plan: tests, risks }: Analysis): Finding[] {
  const requirements = idsOf(spec.requirements);
  const cases = tests.cases.map((one, at) => ({ ...one, path: `test_plan.cases.${at}` }));
  const tested = new Set(cases.flatMap((one) => one.requirements));
  return [
    ...repeated(spec.requirements, "quick_spec.requirements"),
    ...repeated(spec.open_questions, "quick_spec.open_questions"),
    ...repeated(tests.cases, "test_plan.cases"),
    ...repeated(risks.risks, "risks.risks"),
    ...cases.flatMap((one) => missing(one.requirements, requirements, `${one.path}.requirements`)),
    ...spec.requirements.flatMap((requirement, at) =>
      tested.has(requirement.id)
        ? []
        : [
            {
              path: `quick_spec.requirements.${at}`,
              message: text(
                `no test case of the test plan is for requirement ${requirement.id}`,
                `nenhum caso do plano de testes é do requisito ${requirement.id}`,
              ),
            },
          ],
    ),
  ];
}

/**
 * Whether a plan does all that an analysis asks for, in an order in which it can be done, and names nothing that is not
 * there. `exists` says whether a path is in the repository at the commit that the plan is for. Pure.
 */
export function checkPlan(
  plan: DeliveryPlan,
  analysis: Analysis,
  exists: (path: string) => boolean,
): Finding[] {
  return [
    ...checkWork(plan, analysis),
    ...checkOrder(plan),
    ...checkDefinitions(plan, analysis),
    ...checkRisks(plan, analysis),
    ...repeated(plan.checkpoints.checkpoints, "checkpoints.checkpoints"),
    ...plan.checkpoints.checkpoints.flatMap(({ after }, at) =>
      missing([after], idsOf(plan.work_breakdown.items), `checkpoints.checkpoints.${at}.after`),
    ),
    ...plan.repository_context.files.flatMap(({ path }, at) =>
      exists(path)
        ? []
        : [
            {
              path: `repository_context.files.${at}.path`,
              message: text(`${path} is not in the repository`, `${path} não está no repositório`),
            },
          ],
    ),
  ];
}

type Item = DeliveryPlan["work_breakdown"]["items"][number];

const parentOf = (place: string): string | null =>
  place.includes(".") ? place.slice(0, place.lastIndexOf(".")) : null;

/** Whether one place is another, or a part of it. */
const isWithin = (place: string, of: string): boolean => place === of || place.startsWith(`${of}.`);

/** Parts of the work that are not divided further. */
export const leavesOf = (items: readonly Item[]): Item[] => {
  const divided = new Set(items.map(({ id }) => parentOf(id)));
  return items.filter(({ id }) => !divided.has(id));
};

/** That the work is a tree, whose leaves are for requirements, and come to all of them and all test cases. */
function checkWork({ work_breakdown: { items } }: DeliveryPlan, analysis: Analysis): Finding[] {
  const places = idsOf(items);
  const requirements = idsOf(analysis.quick_spec.requirements);
  const cases = idsOf(analysis.test_plan.cases);
  const leaves = new Set(leavesOf(items));
  const findings = items.flatMap((item, at): Finding[] => {
    const path = `work_breakdown.items.${at}`;
    const parent = parentOf(item.id);
    return [
      ...(parent === null ? [] : missing([parent], places, `${path}.id`)),
      ...missing(item.depends_on, places, `${path}.depends_on`),
      ...missing(item.requirements, requirements, `${path}.requirements`),
      ...missing(item.test_cases, cases, `${path}.test_cases`),
      ...(leaves.has(item) ? checkLeaf(item, path) : []),
    ];
  });
  const done = [...leaves];
  return [
    ...repeated(items, "work_breakdown.items"),
    ...findings,
    ...left(requirements, new Set(done.flatMap((leaf) => leaf.requirements)), noWorkForRequirement),
    ...left(cases, new Set(done.flatMap((leaf) => leaf.test_cases)), noWorkForTest),
  ];
}

function checkLeaf(
  { id, requirements, test_cases: cases, estimate_hours: hours }: Item,
  path: string,
): Finding[] {
  const finding = (field: string, message: Text): Finding => ({ path: `${path}.${field}`, message });
  return [
    ...(requirements.length > 0 ? [] : [finding("requirements", forNothing(id))]),
    ...(cases.length > 0 ? [] : [finding("test_cases", untested(id))]),
    ...(hours !== null ? [] : [finding("estimate_hours", withoutEstimate(id))]),
  ];
}

const forNothing = (id: string): Text =>
  text(
    `work item ${id} is for no requirement: name those that it meets, or divide it`,
    `o item de trabalho ${id} não atende a nenhum requisito: diga a quais ele atende, ou divida-o`,
  );
const untested = (id: string): Text =>
  text(
    `work item ${id} has no test case: name those that show that it is done`,
    `o item de trabalho ${id} não tem caso de teste: diga quais mostram que ele está pronto`,
  );
const withoutEstimate = (id: string): Text =>
  text(
    `work item ${id} is not divided further and needs an estimate`,
    `o item de trabalho ${id} não está dividido e precisa de uma estimativa`,
  );
const noWorkForRequirement = (id: string): Text =>
  text(`no work item is for requirement ${id}`, `nenhum item de trabalho é do requisito ${id}`);
const noWorkForTest = (id: string): Text =>
  text(`no work item has test case ${id}`, `nenhum item de trabalho tem o caso de teste ${id}`);

const left = (
  all: ReadonlySet<string>,
  covered: ReadonlySet<string>,
  message: (id: string) => Text,
): Finding[] =>
  [...all]
    .filter((id) => !covered.has(id))
    .map((id) => ({ path: "work_breakdown.items", message: message(id) }));

/** The work items in an order in which they can be done, leaves only; null where they wait for each other. Pure. */
export function orderOf(items: readonly Item[]): Item[] | null {
  const leaves = leavesOf(items);
  // Whoever waits for a part waits for all in it; what is in a part waits for what that waits for.
  const waitsFor = (leaf: Item): Item[] => {
    const named = items.filter(({ id }) => isWithin(leaf.id, id)).flatMap((item) => item.depends_on);
    return leaves.filter((other) => named.some((place) => isWithin(other.id, place)));
  };
  const before = new Map(leaves.map((leaf) => [leaf, waitsFor(leaf)]));
  const order: Item[] = [];
  const done = new Set<Item>();
  while (order.length < leaves.length) {
    const next = leaves.find(
      (leaf) => !done.has(leaf) && (before.get(leaf) ?? []).every((other) => done.has(other)),
    );
    if (next === undefined) return null;
    done.add(next);
    order.push(next);
  }
  return order;
}

function checkOrder({ work_breakdown: { items } }: DeliveryPlan): Finding[] {
  const own = items.flatMap((item, at) =>
    item.depends_on
      .filter((place) => isWithin(place, item.id) || isWithin(item.id, place))
      .map((place) => ({
        path: `work_breakdown.items.${at}.depends_on`,
        message: text(
          `work item ${item.id} waits for ${place}, of which it is a part or which is a part of it`,
          `o item de trabalho ${item.id} espera por ${place}, de que é parte ou que é parte dele`,
        ),
      })),
  );
  if (own.length > 0 || orderOf(items) !== null) return own;
  const waiting = cycleIn(items).join(" → ");
  return [
    {
      path: "work_breakdown.items",
      message: text(
        `work items wait for each other: ${waiting}`,
        `itens de trabalho esperam uns pelos outros: ${waiting}`,
      ),
    },
  ];
}

/** Items that wait for each other, from one back to itself. */
function cycleIn(items: readonly Item[]): string[] {
  const leaves = leavesOf(items);
  const next = (from: Item): Item | undefined => {
    const named = items.filter(({ id }) => isWithin(from.id, id)).flatMap((item) => item.depends_on);
    return stuck.find((other) => named.some((place) => isWithin(other.id, place)));
  };
  let stuck = leaves;
  // What can be done, and what only waits for a cycle without being in it, is taken away.
  for (let size = -1; size !== stuck.length;) {
    size = stuck.length;
    stuck = stuck.filter((leaf) => next(leaf) !== undefined);
  }
  const path: Item[] = [];
  let at = stuck[0];
  while (at !== undefined && !path.includes(at)) {
    path.push(at);
    at = next(at);
  }
  const start = at === undefined ? 0 : path.indexOf(at);
  const ids = path.slice(start).map(({ id }) => id);
  return [...ids, ...ids.slice(0, 1)];
}

function checkDefinitions({ definitions }: DeliveryPlan, analysis: Analysis): Finding[] {
  const requirements = idsOf(analysis.quick_spec.requirements);
  return (["ready", "done"] as const).flatMap((which) =>
    definitions[which].flatMap(({ verified_by: check }, at): Finding[] => {
      const path = `definitions.${which}.${at}.verified_by`;
      const isEarly = check.check === "questions_answered" || check.check === "base_gate_passes";
      if (isEarly !== (which === "ready")) return [{ path, message: wrongTime(check.check, which) }];
      return check.check === "requirement_tested"
        ? missing([check.requirement], requirements, `${path}.requirement`)
        : [];
    }),
  );
}

const wrongTime = (check: string, which: "ready" | "done"): Text =>
  which === "ready"
    ? text(
        `${check} cannot be seen before the work begins`,
        `${check} não pode ser visto antes que o trabalho comece`,
      )
    : text(
        `${check} says nothing of work that is done`,
        `${check} não diz nada de um trabalho que está pronto`,
      );

function checkRisks({ risk_matrix: { entries } }: DeliveryPlan, { risks }: Analysis): Finding[] {
  const known = idsOf(risks.risks);
  const graded = entries.map(({ risk }) => risk);
  return [
    ...repeated(
      graded.map((id) => ({ id })),
      "risk_matrix.entries",
    ),
    ...entries.flatMap(({ risk }, at) => missing([risk], known, `risk_matrix.entries.${at}.risk`)),
    ...[...known]
      .filter((id) => !graded.includes(id))
      .map((id) => ({
        path: "risk_matrix.entries",
        message: text(`risk ${id} has no entry`, `o risco ${id} não tem entrada`),
      })),
  ];
}

const idsOf = (list: readonly Named[]): ReadonlySet<string> => new Set(list.map(({ id }) => id));

const missing = (named: readonly string[], known: ReadonlySet<string>, path: string): Finding[] =>
  [...new Set(named)]
    .filter((id) => !known.has(id))
    .map((id) => ({ path, message: text(`${id} does not exist`, `${id} não existe`) }));

const repeated = (list: readonly Named[], path: string): Finding[] =>
  list.flatMap(({ id }, at) =>
    list.findIndex((other) => other.id === id) === at
      ? []
      : [{ path: `${path}.${at}`, message: text(`${id} is there twice`, `${id} aparece duas vezes`) }],
  );
