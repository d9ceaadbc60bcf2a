import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CheckReport, CycleRecipe } from "@ciclo/contract";
import type { Git } from "../../../lib/git.ts";
import type { Checkout } from "../checkout.ts";
import { coverageOfChange, parseLcov, sourcesIn } from "../gates/coverage.ts";
import { coveringOf } from "../gates/covering.ts";
import type { ChangedFile } from "../gates/guard.ts";
import { languageOf } from "../gates/languages.ts";
import { type Mutant, mutantsOf, replacementsIn } from "../gates/mutants.ts";
import { type SourceFile, strykerReplacements } from "../gates/stryker.ts";
import { environmentOf, reportAt, runTests } from "../gates/tests.ts";
import type { Limits } from "../sandbox/run.ts";
import { contentsAt } from "./prepare.ts";

type Measures = NonNullable<CheckReport["measures"]>;

export type Measuring = {
  git: Git;
  head: string;
  changed: readonly ChangedFile[];
  recipe: CycleRecipe;
  limits: Limits;
  signal: AbortSignal;
  /** The runner whose results are read; null for one that the console does not know. */
  runner: string | null;
  /** How long the tests take by themselves, in milliseconds. */
  usualMs: number;
  /** The program that counts what runs. */
  node: string;
  /** So many mutants are tried at most. */
  mutants: number;
};

/** Mutants are tried for no longer than this, in milliseconds. */
const mutationMs = 240_000;
/** A mutant may make a program run without end. */
const leastMutantMs = 10_000;

/**
 * How well the tests look at the changed lines: which of them run, and of mutants of them, how many a test notices. In a checkout
 * where the tests can run. What cannot be measured is null, and never a figure.
 */
export async function measure(checkout: Checkout, measuring: Measuring): Promise<Measures> {
  return {
    coverage: await coverageIn(checkout, measuring),
    mutation: await mutationIn(checkout, measuring),
  };
}

async function coverageIn(
  checkout: Checkout,
  { recipe, limits, signal, runner, node, changed }: Measuring,
): Promise<Measures["coverage"]> {
  if (runner === null || sourcesIn(changed).length === 0) return null;
  const folder = join(checkout.home, `coverage-${randomUUID()}`);
  const covering = coveringOf(runner, recipe.test, node, folder);
  if (covering === null) return null;
  await mkdir(folder);
  // Settings of the repository may leave files out, which is no reason to say that they are covered.
  await writeFile(join(folder, "none.json"), "{}");
  const ran = await checkout.run(covering.command, limits, {
    env: environmentOf(checkout),
    args: covering.args,
    signal,
  });
  if (ran.code !== 0) return null;
  const report = await reportAt(covering.report);
  return report === null ? null : coverageOfChange(parseLcov(report, checkout.tree), changed);
}

async function mutationIn(checkout: Checkout, measuring: Measuring): Promise<Measures["mutation"]> {
  const { mutants: most } = measuring;
  if (most === 0) return null;
  const { mutants, unread } = await mutantsIn(checkout, measuring);
  if (mutants.length === 0) return null;
  const until = performance.now() + mutationMs;
  const mutation: NonNullable<Measures["mutation"]> = {
    detected: 0,
    mutants: 0,
    survived: [],
    is_cut: false,
    not_measured: unread,
  };
  for (const mutant of mutants) {
    if (performance.now() > until) {
      mutation.is_cut = true;
      break;
    }
    const noticed = await isNoticed(checkout, mutant, measuring);
    // A program that cannot even be loaded says nothing of its tests.
    if (noticed === null) continue;
    mutation.mutants += 1;
    if (noticed) mutation.detected += 1;
    else mutation.survived.push({ path: mutant.path, line: mutant.line, from: mutant.from, to: mutant.to });
  }
  // Where the tests are not green here on the work as it is, their red says nothing of a mutant.
  return mutation.mutants === 0 || !(await isGreen(checkout, measuring)) ? null : mutation;
}

/** Mutants of all changed files, as many of each as there is room for; and files of which none could be made. */
async function mutantsIn(
  checkout: Checkout,
  { git, head, changed, mutants: most, node, signal }: Measuring,
): Promise<{ mutants: Mutant[]; unread: string[] }> {
  const files: SourceFile[] = [];
  for (const { path, added } of sourcesIn(changed).filter((one) => one.added.length > 0)) {
    const source = await contentsAt(git, head, path);
    if (source !== null) files.push({ path, source, lines: added.map(({ line }) => line) });
  }
  const byStryker = files.filter(({ path }) => languageOf(path) === "javascript");
  const made = await strykerReplacements(checkout, byStryker, { node, signal });
  const each = Math.max(1, Math.floor(most / Math.max(1, files.length)));
  const found: Mutant[] = [];
  for (const file of files) {
    if (found.length >= most) break;
    const at = byStryker.indexOf(file);
    const replacements = at === -1 ? replacementsIn(file.path, file.source) : (made[at] ?? []);
    found.push(...mutantsOf(file, replacements, new Set(file.lines), Math.min(each, most - found.length)));
  }
  return { mutants: found, unread: byStryker.filter((_, at) => made[at] === null).map(({ path }) => path) };
}

/** What is not the repository's goes, but for what its set-up made: that is ignored. */
const restore = "git clean -ffdq && git checkout --quiet -- .";

async function isGreen(checkout: Checkout, { recipe, limits, signal }: Measuring): Promise<boolean> {
  const restored = await checkout.run(restore, limits, { env: {}, signal });
  if (restored.code !== 0) return false;
  if (recipe.build !== undefined) await checkout.run(recipe.build, limits, { env: { CI: "true" }, signal });
  const { ran } = await runTests(checkout, recipe.test, limits, signal);
  return ran.code === 0;
}

/** Whether the tests notice a mutant; null where it cannot be loaded. It is written within the sandbox: paths are the agent's. */
async function isNoticed(
  checkout: Checkout,
  { path, source }: Mutant,
  { recipe, limits, signal, usualMs }: Measuring,
): Promise<boolean | null> {
  const timeoutMs = Math.min(limits.timeoutMs, Math.max(leastMutantMs, 5 * usualMs));
  const written = await checkout.run(`${restore} && cat > "$1"`, limits, {
    env: {},
    args: [path],
    input: source,
    signal,
  });
  if (written.code !== 0) return null;
  if (recipe.build !== undefined) {
    const built = await checkout.run(recipe.build, limits, { env: { CI: "true" }, signal });
    if (built.code !== 0) return null;
  }
  const { ran, run } = await runTests(checkout, recipe.test, { ...limits, timeoutMs }, signal);
  if (run !== null && run.tests.length === 0 && run.broken.length > 0) return null;
  return ran.ended === "timeout" || ran.code !== 0;
}
