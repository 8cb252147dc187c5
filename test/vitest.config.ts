import { defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

/** Rooms whose tests are pure, or keep to a store of their own: they need no worker for each file. */
const SHARED = ["actor", "answers", "charts", "config", "fuzz", "hosting", "machines", "store", "wire"]
  .map((room) => `test/${room}/**/*.test.ts`)
  .concat("examples/*/*.test.ts");
/** The examples' tests are a project's of one's own, where Node runs them: here they run with all others. */
const NODE_TEST = { "node:test": "vitest" };
/** Those need a cluster of nats-servers or last long: `npm run test:slow`. */
const SLOW = "test/**/*.slow.test.ts";

/** What every run has in common. */
export const common = {
  // Fetches the nats-server once, before any test file needs it.
  globalSetup: "test/global-setup.ts",
  pool: "forks" as const,
  // Generous: a machine that is shared by many is four times slower, and a test that hangs is rare.
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

/** `natstate` in tests and examples is the TypeScript beside them. */
export const source = {
  resolve: { conditions: ["natstate-source", ...defaultServerConditions] },
  ssr: { resolve: { conditions: ["natstate-source", ...defaultServerConditions] } },
};

export default defineConfig({
  root: `${import.meta.dirname}/..`,
  ...source,
  test: {
    ...common,
    // Most of these tests wait for other processes: on two cores 235 s with two workers, 190 s with three.
    maxWorkers: 3,
    projects: [
      {
        extends: true,
        test: { name: "shared", alias: NODE_TEST, include: SHARED, exclude: [SLOW], isolate: false },
      },
      {
        extends: true,
        test: { name: "alone", include: ["test/**/*.test.ts"], exclude: [SLOW, ...SHARED] },
      },
    ],
  },
});
