import { jest, vitest } from "./json-report.ts";
import { mocha } from "./mocha.ts";
import { nodeTest } from "./node-test.ts";
import { playwright } from "./playwright.ts";
import { pytest } from "./pytest.ts";
import type { Runner } from "./runner.ts";
import { tape } from "./tape.ts";

/** Runners of tests whose results the console reads one by one. */
const runners: readonly Runner[] = [playwright, nodeTest, vitest, jest, mocha, tape, pytest];

/** The runner of a command: of its last part, which is what arguments are added to. Null where it is not known. */
export function runnerOf(command: string): Runner | null {
  const last = command.split(/&&|\|\||[;|\n]/).at(-1) ?? "";
  return runners.find(({ isRunBy }) => isRunBy(last)) ?? null;
}
