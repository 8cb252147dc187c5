import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { until } from "../until.ts";
import { expectCalm } from "./calm.ts";
import type { Fault } from "./fault.ts";
import { startAsTold } from "./refusals.ts";
import type { World } from "./world.ts";

const PATIENCE_MS = 20_000;

/** Streams put back from a copy that is older than the store, or gone; then what the refusal says is done. */
export const restores: readonly Fault[] = [
  restored("decisions-older", "DECISIONS put back from an older copy, the store is newer", ["DECISIONS"]),
  restored("dead-letters-older", "DEAD_LETTERS put back from an older copy, the store is newer", ["DEAD_LETTERS"]),
  restored("outputs-gone", "DECISIONS and DEAD_LETTERS deleted while the daemon is down", [], (world) =>
    Promise.all(["DECISIONS", "DEAD_LETTERS"].map((name) => world.session.jsm.streams.delete(name))),
  ),
  {
    ...restored("streams-older", "all streams put back from an older copy, the store is newer", [
      "ORDERS",
      "DECISIONS",
      "DEAD_LETTERS",
    ]),
    // What ORDERS has lost is in the store only.
    check: { exact: false },
    rebuild: false,
  },
];

function restored(
  name: string,
  about: string,
  streams: readonly string[],
  strike: (world: World) => Promise<unknown> = (world) => putBack(world, streams),
): Fault {
  return {
    name,
    about,
    leastStrikes: 1,
    async strike(world) {
      await world.start();
      const messages = world.traffic(90, 14);
      const third = (part: number) => messages.filter((_, index) => index % 3 === part);
      await world.publish(third(0));
      await world.settle();
      await world.daemon().stop();
      await copyStreams(world);
      await world.start();
      await world.publish(third(1));
      await world.settle();
      await world.daemon().stop();
      await world.checker.read();
      await strike(world);
      await world.checker.read();
      world.struck();
      const accepted = await startAsTold(world);
      // Those that are gone have to be asked for: nobody knows whether it was meant.
      if (streams.length === 0 && accepted.length === 0) throw new Error("nothing had to be accepted");
      if (accepted.length > 0) world.note(`${name}: accepted ${accepted.join(", ")}`);
      await world.settle();
      await expectCalm(world);
      await world.publish(third(2));
      await world.settle();
      await expectCalm(world);
    },
  };
}

const streamsOf = (world: World) => join(world.server.storeDir, "jetstream", "$G", "streams");
const copyOf = (world: World) => join(world.dataDir, "streams.copy");

function copyStreams(world: World): Promise<void> {
  return whileDown(world, () => cpSync(streamsOf(world), copyOf(world), { recursive: true }));
}

function putBack(world: World, names: readonly string[]): Promise<void> {
  return whileDown(world, () => {
    for (const name of names) {
      rmSync(join(streamsOf(world), name), { recursive: true });
      cpSync(join(copyOf(world), name), join(streamsOf(world), name), { recursive: true });
    }
  });
}

/** Works on the files of nats-server, and waits until its clients are back. */
async function whileDown(world: World, work: () => void): Promise<void> {
  await world.server.kill9();
  work();
  await world.server.restart();
  const isBack = () => Promise.all([world.streamSize("ORDERS"), world.checker.isConnected()]).then(() => true);
  await until("nats-server is back", () => isBack().catch(() => false), PATIENCE_MS);
}
