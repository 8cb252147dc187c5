import { defineConfig } from "vitest/config";

export default defineConfig({
  root: `${import.meta.dirname}/..`,
  test: {
    include: ["test/**/*.test.ts"],
    // Those need a cluster of nats-servers or last long: `npm run test:slow`.
    exclude: ["test/**/*.slow.test.ts"],
    // Fetches the nats-server once, before any test file needs it.
    globalSetup: "test/global-setup.ts",
    pool: "forks",
    // Most of these tests wait for other processes: on two cores 235 s with two workers, 190 s with three.
    maxWorkers: 3,
    // Generous: a machine that is shared by many is four times slower, and a test that hangs is rare.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
