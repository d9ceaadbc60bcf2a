import { jest, vitest } from "./json-report.ts";
import { mocha } from "./mocha.ts";
import { nodeTest } from "./node-test.ts";
import { pytest } from "./pytest.ts";
import type { Runner } from "./runner.ts";
import { tape } from "./tape.ts";

/** Runners of tests whose results the console reads one by one. */
export const runners: readonly Runner[] = [nodeTest, vitest, jest, mocha, tape, pytest];
