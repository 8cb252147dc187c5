import { expect, it } from "vitest";
import type { DaemonsRun } from "./daemons.ts";
import { computeScaling, summariseDaemons } from "./scaling.ts";

const run: DaemonsRun = {
  daemons: 2,
  events: 1000,
  runMs: 100,
  eventsPerSecond: 10_000,
  cpuUsPerEvent: 100,
  serverCpuUsPerEvent: 25,
  stored: { eventsPerSecond: 6000, serverCpuUsPerEvent: 75 },
  othersPercent: 0,
  maxRssMib: [300, 200],
};

const [summary] = summariseDaemons([run]);
const scaling = summary && computeScaling(summary, 2, 1 / 5);

it("so many daemons apply so many times what one does, and keep nats-server busy for it", () => {
  expect(scaling?.scales.map(({ daemons }) => daemons)).toEqual([1, 2, 3, 4, 6, 8, 12, 16]);
  expect(scaling?.scales[0]).toEqual({ daemons: 1, eventsPerSecond: 10_000, serverCores: 0.25, serverCoresLive: 1 });
  expect(scaling?.scales.at(-1)).toEqual({
    daemons: 16,
    eventsPerSecond: 160_000,
    serverCores: 4,
    serverCoresLive: 16,
  });
});

it("nats-server bounds them by its cores, and by what the disk stores: events that are published, and decisions", () => {
  expect(scaling?.bounds.find(({ by }) => by !== "disk" && by.cores === 2)).toEqual({
    by: { cores: 2 },
    catchingUp: { eventsPerSecond: 80_000, daemons: 8 },
    live: { eventsPerSecond: 20_000, daemons: 2 },
  });
  expect(scaling?.bounds.find(({ by }) => by === "disk")).toEqual({
    by: "disk",
    catchingUp: { eventsPerSecond: 30_000, daemons: 3 },
    live: { eventsPerSecond: 5000, daemons: 1 },
  });
});

it("on the machine that was measured daemons and nats-server share the cores", () => {
  expect(scaling?.thisMachine).toEqual({ eventsPerSecond: 16_000, daemons: 2 });
});

it("runs with as many daemons are one row: the medians of each figure, and of the memory of each rank", () => {
  const others = [
    { ...run, cpuUsPerEvent: 130, maxRssMib: [310, 180] },
    { ...run, cpuUsPerEvent: 110, maxRssMib: [400, 190] },
    { ...run, daemons: 1, maxRssMib: [500] },
  ];
  expect(summariseDaemons([run, ...others])).toEqual([
    expect.objectContaining({ daemons: 2, runs: 3, cpuUsPerEvent: 110, maxRssMib: [310, 190] }),
    expect.objectContaining({ daemons: 1, runs: 1, maxRssMib: [500] }),
  ]);
});
