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
  },
});
