import { isDeepStrictEqual } from "node:util";
import { expect, it } from "vitest";
import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  and,
  assign,
  createMachine,
  type EventObject,
  enqueueActions,
  log,
  not,
  or,
  raise,
  stateIn,
} from "xstate";
import { orderType } from "../../../machines/order/order.ts";
import type { ActorType } from "../../../src/actor/actor-type.ts";
import { stateText } from "../../../src/actor/state-text.ts";
import { createDirectMoves } from "../../../src/flow/hosts/direct-move.ts";
import { restoreActor, spawnActor } from "../../../src/flow/hosts/host.ts";
import { createInertScope } from "../../../src/flow/hosts/inert-scope.ts";
import { type Random, seededChoices } from "../../hosting/random.ts";

interface Seen {
  readonly context: { readonly n: number; readonly maybe?: number };
  readonly event: { readonly type: string; readonly data?: { readonly n: number } };
}

const EVENTS = ["A", "B", "C"];
const DESCRIPTORS = [...EVENTS, ...EVENTS, "R", "*", "A.*"];
const MACHINES = 600;
const HEARD = 25;

/** What a machine names, each made when it is asked for. */
const NAMED = {
  actions: {
    add: assign({ n: ({ context }: Seen) => (context.n + 1) % 50 }),
    addBy: assign(({ context }: Seen, { by }: { by: number }) => ({ n: (context.n + by) % 50 })),
    own: () => expect.unreachable("executed"),
  },
  guards: {
    isEven: ({ context }: Seen) => context.n % 2 === 0,
    isAbove: ({ context }: Seen, { least }: { least: number }) => context.n > least,
    isHeard: ({ event }: Seen) => (event.data?.n ?? 0) > 4,
    isOther: "isEven",
  },
};

interface Shape {
  readonly id: string;
  readonly inner: Readonly<Record<string, Shape>>;
}

function makeShape(random: Random, isFlat: boolean, ids: string[], depth = 0): Shape {
  const id = `s${ids.length}`;
  ids.push(id);
  const isOuter = depth < 2 && random.chance(depth === 0 ? 0.9 : isFlat ? 0.1 : 0.4);
  const keys = isOuter ? ["x", "y", ...(isFlat ? ["z", "w"] : [])] : [];
  return { id, inner: Object.fromEntries(keys.map((key) => [key, makeShape(random, isFlat, ids, depth + 1)])) };
}

type Some = <Item>(share: number, make: () => Item) => Item | undefined;

/** Guards and actions, of states with these ids. */
function makeCode(random: Random, some: Some, ids: readonly string[]) {
  function guard(): unknown {
    return random.pick([
      () => "isEven",
      () => "isOther",
      () => "isHeard",
      () => ({ type: "isAbove", params: { least: random.int(50) } }),
      () => ({ type: "isAbove", params: ({ context }: Seen) => ({ least: context.n - 1 }) }),
      () =>
        ({ context }: Seen) =>
          context.maybe === undefined,
      () => not(guard() as never),
      () => and(["isEven", guard() as never]),
      () => or(["isHeard", guard() as never]),
      () => stateIn(`#${random.pick(ids)}`),
      () => failingGuard,
    ])();
  }

  const action = (): unknown =>
    random.pick([
      ...[() => "add", () => "add", () => assign({ n: random.int(50) }), () => assign({})],
      () => ({ type: "addBy", params: { by: random.int(9) } }),
      () => ({ type: "addBy", params: ({ event }: Seen) => ({ by: event.data?.n ?? 3 }) }),
      () => assign({ maybe: some(0.5, () => 1) as never }),
      () => assign(({ context, event }: Seen) => ({ n: (context.n + (event.data?.n ?? 0)) % 50, maybe: context.n })),
      () => assign(failingAssignment),
      ...[() => "own", () => "nobody's", () => ({ type: "own" })],
      () => some(0.3, () => raise({ type: "R" })) ?? "add",
      () => some(0.3, () => log("heard")) ?? "add",
      () => some(0.3, () => enqueueActions(({ enqueue }) => enqueue("add"))) ?? "add",
    ])();

  return { guard, action };
}

/** Machines whose transitions mostly assign; some lead elsewhere, are eventless, fail, or do more. Flat: they lead more often. */
function makeMachine(random: Random, isFlat: boolean): AnyStateMachine {
  const ids: string[] = [];
  const some: Some = (share, make) => (random.chance(share) ? make() : undefined);
  const { guard, action } = makeCode(random, some, ids);

  function transition(leads: number): object {
    const target = some(leads, () => `#${random.pick(ids)}`);
    return {
      ...(target !== undefined && { target, reenter: random.chance(0.3) }),
      ...(random.chance(0.4) && { guard: guard() }),
      ...(random.chance(0.8) && { actions: [action(), ...random.some(2, action)] }),
    };
  }

  function state({ id, inner }: Shape): object {
    const states = Object.entries(inner).map(([key, child]) => [key, state(child)]);
    const isOuter = states.length > 0;
    const isParallel = random.chance(isFlat ? 0.05 : 0.35);
    const on = DESCRIPTORS.filter(() => random.chance(isFlat ? 0.5 : 0.3)).map((name) => [
      name,
      random.chance(0.1)
        ? undefined
        : [transition(isFlat ? 0.5 : 0.15), ...random.some(2, () => transition(isFlat ? 0.5 : 0.1))],
    ]);
    const always = random.some(isFlat && random.chance(0.5) ? 0 : 1, () => ({ guard: guard(), ...transition(0.6) }));
    const remembered = some(isOuter ? 0.15 : 0, () => ({ type: "history", history: random.pick(["deep", "shallow"]) }));
    if (remembered !== undefined) ids.push(`${id}h`);
    const begins = random.pick(["x", "y", ...(remembered === undefined ? [] : ["h"])]);
    const initial = random.chance(0.3) ? { target: begins, actions: [action(), ...random.some(1, action)] } : begins;
    return {
      ...(isOuter && {
        states: {
          ...Object.fromEntries(states),
          ...(remembered && { h: { ...remembered, id: `${id}h`, target: "x" } }),
        },
      }),
      ...(isOuter && (isParallel ? { type: "parallel" } : { initial })),
      ...{ id, on: Object.fromEntries(on), always, tags: random.some(1, () => `t${random.int(3)}`) },
      ...(random.chance(isFlat ? 0.05 : 0.3) && { entry: action() }),
      ...(random.chance(isFlat ? 0.05 : 0.3) && { exit: action() }),
      ...(!isOuter && id !== "s0" && random.chance(0.05) && { type: "final", on: undefined, always: undefined }),
    };
  }

  return createMachine(
    {
      ...{ ...state(makeShape(random, isFlat, ids)), context: { n: random.int(50) } },
      ...(random.chance(0.1) && { options: { maxIterations: random.int(4) } }),
    } as never,
    NAMED as never,
  );
}

function failingGuard({ context }: Seen): boolean {
  if (context.n % 7 === 6) throw new Error("no guard");
  return context.n % 3 === 0;
}

function failingAssignment({ context }: Seen) {
  if (context.n % 5 === 4) throw new Error("no assignment");
  return { n: context.n + 1 };
}

function attempt<Result>(work: () => Result): Result | string {
  try {
    return work();
  } catch (error) {
    return String((error as Error).message);
  }
}

const inJson = (value: unknown) => JSON.parse(JSON.stringify(value));
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
