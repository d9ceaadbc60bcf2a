import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

const bounds = {
  testTimeout: 60_000,
  hookTimeout: 120_000,
  pool: "forks",
  // Node processes that tests start share what Node has compiled, as the console's own do.
  env: { NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") },
} as const;

export default defineConfig({
  test: {
    // Much of the time goes by waiting for other processes; vitest would leave one core of two idle.
    maxWorkers: Math.max(3, availableParallelism()),
    projects: [
      {
        test: {
          ...bounds,
          // What needs neither database nor browser nor a built console: `npm run check`.
          name: "pure",
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
          exclude: ["apps/server/tests/boundaries.test.ts"],
          globalSetup: ["apps/server/tests/global-setup.ts"],
        },
      },
      {
        test: {
          ...bounds,
          name: "web",
          include: ["apps/web/tests/**/*.test.ts"],
          globalSetup: ["apps/web/tests/global-setup.ts"],
        },
      },
    ],
  },
});
