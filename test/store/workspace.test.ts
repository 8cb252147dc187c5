import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { examineStore } from "../../src/care/examine-store.ts";
import { readElsewhere } from "../../src/care/verify.ts";
import { findLeftovers, openWorkspace } from "../../src/store/workspace.ts";
import { orderLane } from "../flow/delivery.ts";
import { until } from "../until.ts";

const SOURCE = join(import.meta.dirname, "../../src");
let place: string;
let file: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "natstate-workspace-"));
  file = join(place, "natstate.db");
});
afterEach(() => rmSync(place, { recursive: true }));

it("a verify that is ended by Ctrl-C leaves nothing beside the store", async () => {
  const code = `
    const { openWorkspace } = await import("${SOURCE}/store/workspace.ts");
    const { exitOnSignals } = await import("${SOURCE}/cli/signals.ts");
    exitOnSignals();
    openWorkspace(${JSON.stringify(file)});
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", code], { stdio: "inherit" });
  await until("its workspace", () => readdirSync(place).length > 0);
  child.kill("SIGINT");
  const [exit] = await once(child, "exit");
  expect(exit).toBe(130);
  expect(readdirSync(place)).toEqual([]);
});

it("what a killed one has left is named by doctor and removed by the next; what one at work has is not", () => {
  const { pid } = spawnSync(process.execPath, ["--eval", ""]);
  const [left, busy] = [`${file}.verify-${pid}-aaaaaa`, `${file}.verify-${process.ppid}-bbbbbb`];
  for (const directory of [left, busy]) mkdirSync(directory);
  writeFileSync(join(left, "copy.db"), "x".repeat(3000));
  expect(findLeftovers(file)).toEqual([{ directory: left, bytes: 3000 }]);
  expect(examineStore(file, 0)).toContainEqual(
    expect.objectContaining({ check: "leftovers", level: "warning", advice: `rm -r ${left}` }),
  );
  const { directory, remove } = openWorkspace(file);
  expect([existsSync(left), existsSync(busy), existsSync(directory)]).toEqual([false, true, true]);
  remove();
  expect(existsSync(directory)).toBe(false);
});

it("partitions that another daemon has read further than this store are named", async () => {
  const lanes = [0, 1, 2].map((partition) => ({ ...orderLane, partition }));
  const floors: Record<string, number> = { "orders-0": 7, "orders-1": 9, "orders-2": 0 };
  const jsm = {
    consumers: { info: async (_stream: string, name: string) => ({ ack_floor: { stream_seq: floors[name] } }) },
  } as unknown as Parameters<typeof readElsewhere>[0];
  expect(await readElsewhere(jsm, lanes, ({ partition }) => [7, 3, 0][partition] ?? 0)).toEqual([1]);
});
