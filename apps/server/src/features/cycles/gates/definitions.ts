import { posix } from "node:path";
import {
  type CheckReport,
  type DefinitionCheck,
  type DeliveryPlan,
  type GateResult,
  type Text,
  text,
} from "@ciclo/contract";

type Found = {
  gates: readonly GateResult[];
  requirements: readonly { requirement: string; cases: readonly { tests: readonly string[] }[] }[];
  changed: readonly { path: string }[];
  measures: CheckReport["measures"];
  /** Whether single tests are known at all. */
  testsKnown: boolean;
  /** Paths that the console itself writes, which no plan speaks of. */
  own: (path: string) => boolean;
};

/** What a plan promised of the work, against what was found: broken promises, and those that nobody has measured. Pure. */
export function brokenDefinitions(
  { definitions }: DeliveryPlan,
  found: Found,
): { broken: Text[]; unmeasured: string[] } {
  const broken: Text[] = [];
  const unmeasured: string[] = [];
  for (const { text: promise, verified_by: check } of [...definitions.ready, ...definitions.done]) {
    const holds = holdsIn(check, found);
    if (holds === false)
      broken.push(
        text(
          `The plan says "${promise}" (${check.check}), which does not hold`,
          `O plano diz "${promise}" (${check.check}), o que não se sustenta`,
        ),
      );
    if (holds === null) unmeasured.push(`${promise} (${check.check})`);
  }
  return { broken, unmeasured };
}

/** Null where nothing has measured it. */
function holdsIn(
  check: DefinitionCheck,
  { gates, requirements, changed, measures, testsKnown, own }: Found,
): boolean | null {
  const passes = (on: GateResult["on"], gate: string): boolean =>
    gates.some((result) => result.on === on && result.gate === gate && result.passed);
  switch (check.check) {
    case "questions_answered":
      // No analysis is approved without.
      return true;
    case "base_gate_passes":
      return passes("base", check.gate);
    case "gate_passes":
      return passes("head", check.gate);
    case "requirement_tested":
      if (!testsKnown) return null;
      return (
        requirements
          .find(({ requirement }) => requirement === check.requirement)
          ?.cases.every(({ tests }) => tests.length > 0) ?? false
      );
    case "only_changes":
      return changed.every(
        ({ path }) => own(path) || check.paths.some((glob) => posix.matchesGlob(path, glob)),
      );
    case "file_changed":
      return changed.some(({ path }) => path === check.path);
    case "changed_lines_covered": {
      const { covered, lines, not_measured: unknown } = measures?.coverage ?? { lines: 0, not_measured: [] };
      // Of a file that was not measured nobody can say that it is covered.
      if (covered === undefined || unknown.length > 0) return null;
      return covered >= check.at_least * lines;
    }
    case "mutants_detected": {
      const { detected = 0, mutants } = measures?.mutation ?? {};
      return mutants === undefined ? null : detected >= check.at_least * mutants;
    }
  }
}
