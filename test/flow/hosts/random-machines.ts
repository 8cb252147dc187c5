import { expect } from "vitest";
import { type AnyStateMachine, and, assign, createMachine, enqueueActions, log, not, or, raise, stateIn } from "xstate";
import type { Random } from "../../hosting/random.ts";

interface Seen {
  readonly context: { readonly n: number; readonly maybe?: number };
  readonly event: { readonly type: string; readonly data?: { readonly n: number } };
}

export const EVENTS = ["A", "B", "C"];
const DESCRIPTORS = [...EVENTS, ...EVENTS, "R", "*", "A.*"];

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
export function makeMachine(random: Random, isFlat: boolean): AnyStateMachine {
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

export function attempt<Result>(work: () => Result): Result | string {
  try {
    return work();
  } catch (error) {
    return String((error as Error).message);
  }
}

export const inJson = (value: unknown) => JSON.parse(JSON.stringify(value));
