import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";

const MODULE = "test/cli/wrong-actors.ts";

function natstate(...args: readonly string[]) {
  const module = args.includes("--actors") ? [] : ["--actors", MODULE];
  const { status, stdout } = spawnSync(process.execPath, ["src/cli.ts", ...args, ...module], { encoding: "utf8" });
  return { status, said: JSON.parse(stdout) as Record<string, unknown> };
}

it("check says all that a start would refuse, of all types at once, and what else is odd", () => {
  const { status, said } = natstate("check", "--json");
  expect(status).toBe(1);
  expect(said).toMatchObject({
    ok: false,
    types: ["wrong", "Odd", "undecided"],
    problems: [
      expect.stringContaining('"Odd": name "Odd" is not lower-case'),
      expect.stringContaining('"Odd": it has no event types'),
      expect.stringContaining('"undecided": its rule that concludes fails on an actor nothing is known of: undecided'),
    ],
    warnings: [expect.stringContaining('"wrong": it merges, but Paid leads'), expect.anything(), expect.anything()],
  });
});

it("what check only warns of, it refuses when it is to be strict", () => {
  const warned = ["check", "--json", "--actors", "test/cli/odd-actors.ts"];
  const { status, said } = natstate(...warned);
  expect({ status, ...said }).toMatchObject({ status: 0, ok: true, problems: [] });
  expect(natstate(...warned, "--strict")).toMatchObject({ status: 1, said: { ok: false, warnings: said.warnings } });
});

it("check names the actions that nobody executes, where they stand, and takes them", () => {
  const { status, said } = natstate("check", "--json", "--strict", "--actors", "examples/checkout/actors.ts");
  const notes = ['actor type "checkout": sendReceipt at paid.entry: not executed; act on decisions'];
  expect({ status, ...said }).toMatchObject({ status: 0, ok: true, notes });
});

it("prove ends with 1 and the two arrivals that differ", () => {
  const { status, said } = natstate("prove", "--json", "--type", "wrong", "--runs", "100", "--seed", "3");
  expect(status).toBe(1);
  expect(said).toMatchObject({
    converges: false,
    proofs: [
      {
        type: "wrong",
        seed: 3,
        converges: false,
        divergence: { differences: ['state: "paid" or "cancelled"', expect.anything()] },
      },
    ],
  });
});
