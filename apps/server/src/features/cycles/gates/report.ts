import {
  type Analysis,
  type CheckReport,
  type DeliveryPlan,
  type GateResult,
  type Text,
  text,
} from "@ciclo/contract";
import type { Turn } from "../stage.ts";
import { brokenDefinitions } from "./definitions.ts";
import { type ChangedFile, guard, isTestFile } from "./guard.ts";
import { contradictionIn, flakyTests, freshTests, lostTests, redOnBase, type TestRun } from "./test-run.ts";

export type Runs = Record<"base" | "head" | "again" | "red", TestRun | null>;

/** All that was found, and what is wrong with it. */
export function reportOf(
  { cycle, artifacts }: Pick<Turn, "cycle" | "artifacts">,
  of: Pick<
    CheckReport,
    "base" | "head" | "gates" | "red_run" | "captures" | "captures_left_out" | "measures"
  > & {
    from: CheckReport["recipe"];
    /** Documents that the Doc phase alone has changed: no plan speaks of them. */
    documented: readonly string[];
    /** Whether tests ran at all, and by which runner; null for one whose results the console does not read. */
    known: { ran: boolean; runner: string | null };
  },
  runs: Runs,
  changed: readonly ChangedFile[],
): CheckReport {
  const analysis = artifacts.get("analysis")?.content as Analysis;
  const tests = testsOf(runs, changed, of.known.runner);
  const requirements = requirementsShown(analysis, runs.head, tests);
  const plan = artifacts.get("plan")?.content as DeliveryPlan;
  const { documented } = of;
  const own = (path: string): boolean =>
    path.startsWith(`docs/cycles/${cycle.id}/`) || path === "CHANGELOG.md" || documented.includes(path);
  const promised = brokenDefinitions(plan, {
    gates: of.gates,
    requirements,
    changed,
    measures: of.measures,
    own,
    testsKnown: tests !== null || of.known.runner !== null,
  });
  const agree = (kind: CheckReport["to_agree"][number]["kind"], said: string) => ({
    kind,
    path: "",
    line: null,
    text: said,
  });
  const { from, known, documented: _, ...found } = of;
  return {
    ...found,
    recipe: from,
    tests,
    to_agree: [
      ...guard(changed),
      ...(tests === null && known.ran && known.runner === null
        ? [agree("tests_unknown", of.gates.find(({ gate }) => gate === "test")?.command ?? "")]
        : []),
      ...byAbsence(requirements, tests).map((said) => agree("shown_by_absence", said)),
      ...promised.unmeasured.map((said) => agree("not_measured", said)),
      ...lostToAgree(tests),
    ],
    requirements,
    changed: changed.map(({ path, added, removed }) => ({
      path,
      added: added.length,
      removed: removed.length,
    })),
    problems: [
      ...gateProblems(of.gates),
      ...runProblems(runs.head),
      ...(tests === null && known.runner !== null ? [unreadable(runs)] : []),
      ...committedModules(changed),
      ...promised.broken,
      ...(tests === null ? [] : testProblems(tests, requirements)),
    ],
  };
}

/** Tests that ran before and do not now; one that fails is a problem, and nobody is asked. */
const lostToAgree = (tests: CheckReport["tests"]): CheckReport["to_agree"] =>
  (tests?.lost ?? [])
    .filter(({ now }) => now !== "failed")
    .map(({ file, name, now }) => ({
      kind: "test_lost" as const,
      path: file ?? "",
      line: null,
      text: `${name} (${now})`,
    }));

function testsOf(
  { base, head, again, red }: Runs,
  changed: readonly ChangedFile[],
  runner: string | null,
): CheckReport["tests"] {
  if (base === null || head === null || runner === null) return null;
  const passed = ({ tests }: TestRun): number => tests.filter(({ state }) => state === "passed").length;
  const fresh = freshTests(base, head);
  return {
    runner,
    passed_on_base: passed(base),
    passed_on_head: passed(head),
    fresh:
      red === null
        ? []
        : redOnBase(fresh, red, (missing) => adds(changed, missing)).map(({ file, name, how, message }) => ({
            file,
            name,
            on_base: how,
            message: message?.slice(0, 2000) ?? null,
          })),
    lost: lostTests(base, head),
    flaky: again === null ? [] : flakyTests(head, again),
  };
}

/** Whether a change adds what a runner called missing: a file of that name, or a line that has it. */
function adds(changed: readonly ChangedFile[], missing: string): boolean {
  const name =
    missing.split(/[/.]/).findLast((part) => part !== "" && !/^(?:[cm]?[jt]s|py)$/.test(part)) ?? missing;
  const plain = missing.replace(/^(?:\.{1,2}\/)+/, "").replace(/\.[cm]?[jt]sx?$/, "");
  const paths = [plain, plain.replaceAll(".", "/")];
  return changed.some(
    (file) =>
      !isTestFile(file.path) &&
      (file.added.some((line) => line.text.includes(name)) ||
        (file.before === null && paths.some((path) => file.path.includes(path)))),
  );
}

/** The tests that show each requirement: those that name a case of the plan, ran, and were red before. */
function requirementsShown(
  { quick_spec: spec, test_plan: plan }: Analysis,
  head: TestRun | null,
  tests: CheckReport["tests"],
): CheckReport["requirements"] {
  const red = new Set(
    (tests?.fresh ?? [])
      .filter(({ on_base: how }) => how === "assertion" || how === "absence")
      .map(({ file, name }) => `${file}\n${name}`),
  );
  // A file that could not be loaded on the base commit takes all of its tests with it.
  const absent = new Set(
    (tests?.fresh ?? [])
      .filter(({ name, on_base: how }) => name === null && how === "absence")
      .map(({ file }) => file),
  );
  const passed = (head?.tests ?? []).filter(({ state }) => state === "passed");
  const shows = (id: string): string[] =>
    passed
      .filter(({ file, name }) => red.has(`${file}\n${name}`) || absent.has(file))
      .filter(({ name }) => new RegExp(`\\[${id}\\]`).test(name))
      .map(({ name }) => name);
  return spec.requirements.map(({ id }) => ({
    requirement: id,
    cases: plan.cases
      .filter(({ requirements }) => requirements.includes(id))
      .map((one) => ({ case: one.id, tests: shows(one.id) })),
  }));
}

/** Cases that only tests show which could not even ask for it before: whether they ask for anything is for a person to see. */
function byAbsence(requirements: CheckReport["requirements"], tests: CheckReport["tests"]): string[] {
  const asserted = new Set(
    (tests?.fresh ?? []).filter(({ on_base: how }) => how === "assertion").map(({ name }) => name),
  );
  return requirements.flatMap(({ requirement, cases }) =>
    cases
      .filter((one) => one.tests.length > 0 && !one.tests.some((name) => asserted.has(name)))
      .map((one) => `${one.case} (${requirement}): ${one.tests.join("; ")}`),
  );
}

/** Nothing is green that nobody could read. */
const unreadable = ({ base, head }: Runs): Text =>
  head === null
    ? text(
        "The results of the tests could not be read after the change",
        "Os resultados dos testes não puderam ser lidos depois da mudança",
      )
    : base === null
      ? text(
          "The tests did not run before the change, so that nothing can be compared: mend build or tests on the base branch first",
          "Os testes não rodaram antes da mudança, e nada pode ser comparado: corrija antes o build ou os testes na branch base",
        )
      : text("The tests could not be compared", "Os testes não puderam ser comparados");

/** Programs of the checkout's own would run in place of those that the gates name. */
function committedModules(changed: readonly ChangedFile[]): Text[] {
  const path = changed.map((file) => file.path).find((one) => /(?:^|\/)node_modules\//.test(one));
  return path === undefined
    ? []
    : [
        text(
          `The change commits ${path}: what is installed is no part of the work`,
          `A mudança inclui ${path}: o que é instalado não faz parte do trabalho`,
        ),
      ];
}

function gateProblems(gates: readonly GateResult[]): Text[] {
  const onBase = new Map(
    gates.filter(({ on }) => on === "base").map((result) => [result.gate, result.passed]),
  );
  return gates
    .filter(
      ({ on, passed, gate }) => on === "head" && !passed && (gate !== "lint" || onBase.get(gate) !== false),
    )
    .map(({ gate, command, code, ended }) => {
      const how = ended ?? `exit ${code}`;
      return text(`The gate ${gate} fails: ${command} (${how})`, `O gate ${gate} falha: ${command} (${how})`);
    });
}

const contradictions: Record<NonNullable<ReturnType<typeof contradictionIn>>, Text | null> = {
  timed_out: text("The tests did not end in time", "Os testes não terminaram a tempo"),
  no_test: text("No test ran", "Nenhum teste foi executado"),
  // The gate itself says so.
  red_exit: null,
  green_exit: text(
    "Tests failed, though their command ended as if none had",
    "Testes falharam, embora o comando tenha terminado como se nenhum tivesse falhado",
  ),
};

function runProblems(head: TestRun | null): Text[] {
  const contradiction = head === null ? null : contradictionIn(head);
  const said = contradiction === null ? null : contradictions[contradiction];
  return said === null ? [] : [said];
}

const mostNamed = 10;
const named = (all: readonly { name: string | null; file: string | null }[]): string =>
  all
    .slice(0, mostNamed)
    .map(({ file, name }) => [file, name].filter((part) => part !== null).join(": "))
    .join("; ") + (all.length > mostNamed ? "; …" : "");

function testProblems(tests: NonNullable<CheckReport["tests"]>, shown: CheckReport["requirements"]): Text[] {
  const broken = tests.lost.filter(({ now }) => now === "failed");
  const unshown = shown.flatMap(({ requirement, cases }) =>
    cases.filter((one) => one.tests.length === 0).map((one) => `${one.case} (${requirement})`),
  );
  return [
    ...(broken.length === 0
      ? []
      : [
          text(
            `Tests that passed before fail now: ${named(broken)}`,
            `Testes que passavam agora falham: ${named(broken)}`,
          ),
        ]),
    ...(tests.flaky.length === 0
      ? []
      : [
          text(
            `Two runs of one commit differ: ${named(tests.flaky)}`,
            `Duas execuções do mesmo commit diferem: ${named(tests.flaky)}`,
          ),
        ]),
    ...(unshown.length === 0
      ? []
      : [
          text(
            `No new test that was red before shows: ${unshown.join(", ")}. A test names its case in its own name, such as [T1], fails without the change, and passes with it`,
            `Nenhum teste novo que antes falhava mostra: ${unshown.join(", ")}. Um teste traz o caso no próprio nome, como [T1], falha sem a mudança e passa com ela`,
          ),
        ]),
  ];
}
