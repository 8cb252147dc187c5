import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it } from "vitest";
import { until } from "../until.ts";
import { spawnDaemon } from "./daemon-process.ts";
import { partitions } from "./partitions.ts";
import { getJson, openWorld, traffic, type World } from "./world.ts";

/** Loses what the stream's max age would. */
async function age(world: World): Promise<void> {
  const { last_seq } = (await world.session.jsm.streams.info("ORDERS")).state;
  await world.session.jsm.streams.purge("ORDERS", { seq: last_seq - 5 });
}

/** Begins a daemon, and ends one of the two as soon as the first partition is on its way. */
async function strike(env: Record<string, string>, ends: (joining: ChildProcess) => Promise<unknown>): Promise<void> {
  const joining = spawnDaemon({ NATSTATE_LOG_LEVEL: "info", ...env });
  const exited = once(joining, "exit");
  let output = "";
  for (const stream of [joining.stdout, joining.stderr]) stream?.on("data", (chunk) => (output += chunk));
  await until("a copy has begun", () => output.includes("copying a partition"), 60_000);
  await ends(joining);
  joining.kill("SIGKILL");
  await exited;
}

it("an empty daemon gets the past of its partitions from another one, whoever is killed meanwhile", async () => {
  await using world = await openWorld();
  // So long that a partition's copy has several pieces.
  const messages = traffic(300, 44).map((message) => ({
    ...message,
    body: message.rejectedAs === undefined ? pad(message.body as string) : message.body,
  }));
  const half = messages.length / 2;
  const env = (name: string) => ({ NATSTATE_DATA: join(world.dataDir, name), NATS_URL: world.server.url });
  const first = await world.start(env("first"));
  await world.publish(messages.slice(0, half));
  await world.settle(first);
  await age(world);

  // The giver is killed, then the receiver.
  await strike(env("second"), () => first.kill9());
  const again = await world.start(env("first"));
  await strike(env("second"), async () => {});
  const second = await world.start({ ...env("second"), NATSTATE_LOG_LEVEL: "info" });
  await until("both share", async () => (await partitions(again)) === 8 && (await partitions(second)) === 8);
  expect(second.output()).toContain("partition copied");

  await world.publish(messages.slice(half));
  await until("all is applied", async () => {
    const health = await Promise.all([again, second].map((daemon) => getJson(daemon, "/readyz")));
    return health.every(({ ready, checks }) => ready && checks.lag.detail.startsWith("0 "));
  });
  await second.stop();
  await until("the first has all again", async () => (await partitions(again)) === 16, 20_000);
  await world.settle(again);
  await world.check(again, messages);
}, 240_000);

function pad(body: string): string {
  return JSON.stringify({ ...JSON.parse(body), padding: "x".repeat(10_000) });
}
