import { join } from "node:path";
import { installation } from "../../../lib/places.ts";

/** A command that runs tests and leaves an lcov report in a folder; `args` are its `$1`, `$2`, …. */
export type Covering = { command: string; args: readonly string[]; report: string };

const c8 = join(installation, "node_modules/c8/bin/c8.js");

/**
 * How a runner's tests are run so that what they cover is known; null for runners of which nobody knows. V8's own counts are right
 * for runners that load files as they are (seen: c8 12.0.0 with node:test, tape, mocha); those that transform them bring their own,
 * where the repository has it. `node` is the program that runs c8; `folder` is there for the report.
 */
export function coveringOf(runner: string, test: string, node: string, folder: string): Covering | null {
  const own = (command: string, report = "lcov.info"): Covering => ({
    command: `${test} ${command}`,
    args: [],
    report: join(folder, report),
  });
  switch (runner) {
    case "node":
    case "tape":
    case "mocha":
      return {
        command:
          '"$1" "$2" --config "$3/none.json" --temp-directory "$3/raw" -o "$3" -r lcovonly /bin/sh -c "$4"',
        args: [node, c8, folder, test],
        report: join(folder, "lcov.info"),
      };
    case "vitest":
      return own(
        `--coverage.enabled --coverage.provider=v8 --coverage.reporter=lcovonly --coverage.reportsDirectory=${folder}`,
      );
    case "jest":
      return own(
        `--coverage --coverageProvider=babel --coverageReporters=lcovonly --coverageDirectory=${folder}`,
      );
    case "pytest":
      return own(`--cov --cov-report=lcov:${join(folder, "lcov.info")}`);
    default:
      return null;
  }
}
