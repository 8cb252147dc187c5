import { join } from "node:path";
import { until } from "../until.ts";
import { removeStore } from "./damage.ts";
import type { Fault } from "./fault.ts";
import { underLoad } from "./load.ts";
import { WAYS } from "./poisoned-registry.ts";
import type { World } from "./world.ts";

const PATIENCE_MS = 20_000;
const ENV = { FAULTS_REGISTRY: join(import.meta.dirname, "poisoned-registry.ts") };
const ROUNDS = 3;

/** One actor's trouble stays its own: the orders beside it are decided on as if nothing were. */
export const poison: readonly Fault[] = [
  {
    name: "poison-machine",
    about: `actors of another type that go wrong in ${WAYS.length - 1} ways, from bigints to endless transitions: quarantined alone`,
    leastStrikes: ROUNDS * (WAYS.length - 1),
    // The bundled registry knows only one of the types.
    rebuild: false,
    async strike(world) {
      await world.start({ env: ENV });
      await underLoad(world, ROUNDS, async (round) => {
        for (const way of WAYS) await world.publish([swallowed(`${way}-${round}`, way)]);
        const told = (round + 1) * (WAYS.length - 1);
        await until(
          `${told} are quarantined`,
          async () => (await countOf(world, "DEAD_LETTERS", "deadletters.poisons.machine_error")) === told,
          PATIENCE_MS,
        ).catch(async (error: Error) => {
          throw new Error(`${error.message}\n${await world.state()}`);
        });
        await until(
          "the sound one is decided on",
          async () => (await countOf(world, "DECISIONS", `decisions.poisons.sound-${round}`)) === 1,
          PATIENCE_MS,
        );
        world.struck(WAYS.length - 1);
        if (round === 0) await world.daemon().stop();
        else await world.daemon().kill9();
        // All of them are swallowed again.
        if (round === 1) removeStore(world);
        await world.start({ env: ENV });
      });
      await world.settle();
      const told = await countOf(world, "DEAD_LETTERS", "deadletters.poisons.*");
      const decided = await countOf(world, "DECISIONS", "decisions.poisons.*");
      if (told !== world.strikes()) throw new Error(`${told} dead letters of ${world.strikes()} poisoned actors`);
      if (decided !== ROUNDS) throw new Error(`${decided} decisions of poisoned actors, expected ${ROUNDS} sound ones`);
    },
  },
];

function swallowed(poisonId: string, way: string) {
  const event = { poisonId, eventType: "Poisoned", eventId: "p-1", timestamp: "2026-02-01T10:00:00Z", way };
  return { subject: `poisons.${poisonId}.Poisoned`, body: JSON.stringify(event) };
}

async function countOf(world: World, stream: string, subject: string): Promise<number> {
  const { state } = await world.session.jsm.streams.info(stream, { subjects_filter: subject });
  return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
}
