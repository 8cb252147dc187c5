import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import type { Member } from "../../src/members/member.ts";
import type { ClusterNode } from "../cluster.ts";
import { type ClusterWorld, openClusterWorld, PATIENCE_MS } from "../faults/cluster-world.ts";
import { pause } from "../faults/processes.ts";
import { PARTITIONS } from "../faults/stage.ts";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { getJson, traffic } from "./world.ts";

/* What docs/operate.md says of more than one machine, where all of one is lost at once, the nats-server on it too. */

const EVENTS_PER_SECOND = 180;
/** More than the cluster's elections take, so that the load goes on without the machine for a while. */
const AWAY_MS = 12_000;
const PUBLISHERS = 100;

/** Publishes at a steady rate; while nothing is taken, all publishers wait and try again. */
function steadily(world: ClusterWorld, messages: readonly TrafficMessage[]) {
  const startMs = performance.now();
  let next = 0;
  let isOver = false;
  const publisher = async () => {
    while (!isOver) {
      const index = next++;
      const message = messages[index];
      if (message === undefined) throw new Error("the load has ended before it was told to");
      await pause(Math.max(0, startMs + (index * 1000) / EVENTS_PER_SECOND - performance.now()));
      await world.publish([message]);
    }
  };
  const published = Promise.all(Array.from({ length: PUBLISHERS }, publisher));
  // It is told by whoever stops it.
  published.catch(() => {});
  return {
    async stop(): Promise<void> {
      isOver = true;
      await published;
    },
  };
}

interface Overview {
  readonly daemons: readonly Member[];
  readonly unread: readonly object[];
}

const heldBy = ({ streams }: Member) => streams.flatMap(({ holds }) => holds).length;

/** Do so many share all partitions, and does each say that it is ready? */
function isShared({ daemons, unread }: Overview, count: number): boolean {
  const held = daemons.map(heldBy);
  const isFair = held.every((each) => each === PARTITIONS / count);
  return unread.length === 0 && held.length === count && isFair && daemons.every(({ ready }) => ready);
}

/** While the daemon that is asked is connected anew it says why there is no answer. */
const untilAllShare = (asked: DaemonProcess) =>
  until(
    "both machines' daemons share",
    () =>
      getJson(asked, "/api/daemons")
        .then((overview) => isShared(overview, 4))
        .catch(() => false),
    PATIENCE_MS,
  );

/** All of it at once: both daemons, their supervisor, the nats-server. */
async function loseMachine(machine: DaemonProcess, node: ClusterNode): Promise<void> {
  const { daemons }: Overview = await getJson(machine, "/api/daemons");
  for (const { httpUrl, pid } of daemons) if (httpUrl === machine.httpUrl) process.kill(pid, "SIGKILL");
  await Promise.all([machine.kill9(), node.kill9()]);
}

const envOf = ({ cluster, dataDir }: ClusterWorld, name: string) => ({
  ...{ NATS_URL: cluster.url, NATSTATE_REPLICAS: "3", NATSTATE_DATA: join(dataDir, name) },
});

/** What the commands say on the machine that is left. */
async function expectTold(world: ClusterWorld, lost: ClusterNode): Promise<void> {
  const ask = async (...args: string[]) => JSON.parse((await runCli([...args, "--json"], envOf(world, "a"))).stdout);
  // While they connect to another server nobody answers.
  const isTold = () =>
    ask("daemons")
      .then((overview) => isShared(overview, 2))
      .catch(() => false);
  await until("the daemons that are left share", isTold, PATIENCE_MS);
  await until(
    "top shows that events are heard",
    async () => {
      // In the second it looks at, some leader may just be elected.
      const shown = await ask("top", "--count", "1").catch(() => undefined);
      return shown?.perSecond.events > 0 && shown.stats.orders.total > 0;
    },
    PATIENCE_MS,
  );
  let findings: readonly { check: string; level: string; detail: string }[] = [];
  await until(
    "doctor names who is away, and finds no problem",
    // Until the others have missed it, it is behind; and until all have a leader again, that is a problem.
    async () => {
      ({ findings } = await ask("doctor"));
      const found = findings.find(({ check }) => check === "replicas");
      return (
        found?.detail.includes(`${lost.name} is away: `) === true && findings.every(({ level }) => level !== "problem")
      );
    },
    PATIENCE_MS,
  ).catch((error: Error) => {
    throw new Error(`${error.message}\n${JSON.stringify(findings)}`);
  });
}

async function expectVerified(world: ClusterWorld, name: string): Promise<void> {
  const { code, stdout, stderr } = await runCli(["verify", "--all"], envOf(world, name));
  expect(code, stdout + stderr).toBe(0);
}

it("a machine is lost under load and comes back, the second time with an empty disk: nothing lost, doubled or wrong", async () => {
  await using world = await openClusterWorld();
  const { cluster, session, checker } = world;
  const start = (name: string) => world.start({ dataDir: join(world.dataDir, name), args: ["--daemons", "2"] });
  const a = await start("a");
  let b = await start("b");
  await untilAllShare(a);
  // More than the test has time for.
  const load = steadily(world, traffic(8000, 91, { shuffle: 400 }));
  for (const isDiskGone of [false, true]) {
    await until("orders are decided", async () => (await world.streamSize("DECISIONS")) > 50);
    const node = await cluster.leaderOf(session, "ORDERS");
    const backAtMs = performance.now() + AWAY_MS;
    await loseMachine(b, node);
    await expectTold(world, node);
    await pause(Math.max(0, backAtMs - performance.now()));
    if (isDiskGone) {
      await node.wipe();
      rmSync(join(world.dataDir, "b"), { recursive: true });
    }
    node.start();
    b = await start("b");
    await untilAllShare(a);
    // Until it has all that it is to have, no other server may go.
    await cluster.settle(session);
  }
  await load.stop();
  await Promise.all([world.settle(a), world.settle(b)]);
  const { lost, doubled, wrong, events } = await checker.check(b.httpUrl, { sample: 300 });
  expect({ lost, doubled, wrong }).toEqual({ lost: [], doubled: [], wrong: [] });
  expect(events).toBeGreaterThan(EVENTS_PER_SECOND * 20);
  for (const name of ["a", "b"]) await expectVerified(world, name);
  expect(await Promise.all([a.stop(), b.stop()])).toEqual([0, 0]);
});
