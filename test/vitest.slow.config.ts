import { defineConfig } from "vitest/config";
import { common, source } from "./vitest.config.ts";

/** Tests that need a cluster of nats-servers or last long: one file at a time. */
export default defineConfig({
  root: `${import.meta.dirname}/..`,
  ...source,
  test: {
    ...common,
    include: ["test/**/*.slow.test.ts"],
    maxWorkers: 1,
    testTimeout: 300_000,
  },
});
