import { isDeepStrictEqual } from "node:util";
import { expect, it } from "vitest";
import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from "xstate";
import { orderType } from "../../../machines/order/order.ts";
import type { ActorType } from "../../../src/actor/actor-type.ts";
import { stateText } from "../../../src/actor/state-text.ts";
import { createDirectMoves } from "../../../src/flow/hosts/direct-move.ts";
import { restoreActor, spawnActor } from "../../../src/flow/hosts/host.ts";
import { createInertScope } from "../../../src/flow/hosts/inert-scope.ts";
import { type Random, seededChoices } from "../../hosting/random.ts";
import { attempt, EVENTS, inJson, makeMachine } from "./random-machines.ts";

const MACHINES = 600;
const HEARD = 25;

const idsOf = ({ _nodes }: AnyMachineSnapshot) => _nodes.map(({ id }) => id);
const stored = (snapshot: AnyMachineSnapshot) => inJson(snapshot.machine.getPersistedSnapshot(snapshot));

const typeOf = (machine: AnyStateMachine) => ({ ...orderType, machine, ordering: "merge" }) as unknown as ActorType;

interface Direct {
  /** Steps that were made without XState. */
  steps: number;
  /** Those that led to another state. */
  moves: number;
  /** Actors that began without XState. */
  begun: number;
}

/** Lets an actor of natstate and XState's own step hear the same. */
function compare(machine: AnyStateMachine, random: Random, direct: Direct): void {
  const type = typeOf(machine);
  let ours = spawnActor(type, "o");
  const moves = createDirectMoves(createInertScope());
  const scope = createInertScope();
  let theirs: AnyMachineSnapshot = machine.getInitialSnapshot(scope, { id: "o" });
  if (moves.begin(machine, { type: "xstate.init", input: { id: "o" } } as EventObject) !== undefined) direct.begun++;
  expect(JSON.parse(ours.persist().snapshot)).toEqual(stored(theirs));
  for (let heard = 0; heard < HEARD && theirs.status === "active"; heard++) {
    const event = {
      ...{ type: random.pick([...EVENTS, "Unheard"]), eventId: `e-${heard}`, timestamp: "2026-01-01T00:00:00.000Z" },
      data: { n: random.int(9) },
    };
    const before = theirs;
    const expected = attempt(() => machine.transition(before, event, scope) as AnyMachineSnapshot);
    const reached = attempt(() => moves.step(before, event));
    const effect = ours.send(event, () => []);
    if (typeof expected === "string") {
      expect(reached ?? expected).toBe(expected);
      expect(effect).toMatchObject({ kind: "error", error: { message: expected } });
      continue;
    }
    theirs = expected;
    if (typeof reached === "object") {
      direct.steps++;
      if (!isDeepStrictEqual(reached.as.value, before.value)) direct.moves++;
      expect(inJson(reached.context)).toEqual(inJson(theirs.context));
      expect([reached.as.value, reached.as.status, idsOf(reached.as)]).toEqual([theirs.value, "active", idsOf(theirs)]);
      if (reached.as === before) expect(reached.context === before.context).toBe(theirs === before);
    }
    expect(JSON.parse(ours.persist().snapshot)).toEqual(stored(theirs));
    const isSame = isDeepStrictEqual(stored(theirs), stored(before));
    expect(effect).toEqual({ kind: isSame ? "superseded" : "applied", replayed: 0 });
    expect([ours.state(), [...ours.snapshot().tags]]).toEqual([
      stateText(machine.root, theirs.value),
      [...theirs.tags],
    ]);
    if (!random.chance(0.2) || theirs.status !== "active") continue;
    ours = restoreActor(type, "o", ours.persist(), null) ?? ours;
    theirs = machine.restoreSnapshot(stored(theirs), scope) as AnyMachineSnapshot;
  }
}

it("a step that is made without XState comes to what XState makes of it, whatever the machine", () => {
  const direct: Direct = { steps: 0, moves: 0, begun: 0 };
  let compared = 0;
  for (let seed = 1; seed <= MACHINES; seed++) {
    const random = seededChoices(seed);
    const machine = makeMachine(random, seed % 2 === 0);
    // States that chase each other from the first one on are told by another test.
    if (typeof attempt(() => spawnActor(typeOf(machine), "o")) === "string") continue;
    compared++;
    compare(machine, random, direct);
  }
  expect(compared).toBeGreaterThan(MACHINES / 3);
  expect(direct.steps).toBeGreaterThan(compared * 3);
  expect(direct.moves).toBeGreaterThan(compared / 4);
  expect(direct.begun).toBeGreaterThan(compared / 10);
});
