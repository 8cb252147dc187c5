import { type AnyActor, createActor, SimulatedClock } from "xstate";
import { buildMachine } from "./build.ts";
import { type FactSpec, LATER_TYPES, type NodeSpec, timestampOf } from "./spec.ts";

/*
 * What an actor must come to: a live actor, heard by XState's own clock in event-time order. It shares no code with the
 * hosts of src/.
 */

/** How an actor stands, or why it cannot. */
export type Stand =
  | {
      readonly value: unknown;
      readonly context: unknown;
      readonly status: string;
      readonly output: unknown;
      /** When its delays end, in order. */
      readonly due: readonly string[];
      /** Facts and delays as they acted, each with whether a transition was selected; absent where it is not looked at. */
      readonly told?: readonly string[];
    }
  | { readonly thrower: string; readonly fault: string };

/** A fault that is no error of the machine's own code. */
export const FAULTS = { forEver: "timers for ever", delay: "no delay", json: "not JSON" } as const;

/** @param passed - nanoseconds after the base; undefined: no time is known to have passed. */
export function standLive(
  spec: NodeSpec,
  facts: readonly FactSpec[],
  passed: number | undefined,
  maxDelays: number,
): Stand {
  const sorted = [...facts].sort(
    (a, b) =>
      a.at - b.at ||
      Buffer.compare(Buffer.from(a.type), Buffer.from(b.type)) ||
      Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)),
  );
  const live = new Live(spec, sorted[0]?.at ?? 0, maxDelays);
  try {
    live.check("the initial state");
    for (const fact of sorted) {
      live.runTo(fact.at, false);
      live.hear(fact);
    }
    if (passed !== undefined) live.runTo(passed, true);
    return live.stand();
  } catch (error) {
    if (error instanceof Faulty) return { thrower: error.thrower, fault: error.message };
    throw error;
  }
}

class Faulty extends Error {
  readonly thrower: string;

  constructor(thrower: string, message: string) {
    super(message);
    this.thrower = thrower;
  }
}

/** A clock of half nanoseconds: facts are heard at the whole ones, delays fire at the halves after them. */
class Live {
  readonly #clock = new SimulatedClock();
  readonly #pending = new Map<number, number>();
  readonly #actor: AnyActor;
  readonly #maxDelays: number;
  readonly #told: string[] = [];
  #selected = 0;
  #fired = 0;
  #badDelay = false;

  constructor(spec: NodeSpec, startAt: number, maxDelays: number) {
    this.#maxDelays = maxDelays;
    this.#clock.set(startAt * 2);
    const machine = buildMachine(
      spec,
      ({ type, ...event }) => {
        const isTimed = type.startsWith("xstate.after.") || LATER_TYPES.includes(type) || "eventId" in event;
        return isTimed ? timestampOf(this.#now()) : "none";
      },
      () => {},
    );
    const clock = {
      setTimeout: (fire: () => void, delayMs: number) => this.#setTimeout(fire, delayMs),
      clearTimeout: (id: number) => {
        this.#pending.delete(id);
        this.#clock.clearTimeout(id);
      },
    };
    this.#actor = createActor(machine, { input: { id: "it" }, clock: clock as never, inspect: this.#inspect });
    this.#actor.subscribe({ error: () => {} });
    this.#actor.start();
  }

  #setTimeout(fire: () => void, delayMs: number): number {
    if (!(delayMs >= 0 && delayMs < Number.POSITIVE_INFINITY)) this.#badDelay = true;
    const due = this.#now() + Math.round(delayMs * 1_000_000);
    const id = this.#clock.setTimeout(
      () => {
        this.#pending.delete(id);
        if (!this.#isActive()) return;
        const thrower = `due ${timestampOf(due)}`;
        if (this.#fired === this.#maxDelays) throw new Faulty(thrower, FAULTS.forEver);
        this.#fired++;
        this.#selected = 0;
        fire();
        this.#told.push(`${timestampOf(due)} delay ${this.#selected > 0}`);
        this.check(thrower);
      },
      due * 2 + 1 - this.#clock.now(),
    );
    this.#pending.set(id, due);
    return id;
  }

  /** An event is handled that took a transition, be it an eventless one whose guard looks at the event. */
  readonly #inspect = (seen: object): void => {
    if ("_transitions" in seen) this.#selected += (seen._transitions as readonly unknown[]).length;
  };

  #now(): number {
    return Math.floor(this.#clock.now() / 2);
  }

  #isActive(): boolean {
    return this.#actor.getSnapshot().status === "active";
  }

  /** Lets what is due before `at` fire, or by `at`, each at its own time. */
  runTo(at: number, isInclusive: boolean): void {
    while (this.#isActive()) {
      const due = Math.min(...this.#pending.values());
      if (isInclusive ? due > at : due >= at) break;
      if (due === Number.POSITIVE_INFINITY) break;
      this.#clock.set(due * 2 + 1);
    }
  }

  hear({ type, id, at, amount }: FactSpec): void {
    this.#fired = 0;
    const timestamp = timestampOf(at);
    this.#selected = 0;
    if (this.#isActive()) {
      this.#clock.set(at * 2);
      this.#actor.send({ type, eventId: id, timestamp, data: { amount } } as never);
    }
    this.#told.push(`${timestamp} ${type} ${id} ${this.#selected > 0}`);
    this.check(`${type} ${id} of ${timestamp}`);
  }

  /** Finds what a live actor lets pass and a host must not. */
  check(thrower: string): void {
    const { status, error, context, output } = this.#actor.getSnapshot();
    if (status === "error") throw new Faulty(thrower, (error as Error).message);
    if (this.#badDelay) throw new Faulty(thrower, FAULTS.delay);
    if (hasNaN(context) || hasNaN(output)) throw new Faulty(thrower, FAULTS.json);
  }

  stand(): Stand {
    const { value, context, status, output } = this.#actor.getSnapshot();
    const due = status === "active" ? [...this.#pending.values()].sort((a, b) => a - b).map(timestampOf) : [];
    return { value, context, status, output, due, told: this.#told };
  }
}

function hasNaN(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.values(value).some(hasNaN);
  return typeof value === "number" && Number.isNaN(value);
}
