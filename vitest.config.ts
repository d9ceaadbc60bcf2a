import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { isThorough } from "./apps/server/tests/support/extent.ts";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take long, the longest first. */
const slow = [
  "web/tests/faults",
  "campaigns/kill",
  "web/tests/looks",
  "web/tests/pages",
  "web/tests/access",
  "web/tests/servers",
  "web/tests/journey",
  "campaigns/postgres",
  "crash-postgres",
  "git-crash",
  "servers/processes",
  "gateway/conformance",
  "tests/cli",
  "servers/cli",
  "crash-sqlite",
  "tests/docs",
  "tests/database",
  "crash-forge",
  "web/tests/scale",
  "tests/forge",
  "tests/stores",
  "servers/onboarding",
];

/** Begins with what takes long, whichever project it is in, so that nothing long is left alone at the end. */
class SlowFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = slow.findIndex((name) => moduleId.includes(name));
      return found === -1 ? slow.length : found;
    };
    return Promise.resolve(files.toSorted((a, b) => place(a) - place(b)));
  }
}

const bounds = {
  testTimeout: 180_000,
  hookTimeout: 120_000,
  // As long as `eventually`; left out, a condition that is waited for would have one second, which a busy machine does not keep.
  expect: { poll: { timeout: 30_000 } },
  pool: "forks",
  // Reading the whole console takes longer than most files' tests: files share a process, and what it has read.
  isolate: false,
  // Node processes that tests start share what Node has compiled, as the console's own do.
  env: { NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") },
} as const;

export default defineConfig({
  test: {
    // Much of the time goes by waiting for other processes; vitest would leave one core of two idle.
    maxWorkers: Math.max(4, availableParallelism()),
    sequence: { sequencer: SlowFirst },
    projects: [
      {
        test: {
          ...bounds,
          // What needs neither database nor browser nor a built console: `npm run check`.
          name: "pure",
          setupFiles: ["apps/server/tests/support/setup.ts"],
          include: [
            "packages/*/src/**/*.test.ts",
            "apps/*/src/**/*.test.ts",
            "apps/server/tests/boundaries.test.ts",
          ],
        },
      },
      {
        test: {
          ...bounds,
          name: "server",
          include: ["apps/server/tests/**/*.test.ts"],
          exclude: [
            "apps/server/tests/boundaries.test.ts",
            ...(isThorough ? [] : ["apps/server/tests/campaigns/**"]),
          ],
          setupFiles: ["apps/server/tests/support/setup.ts"],
          globalSetup: ["apps/server/tests/global-setup.ts"],
        },
      },
      {
        test: {
          ...bounds,
          name: "web",
          include: ["apps/web/tests/**/*.test.ts"],
          exclude: isThorough ? [] : ["apps/web/tests/kit.test.ts"],
          setupFiles: ["apps/server/tests/support/setup.ts", "apps/web/tests/setup.ts"],
          globalSetup: ["apps/web/tests/global-setup.ts"],
        },
      },
    ],
  },
});
