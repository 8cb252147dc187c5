import { isDeepStrictEqual } from "node:util";
import type { ActorEvent } from "../../src/actor/actor-type.ts";
import { comparePlaces } from "../../src/flow/hosts/fact-order.ts";
import { type Actor, FoldFault } from "../../src/flow/hosts/fold.ts";
import { retell } from "../../src/flow/hosts/retell.ts";
import { isTooLate, settleBefore } from "../../src/flow/hosts/settled-past.ts";
import { createStatechart, type Moment } from "../../src/flow/hosts/statechart.ts";
import {
  reviveTimeline,
  type StoredAnchor,
  storeAnchors,
  storeTimeline,
} from "../../src/flow/hosts/stored-timeline.ts";
import { hear, type Past, pass, type Timeline } from "../../src/flow/hosts/timeline.ts";
import { buildMachine } from "./build.ts";
import { FAULTS, type Stand, standLive } from "./oracle.ts";
import type { Random } from "./random.ts";
import { type CaseSpec, type FactSpec, timestampOf } from "./spec.ts";

/** Delays between two facts: a cycle of the generated machines is found soon. */
export const MAX_DELAYS = 40;

/** What an order of arrival came to and should have. */
export interface Difference {
  readonly arrival: readonly (FactSpec | number)[];
  readonly found: Stand;
  readonly expected: Stand;
}

/**
 * Hears a case's facts in many orders.
 *
 * @param maxOrders - all orders are tried when there are no more than this; of longer histories four at random.
 * @returns the first arrival order that ends otherwise than the live actor, undefined when none does.
 */
export function checkCase(spec: CaseSpec, random: Random, maxOrders: number): Difference | undefined {
  const { machine, facts, ticks } = spec;
  // No fact, no actor.
  if (facts.length === 0) return undefined;
  const chart = createStatechart(
    buildMachine(machine, (event) => String("timestamp" in event ? event.timestamp : "none"), refuse),
  );
  const actor = { chart, id: "it", maxDelays: MAX_DELAYS };
  const expect = oracleOf(machine);
  for (const order of ordersOf(facts, random, maxOrders)) {
    const arrival = mingle(order, ticks, random);
    const isStepwise = random.chance(0.1);
    const host = new Host(actor, random);
    const heard: (FactSpec | number)[] = [];
    let facts = 0;
    for (const next of arrival) {
      if (typeof next !== "number") facts++;
      // What is too late is no part of what the live actor hears.
      if (host.take(next)) heard.push(next);
      // At the end each further time as well: what waits shows only when it fires.
      if (facts < order.length && !isStepwise) continue;
      const expected = expect(heard);
      const found = [host.stand(), host.retell()].find((stand) => !isSame(stand, expected));
      if (found !== undefined) return { arrival: heard, found, expected };
    }
  }
  return undefined;
}

/** What each set of facts and each time passed lead to is asked once. */
function oracleOf(machine: CaseSpec["machine"]): (heard: readonly (FactSpec | number)[]) => Stand {
  const known = new Map<string, Stand>();
  return (heard) => {
    const facts = heard.filter((each) => typeof each !== "number");
    const ticks = heard.filter((each) => typeof each === "number");
    const passed = ticks.length === 0 ? undefined : Math.max(...ticks);
    const key = `${passed} ${facts.map(({ type, id }) => `${type}/${id}`).sort()}`;
    const stand = known.get(key) ?? standLive(machine, facts, passed, MAX_DELAYS);
    known.set(key, stand);
    return stand;
  };
}

/** The timeline in use, made cold and revived now and then as a store would. */
class Host {
  readonly #actor: Actor;
  readonly #random: Random;
  #facts: ActorEvent[] = [];
  #timeline: Timeline | undefined;
  #rows: readonly StoredAnchor[] = [];
  readonly #cold: number;
  /** Forgets old facts. */
  readonly #settles: boolean;

  constructor(actor: Actor, random: Random) {
    this.#actor = actor;
    this.#random = random;
    this.#cold = random.pick([0, 0.2, 1]);
    this.#settles = random.chance(0.2);
  }

  /** @returns false for a fact that happened before what is folded once and for all. */
  take(next: FactSpec | number): boolean {
    return typeof next === "number" ? this.#pass(next) : this.#hear(next);
  }

  #hear({ type, id, at, amount }: FactSpec): boolean {
    const fact = { type, eventId: id, timestamp: timestampOf(at), data: { amount } };
    if (this.#timeline !== undefined && isTooLate(this.#timeline, fact)) return false;
    this.#timeline = hear(this.#actor, this.#timeline, fact, this.#past).timeline;
    this.#facts.push(fact);
    if (this.#settles) this.#settle(timestampOf(at - this.#random.int(10) * 1_000_000));
    this.#rest();
    return true;
  }

  /** In any order, and now and then more than was asked for. */
  readonly #past: Past = (after) => {
    const isMore = after === undefined || this.#random.chance(0.3);
    return this.#random.shuffle(this.#facts.filter((fact) => isMore || comparePlaces(fact, after) > 0));
  };

  #settle(horizon: string): void {
    if (this.#timeline === undefined || this.#random.chance(0.5)) return;
    this.#timeline = settleBefore(this.#timeline, horizon, this.#past);
    const { base } = this.#timeline;
    if (base !== undefined) this.#facts = this.#facts.filter((fact) => comparePlaces(fact, base.place) > 0);
  }

  #pass(at: number): boolean {
    // A tick never begins an actor.
    if (this.#timeline !== undefined) this.#timeline = pass(this.#actor, this.#timeline, timestampOf(at));
    this.#rest();
    return true;
  }

  #rest(): void {
    if (this.#timeline === undefined || !this.#random.chance(this.#cold)) return;
    // Anchors are written seldom; those of before must do no harm.
    if (this.#random.chance(0.3)) this.#rows = JSON.parse(JSON.stringify(storeAnchors(this.#timeline)));
    const row = JSON.parse(JSON.stringify(storeTimeline(this.#timeline)));
    this.#timeline = reviveTimeline(this.#actor.chart.machine, row, this.#rows);
    if (this.#timeline === undefined) throw new Error("a timeline did not revive");
  }

  stand(): Stand {
    const { fault, end } = this.#timeline ?? {};
    if (fault !== undefined || end === undefined) return standFaulty(fault ?? new FoldFault("", "no end"));
    return standOf(end.now.moment);
  }

  /** What telling the fold step by step comes to. */
  retell(): Stand {
    if (this.#timeline === undefined) throw new Error("no fact, no story");
    const steps = retell(this.#actor, this.#timeline, this.#random.shuffle(this.#facts));
    let moment: Moment | undefined = this.#timeline.base?.moment;
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value instanceof FoldFault ? standFaulty(value) : standOf(moment as Moment);
      moment = value.moment;
    }
  }
}

function standOf({ snapshot, timers }: Moment): Stand {
  const { value, context, status, output } = snapshot;
  return { value, context, status, output, due: timers.map(({ due }) => due).sort(byTime) };
}

/** Without their Z, texts of one length or not sort by time. */
function byTime(a: string, b: string): number {
  return a.slice(0, -1) < b.slice(0, -1) ? -1 : 1;
}

function standFaulty({ thrower, reason }: FoldFault): Stand {
  const isDelay = reason.includes("expected a finite number");
  const isForEver = reason.startsWith("timers for ever");
  const isJson = reason.endsWith("which JSON does not keep");
  return { thrower, fault: isDelay ? FAULTS.delay : isForEver ? FAULTS.forEver : isJson ? FAULTS.json : reason };
}

/** Values by their JSON; of a delay that threw, when it was due. */
function isSame(found: Stand, expected: Stand): boolean {
  if ("fault" in found || "fault" in expected) {
    if (!("fault" in found && "fault" in expected)) return false;
    return found.fault === expected.fault && found.thrower.endsWith(expected.thrower);
  }
  const json = (stand: Stand) => JSON.parse(JSON.stringify(stand).replace(/-0(?=[,}])/g, "0"));
  return isDeepStrictEqual(json(found), json(expected));
}

function ordersOf(facts: readonly FactSpec[], random: Random, maxOrders: number): (readonly FactSpec[])[] {
  if (factorial(facts.length) <= maxOrders) return [...permutations(facts)];
  return Array.from({ length: 4 }, () => random.shuffle(facts));
}

function factorial(count: number): number {
  return count < 2 ? 1 : count * factorial(count - 1);
}

function* permutations<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  if (items.length < 2) yield items;
  else
    for (const [index, item] of items.entries()) {
      for (const rest of permutations(items.toSpliced(index, 1))) yield [item, ...rest];
    }
}

/** Puts the first ticks anywhere among the facts, after the first, and the last one at the end. */
function mingle(facts: readonly FactSpec[], ticks: readonly number[], random: Random): (FactSpec | number)[] {
  const arrival: (FactSpec | number)[] = [...facts];
  for (const tick of ticks.slice(0, -1)) arrival.splice(1 + random.int(arrival.length), 0, tick);
  return [...arrival, ...ticks.slice(-1)];
}

function refuse(): never {
  throw new Error("a custom action was executed");
}
