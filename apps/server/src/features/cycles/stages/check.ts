import {
  type Analysis,
  type CheckReport,
  type CycleRecipe,
  type GateName,
  gateNames,
  type GateResult,
  type PolicyOf,
  type Text,
  text,
} from "@ciclo/contract";
import { sha256 } from "../../../lib/crypto.ts";
import type { Git } from "../../../lib/git.ts";
import type { Checkout } from "../checkout.ts";
import { changedFiles, changedFilesArgs } from "../gates/changed-files.ts";
import { type ChangedFile, guard, isTestFile } from "../gates/guard.ts";
import {
  contradictionIn,
  flakyTests,
  freshTests,
  lostTests,
  redOnBase,
  type TestRun,
} from "../gates/test-run.ts";
import { runTests, type Tested } from "../gates/tests.ts";
import type { Repositories } from "../repositories.ts";
import type { Limits, Ran } from "../sandbox/run.ts";
import type { NewEvidence, Outcome, Stage, Turn } from "../stage.ts";
import type { Workplace } from "../workplace.ts";
import { baseOf } from "./common.ts";

export type CheckDeps = { repositories: Repositories; workplace: Workplace };

/** What ran at one commit. */
type Ranked = { gates: GateResult[]; logs: NewEvidence[]; tested: Tested | null };

const gateTimeoutS = 1200;
const mostLogBytes = 2_000_000;

/**
 * Runs the gates on the commit that a cycle has come to, and on the one that it began from, each in a checkout of its own. What
 * an agent says of its work is not looked at.
 */
export function checkStage({ repositories, workplace }: CheckDeps): Stage {
  return async (turn) => {
    const { cycle, policy, signal } = turn;
    const git = await repositories.copyOf(cycle.repository);
    const [base, head] = [baseOf(cycle), cycle.head_commit];
    if (head === null || cycle.recipe === null) throw new Error(`cycle ${cycle.id} has nothing to check`);
    const { recipe, from } = cycle.recipe;
    const at = { recipe, limits: limitsOf(policy, recipe), signal };
    const changed = await changesBetween(git, base, head);
    const [before, after] = await Promise.all([
      workplace.with(git, base, (checkout) => gatesIn(checkout, "base", at)),
      workplace.with(git, head, (checkout) => gatesIn(checkout, "head", at)),
    ]);
    const isKnown = before.tested?.run != null && after.tested?.run != null;
    const [again, red] = await Promise.all([
      after.tested === null ? null : testsAgain(workplace, git, head, at),
      isKnown ? onBase(workplace, git, { base, head, changed, at }) : null,
    ]);
    const runs = {
      base: before.tested?.run ?? null,
      head: after.tested?.run ?? null,
      again: again?.run ?? null,
      red: red?.run ?? null,
    };
    const report = reportOf(
      turn,
      { base, head, from, gates: [...before.gates, ...after.gates] },
      runs,
      changed,
    );
    const logs = [...before.logs, ...after.logs];
    return outcomeOf(turn, report, logs);
  };
}

const limitsOf = (
  { limits: { memory_mb: memory, processes } }: PolicyOf<"cycles">,
  { timeout_s: seconds = gateTimeoutS }: CycleRecipe,
): Limits => ({
  timeoutMs: seconds * 1000,
  outputBytes: mostLogBytes,
  memoryBytes: memory * 1024 * 1024,
  processes,
});

type At = { recipe: CycleRecipe; limits: Limits; signal: AbortSignal };

/** Runs the gates of a checkout in their order, up to the first that fails. */
async function gatesIn(checkout: Checkout, on: "base" | "head", at: At): Promise<Ranked> {
  const ranked: Ranked = { gates: [], logs: [], tested: null };
  for (const gate of gateNames) {
    const command = at.recipe[gate];
    if (command === undefined) continue;
    const ran = await one(checkout, gate, command, at, ranked);
    const bytes = logOf(command, ran);
    const passed = ran.code === 0;
    ranked.logs.push({ name: `${gate}-${on}.log`, mediaType: "text/plain", bytes });
    ranked.gates.push({
      gate,
      on,
      command,
      passed,
      code: ran.code,
      ended: ran.ended,
      ms: Math.round(ran.ms),
      log: sha256(bytes),
    });
    // Lint may fail for what was there before; without what the others make, nothing that follows says anything.
    if (!passed && gate !== "lint") break;
  }
  return ranked;
}

async function one(
  checkout: Checkout,
  gate: GateName,
  command: string,
  { limits, signal }: At,
  ranked: Ranked,
): Promise<Ran> {
  if (gate !== "test") return checkout.run(command, limits, { env: { CI: "true" }, signal });
  ranked.tested = await runTests(checkout, command, limits, signal);
  return ranked.tested.ran;
}

const logOf = (command: string, { stdout, stderr, code, ended }: Ran): Buffer =>
  Buffer.concat([
    Buffer.from(`$ ${command}\n`),
    stdout.bytes,
    ...(stdout.dropped > 0 ? [Buffer.from(`\n… ${stdout.dropped} bytes in between are not kept\n`)] : []),
    stderr.bytes,
    Buffer.from(`\n${ended === null ? `exit ${code}` : `ended by the console: ${ended}`}\n`),
  ]);

/** What the tests need to run: what comes before them, whose results are known already. */
async function testsIn(checkout: Checkout, { recipe, limits, signal }: At): Promise<Tested> {
  for (const command of [recipe.setup, recipe.build])
    if (command !== undefined) await checkout.run(command, limits, { env: { CI: "true" }, signal });
  return runTests(checkout, recipe.test, limits, signal);
}

const testsAgain = (workplace: Workplace, git: Git, head: string, at: At): Promise<Tested> =>
  workplace.with(git, head, (checkout) => testsIn(checkout, at));

/** The tests of the new commit on what there was before: a test that is green there shows nothing. */
const onBase = (
  workplace: Workplace,
  git: Git,
  { base, head, changed, at }: { base: string; head: string; changed: readonly ChangedFile[]; at: At },
): Promise<Tested> =>
  workplace.with(git, base, async (checkout) => {
    const paths = changed
      .filter(({ path, isDeleted }) => !isDeleted && isTestFile(path))
      .map(({ path }) => path);
    if (paths.length > 0)
      await checkout.run('git checkout --quiet "$@"', at.limits, {
        env: {},
        args: [head, "--", ...paths],
        signal: at.signal,
      });
    return testsIn(checkout, at);
  });

async function changesBetween(git: Git, base: string, head: string): Promise<ChangedFile[]> {
  const raw = await git.run(changedFilesArgs.names(base, head));
  const patch = await git.run(changedFilesArgs.lines(base, head));
  return changedFiles(raw.stdout.toString("utf8"), patch.stdout.toString("utf8"));
}

type Runs = Record<"base" | "head" | "again" | "red", TestRun | null>;

/** All that was found, and what is wrong with it. */
function reportOf(
  { artifacts }: Turn,
  of: Pick<CheckReport, "base" | "head" | "gates"> & { from: CheckReport["recipe"] },
  runs: Runs,
  changed: readonly ChangedFile[],
): CheckReport {
  const analysis = artifacts.get("analysis")?.content as Analysis;
  const tests = testsOf(runs, changed);
  const requirements = requirementsShown(analysis, runs.head, tests);
  return {
    base: of.base,
    head: of.head,
    recipe: of.from,
    gates: of.gates,
    tests,
    to_agree: [
      ...guard(changed),
      ...(tests?.lost ?? [])
        .filter(({ now }) => now !== "failed")
        .map(({ file, name, now }) => ({
          kind: "test_lost" as const,
          path: file ?? "",
          line: null,
          text: `${name} (${now})`,
        })),
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
      ...(tests === null ? [] : testProblems(tests, requirements)),
    ],
  };
}

function testsOf({ base, head, again, red }: Runs, changed: readonly ChangedFile[]): CheckReport["tests"] {
  if (base === null || head === null) return null;
  const passed = ({ tests }: TestRun): number => tests.filter(({ state }) => state === "passed").length;
  const fresh = freshTests(base, head);
  return {
    runner: "known",
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
  const path = missing.replace(/^(?:\.{1,2}\/)+/, "").replaceAll(".", "/");
  return changed.some(
    (file) =>
      !isTestFile(file.path) &&
      (file.added.some((line) => line.text.includes(name)) ||
        (file.before === null && file.path.includes(path))),
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

const mostNoteCharacters = 12_000;

function outcomeOf({ cycle, policy }: Turn, report: CheckReport, logs: readonly NewEvidence[]): Outcome {
  const made = {
    artifacts: [{ kind: "check" as const, content: report, model: null, findings: [] }],
    evidence: logs,
    metadata: {
      head: report.head,
      problems: report.problems.map(({ en }) => en),
      to_agree: report.to_agree.length,
    },
  };
  if (report.problems.length > 0) {
    const said = report.problems.map(({ en }) => `- ${en}`).join("\n");
    const failed = report.gates.find(({ on, passed }) => on === "head" && !passed);
    const log = logs.find(({ bytes }) => sha256(bytes) === failed?.log)?.bytes.toString("utf8") ?? "";
    const note = `${said}\n\n${log.slice(-mostNoteCharacters)}`;
    if (cycle.tries < policy.tries) return { to: "back", stage: "execute", note, ...made };
    return {
      to: "wait",
      waitsFor: "help",
      reason: text(
        `Still red after ${cycle.tries} tries: ${report.problems.map(({ en }) => en).join("; ")}`,
        `Ainda vermelho após ${cycle.tries} tentativas: ${report.problems.map((one) => one["pt-BR"]).join("; ")}`,
      ),
      ...made,
    };
  }
  if (report.to_agree.length > 0 && !policy.checkpoints.includes("merge"))
    return { to: "wait", waitsFor: "help", reason: nobodyAgrees, ...made };
  return { to: "next", ...made };
}

const nobodyAgrees = text(
  "The change loosens checks or tests, which a person has to agree to, and policies/cycles.yaml has no checkpoint merge",
  "A mudança afrouxa verificações ou testes, com o que uma pessoa precisa concordar, e policies/cycles.yaml não tem o checkpoint merge",
);
