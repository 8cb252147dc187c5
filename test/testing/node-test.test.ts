import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";

it("is of use in Node's own test runner, and loads neither NATS nor SQLite", () => {
  // That one would report to this one.
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const { status, stdout } = spawnSync(process.execPath, ["--test", "test/testing/node-test.ts"], {
    encoding: "utf8",
    env,
  });
  expect(stdout).toContain("pass 3");
  expect(status).toBe(0);
});
