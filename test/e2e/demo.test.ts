import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { actorTypes } from "../../machines/registry.ts";
import type { ActorType, ExpectedActor } from "../../src/actor/actor-type.ts";
import { runDemo } from "../../src/demo/demo.ts";
import type { Report } from "../../src/demo/report.ts";
import { runSimulation, simulationDefaults } from "../../src/demo/simulate.ts";
import { rehearsalOf } from "../../src/demo/traffic.ts";
import { parcelType } from "../parcel.ts";
import { startTestServer } from "../server.ts";

const usualTmp = process.env.TMPDIR;
let tmp = "";

beforeAll(async () => {
  // A place of its own, so that what a demo leaves behind is seen.
  tmp = await mkdtemp(join(tmpdir(), "natstate-test-"));
  process.env.TMPDIR = tmp;
});

afterAll(async () => {
  if (usualTmp === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = usualTmp;
  await rm(tmp, { recursive: true, force: true });
});

test("the demo shows 60 orders that all agree with the model, the article's story, and leaves nothing behind", async () => {
  const out = collect();
  const { ok } = await demo({ seed: 11, out: out.stream, env: { ...process.env, NATS_URL: "nats://127.0.0.1:1" } });
  const text = out.text();
  expect(ok, text).toBe(true);
  expect(text).toMatch(/│ orders +│ +60 │/);
  expect(text).toMatch(/│ dead letters +│ +12 │ malformed_json/);
  expect(text).toContain("The story of order-123");
  expect(text).toMatch(/1 +3rd, \d\d:\d\d:02 +PaymentProcessed .* pending\n/);
  expect(text).toMatch(/4 +2nd, \d\d:\d\d:01 +InventoryReserved .* → confirmed\n/);
  expect(text).toContain("└ decision 1: OrderConfirmed, warehouseId warehouse-west, estimatedDays 3");
  expect(text).toMatch(/5 +3rd, \d\d:\d\d:02 +PaymentProcessed +again what line 1 said: ignored/);
  expect(text).toContain("In the end: confirmed, OrderConfirmed stands; 80 % known, LoyaltyPointsUpdated never came.");
  expect(text).toContain("All 60 orders are exactly what an independent model of the rules expects.");
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(text).not.toContain("\x1b");
  expect(await readdir(tmp)).toEqual([]);
});

test("an order that is not what the model expects is named with the difference, and the demo is not ok", async () => {
  let model = new Map<string, ExpectedActor>();
  const wrong = orderTypeExpecting((expected) => {
    model = expected;
    const actor = expected.get("order-1007");
    if (actor === undefined) throw new Error("order-1007 is not in the traffic");
    return new Map(expected).set("order-1007", {
      ...actor,
      completeness: 40,
      decision: { decisionType: "OrderMoved" },
    });
  });
  const out = collect();
  const { ok } = await demo({ seed: 12, json: true, types: [wrong], out: out.stream });
  const { orders: report } = JSON.parse(out.text()) as { orders: Report };
  const actors = [...model.values()];

  expect(ok).toBe(false);
  expect(report.differences).toEqual([
    expect.stringMatching(/^order-1007: completeness is \d+, expected 40$/),
    expect.stringMatching(/^order-1007: standing decision is .*, expected \{"decisionType":"OrderMoved"\}$/),
    expect.stringMatching(/^order-1007: last decision in DECISIONS is .*, expected \{"decisionType":"OrderMoved"\}$/),
  ]);
  expect(report).toMatchObject({
    actors: 60,
    seed: 12,
    byState: countBy(actors, (actor) => actor.state),
    byCompleteness: countBy(actors, (actor) => String(actor.completeness)),
    standing: countBy(actors, (actor) => actor.decision?.decisionType),
    events: { duplicate: sumBy(actors, (actor) => actor.duplicates) },
  });
  expect(report.events.applied + report.events.superseded).toBe(sumBy(actors, (actor) => actor.events));
  expect(sumBy(Object.values(report.deadLetters), Number)).toBe(12);
  expect(report.messages).toBe(sumBy(actors, (actor) => actor.events + actor.duplicates) + 12);
});

test("a type without traffic is no success: it says that nothing was checked", async () => {
  const out = collect();
  const nothing = /^parcel: its rehearsal gives no traffic, nothing was checked$/;
  await expect(demo({ types: [parcelType], out: out.stream })).rejects.toThrow(nothing);
  const options = { ...simulationDefaults, type: parcelType, natsUrl: "nats://127.0.0.1:1", json: false };
  await expect(runSimulation({ ...options, out: out.stream })).rejects.toThrow(nothing);
  expect(out.text()).toBe("");
  expect(await readdir(tmp)).toEqual([]);
});

test("a demo that is interrupted stops its servers and removes its data", async () => {
  const interrupt = new AbortController();
  const progress = collect({ isTTY: true });
  progress.stream.on("data", () => {
    if (progress.text().includes("making traffic")) interrupt.abort();
  });
  const out = collect();
  const { ok } = await demo({ seed: 13, out: out.stream, progress: progress.stream, signal: interrupt.signal });
  expect(ok).toBe(false);
  expect(out.text()).toBe("");
  expect(progress.text()).toContain("interrupted");
  expect(await readdir(tmp)).toEqual([]);
});

test("simulate says so when there is no natstate", async () => {
  await using server = await startTestServer();
  const { stream } = collect();
  const type = actorTypes[0] as ActorType;
  const simulation = runSimulation({ ...simulationDefaults, type, natsUrl: server.url, json: false, out: stream });
  await expect(simulation).rejects.toThrow(/there is no stream ORDERS at nats:.*: is natstate running there\?/);
});

function demo(options: Partial<Parameters<typeof runDemo>[0]> & { out: NodeJS.WritableStream }) {
  const progress = collect().stream;
  const actors = new Map((options.types ?? actorTypes).map((type) => [type, 60]));
  return runDemo({
    types: actorTypes,
    actors,
    seed: 1,
    keep: false,
    json: false,
    env: process.env,
    progress,
    ...options,
  });
}

function orderTypeExpecting(change: (expected: Map<string, ExpectedActor>) => Map<string, ExpectedActor>): ActorType {
  const [type] = actorTypes;
  if (type === undefined) throw new Error("no actor type is registered");
  const rehearsal = rehearsalOf(type);
  return { ...type, rehearsal: { ...rehearsal, expect: (messages) => change(rehearsal.expect(messages)) } };
}

function collect(properties: { isTTY?: boolean } = {}) {
  let text = "";
  const stream = Object.assign(new PassThrough(), properties);
  stream.on("data", (chunk) => {
    text += chunk;
  });
  return { stream, text: () => text };
}

function countBy<Item>(items: readonly Item[], keyOf: (item: Item) => string | undefined): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const key of items.map(keyOf)) if (key !== undefined) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

function sumBy<Item>(items: readonly Item[], count: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + count(item), 0);
}
