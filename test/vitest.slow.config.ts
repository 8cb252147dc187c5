import { defineConfig } from "vitest/config";
import fast from "./vitest.config.ts";

/** Tests that need a cluster of nats-servers or last long: one file at a time. */
export default defineConfig({
  ...fast,
  test: {
    ...fast.test,
    include: ["test/**/*.slow.test.ts"],
    exclude: [],
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
