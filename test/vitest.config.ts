import { defineConfig } from "vitest/config";

export default defineConfig({
  root: `${import.meta.dirname}/..`,
  test: {
    include: ["test/**/*.test.ts"],
    // Fetches the nats-server once, before any test file needs it.
    globalSetup: "test/global-setup.ts",
    pool: "forks",
    // The default leaves one of two cores idle, and most of these tests wait for other processes.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
