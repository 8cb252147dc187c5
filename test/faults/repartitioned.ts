import type { StreamConfig } from "@nats-io/jetstream";
import { until } from "../until.ts";
import type { Fault } from "./fault.ts";
import { expectRefusal } from "./refusals.ts";
import type { World } from "./world.ts";

const PATIENCE_MS = 30_000;

/** ORDERS made anew with another number of partitions, and accepted, while much is not yet published. */
export const repartitioned: readonly Fault[] = [
  repartition("more-partitions", 4, 16),
  repartition("fewer-partitions", 16, 4),
];

function repartition(name: string, before: number, after: number): Fault {
  return {
    name,
    about: `ORDERS made anew with ${after} instead of ${before} partitions, decisions and dead letters not yet published`,
    leastStrikes: 1,
    check: { exact: false },
    rebuild: false,
    async strike(world) {
      const env = (partitions: number) => ({ NATSTATE_PARTITIONS: String(partitions) });
      const daemon = await world.start({ env: env(before) });
      // The same orders go on afterwards.
      const messages = world.traffic(90, 14);
      const half = (part: number) => messages.filter((_, index) => index % 2 === part);
      await limitOutputs(world, 1);
      await world.publish(half(0));
      await until("all is applied", () => isApplied(world), PATIENCE_MS);
      await world.checker.read();
      await daemon.kill9();
      await limitOutputs(world, -1);
      if ((await world.streamSize("DECISIONS")) > 0) throw new Error("nothing was to be published yet");
      await remake(world, before, after);
      expectRefusal(await world.refusal({ env: env(after) }), /--accept-stream ORDERS/);
      world.struck();
      await world.start({ env: env(after), args: ["--accept-stream", "ORDERS"] });
      await world.settle();
      await world.daemon().stop();
      await world.start({ env: env(after) });
      await world.publish(half(1));
    },
  };
}

/** Nothing larger than so many bytes gets into the output streams. */
async function limitOutputs(world: World, bytes: number): Promise<void> {
  for (const stream of ["DECISIONS", "DEAD_LETTERS"])
    await world.session.jsm.streams.update(stream, { max_msg_size: bytes });
}

async function remake(world: World, before: number, after: number): Promise<void> {
  const { streams } = world.session.jsm;
  const { config } = await streams.info("ORDERS");
  await streams.delete("ORDERS");
  const text = JSON.stringify(config).replace(`partition(${before},1)`, `partition(${after},1)`);
  await streams.add(JSON.parse(text) as StreamConfig);
}

async function isApplied(world: World): Promise<boolean> {
  for await (const { num_pending, num_ack_pending } of world.session.jsm.consumers.list("ORDERS")) {
    if (num_pending + num_ack_pending > 0) return false;
  }
  return true;
}
