import { removeStore } from "./damage.ts";
import type { Fault } from "./fault.ts";
import { startAsTold } from "./refusals.ts";
import type { World } from "./world.ts";

/** What was published is thrown away by hand, and the store is lost besides. */
export const purges: readonly Fault[] = [
  {
    name: "decisions-kept-one",
    about: "DECISIONS purged to the newest of each order, then an empty store takes over: nobody hears anything new",
    leastStrikes: 3,
    async strike(world) {
      await world.start();
      const messages = world.traffic(90);
      for (let round = 0; round < 3; round++) {
        await world.publish(messages.filter((_, index) => index % 3 === round));
        await world.settle();
        await world.checker.readDecisions();
        await keepNewest(world);
        const before = await world.streamSize("DECISIONS");
        await world.daemon().kill9();
        removeStore(world);
        await world.start();
        await world.settle();
        const added = (await world.streamSize("DECISIONS")) - before;
        if (added > 0) throw new Error(`without a new event ${added} decisions were published`);
        world.struck();
      }
    },
  },
  {
    name: "purged-remembered",
    about: "outputs, then all streams, purged and the store lost while their ids are remembered (2 min)",
    leastStrikes: 2,
    // An empty store misses what was purged before it could read it, and says so.
    rebuild: false,
    async strike(world) {
      await world.start();
      const messages = world.traffic(60, 14);
      await world.publish(messages);
      await world.settle();
      await loseStoreAnd(world, ["DECISIONS", "DEAD_LETTERS"]);
      await world.settle();
      const { lost, doubled, wrong } = await world.checker.check(world.daemon().httpUrl);
      const [first] = [...lost, ...doubled, ...wrong];
      if (first !== undefined) throw new Error(`outputs purged, store lost: ${first}`);
      await loseStoreAnd(world, ["DECISIONS", "DEAD_LETTERS", "ORDERS"]);
      world.checker.forget();
      await world.publish(messages);
      await world.publish(world.traffic(20));
    },
  },
];

async function loseStoreAnd(world: World, streams: readonly string[]): Promise<void> {
  await world.daemon().stop();
  for (const stream of streams) await world.session.jsm.streams.purge(stream);
  removeStore(world);
  world.struck();
  await startAsTold(world);
}

/** As `nats stream purge DECISIONS --keep 1 --subject …` for each order. */
async function keepNewest(world: World): Promise<void> {
  const { streams } = world.session.jsm;
  const { state } = await streams.info("DECISIONS", { subjects_filter: ">" });
  for (const [subject, count] of Object.entries(state.subjects ?? {})) {
    if (count > 1) await streams.purge("DECISIONS", { filter: subject, keep: 1 });
  }
}
