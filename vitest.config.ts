import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "apps/server/src/**/*.test.ts",
      "apps/server/tests/**/*.test.ts",
      "apps/web/src/**/*.test.ts",
      "apps/web/tests/**/*.test.ts",
    ],
    globalSetup: ["apps/server/tests/global-setup.ts", "apps/web/tests/global-setup.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: "forks",
    // Much of the time goes by waiting for other processes; vitest would leave one core of two idle.
    maxWorkers: Math.max(3, availableParallelism()),
  },
});
