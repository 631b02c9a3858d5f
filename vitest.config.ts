// One vitest run for every house: unit and contract tests beside the code, whole-server tests in server/tests.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{server,kit,agents,provider-stubs,bench}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    globalSetup: ["server/src/postgres/testing/global-setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Many files start servers, workers and databases of their own: one file at a time leaves them the machine they are timed on.
    fileParallelism: false,
  },
});
