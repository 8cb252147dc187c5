import { isDeepStrictEqual } from "node:util";
import { createStatechart } from "../../src/flow/hosts/statechart.ts";
import { buildMachine } from "./build.ts";
import { Host } from "./host.ts";
import { type Stand, standLive } from "./oracle.ts";
import type { Random } from "./random.ts";
import { type CaseSpec, type FactSpec, MAX_DELAYS } from "./spec.ts";

/** What an order of arrival came to and should have. */
export interface Difference {
  readonly arrival: readonly (FactSpec | number)[];
  readonly found: Stand | { readonly outcome: string | undefined };
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
      const found = host.stands().find((stand) => !isSame(stand, expected));
      if (found !== undefined) return { arrival: heard, found, expected };
      const { outcome } = host;
      if (isStepwise && typeof next !== "number" && "told" in expected && !expected.told?.includes(outcome ?? "")) {
        return { arrival: heard, found: { outcome }, expected };
      }
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

/** Values by their JSON; of a delay that threw, when it was due. */
function isSame(found: Stand, expected: Stand): boolean {
  if ("fault" in found || "fault" in expected) {
    if (!("fault" in found && "fault" in expected)) return false;
    return found.fault === expected.fault && found.thrower.endsWith(expected.thrower);
  }
  const { told = [], ...end } = found;
  const { told: all = [], ...expectedEnd } = expected;
  // Of an actor whose oldest facts are settled only the rest is told.
  return isSameJson(end, expectedEnd) && isDeepStrictEqual(told, all.slice(all.length - told.length));
}

function isSameJson(found: object, expected: object): boolean {
  const json = (stand: object) => JSON.parse(JSON.stringify(stand).replace(/-0(?=[,}])/g, "0"));
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
