import fc from "fast-check";
import type { ActorType } from "../actor/actor-type.ts";
import { TIME_PASSED } from "../actor/delays.ts";
import { atOnce, type Pieces } from "../flow/pieces.ts";
import { type Arriving, createArrivals, type Divergence, type PastEvent } from "./arrivals.ts";
import { createContractEvents, gapsOf } from "./contract-events.ts";

export interface ProofOptions {
  /** How many arrivals are tried; 200 when absent. */
  readonly runs?: number;
  /** The same seed, the same arrivals; 1 when absent. */
  readonly seed?: number;
  /** An actor's own events, of which each arrival takes some or all; absent: made from the contract. */
  readonly events?: readonly PastEvent[];
  /** As the machine is told it. */
  readonly id?: string;
}

export interface Proof {
  /** Arrivals that were tried. */
  readonly runs: number;
  readonly seed: number;
  /** The smallest arrival found that comes to something else; undefined when all came to the same. */
  readonly divergence: Divergence | undefined;
  /** What went wrong first with events that its contract takes; undefined when nothing did. */
  readonly trouble: string | undefined;
}

export const proofDefaults = { runs: 200, seed: 1 };

/** Arrivals between two looks at how far it has come. */
const SLICE = 20;
/** Of an actor's own events: one arrival folds them again and again. */
const MAX_EVENTS = 200;
/** Of events that are made. */
const MAX_MADE = 10;
const START_MS = Date.parse("2026-01-01T00:00:00Z");

/**
 * Tries whether the order in which an actor's events arrive makes a difference, arrivals that repeat some, and restarts in
 * between. That it finds none is no proof in the sense of mathematics: it is as good as the number of runs.
 *
 * @throws ContractError when no events can be made from the contract.
 */
export function prove(type: ActorType, options: ProofOptions = {}): Proof {
  return atOnce(proveInPieces(type, options));
}

/** {@link prove}, which yields the number of runs so far. */
export function* proveInPieces(type: ActorType, options: ProofOptions): Pieces<Proof> {
  const { runs = proofDefaults.runs, seed = proofDefaults.seed, events, id = `${type.name}-1` } = options;
  const arrivals = createArrivals(type, id);
  const arriving = events === undefined ? arrivalsOfContract(type) : arrivalsOf(events);
  let divergence: Divergence | undefined;
  let done = 0;
  while (done < runs && divergence === undefined) {
    const numRuns = Math.min(SLICE, runs - done);
    const property = fc.property(arriving, (arrival) => atOnce(arrivals.compare(arrival)) === undefined);
    const { counterexample, numRuns: tried } = fc.check(property, { numRuns, seed: seed + done });
    if (counterexample !== null) divergence = atOnce(arrivals.compare(counterexample[0]));
    done += tried;
    yield done;
  }
  return { runs: done, seed, divergence, trouble: arrivals.trouble() };
}

/** How an event arrives; each part shrinks to what is ordinary. */
const HOW = {
  /** Those of a lower rank are heard first, those of one in the order in which they happened. */
  rank: fc.nat(20),
  /** Rank of its duplicate; 0: it has none. */
  again: fc.nat(20).map((rank) => Math.max(0, rank - 10)),
  isRestarted: fc.boolean(),
};

interface How {
  readonly rank: number;
  readonly again: number;
  readonly isRestarted: boolean;
}

function arrive(heard: readonly (How & { readonly event: PastEvent })[]): Arriving[] {
  const all = heard.flatMap(({ event, rank, again, isRestarted }) => [
    { rank, event, isRestarted },
    ...(again === 0 ? [] : [{ rank: rank + again, event, isRestarted: false }]),
  ]);
  return all.sort((a, b) => a.rank - b.rank).map(({ event, isRestarted }) => ({ event, isRestarted }));
}

/** Arrivals of some or all of the events; a smaller one leaves out more. */
function arrivalsOf(events: readonly PastEvent[]): fc.Arbitrary<Arriving[]> {
  const known = events.filter(({ type }) => type !== TIME_PASSED).slice(-MAX_EVENTS);
  // It shrinks towards what is left out, which few are at first.
  const isLeftOut = fc.nat(9).map((chance) => chance === 0);
  return fc
    .tuple(...known.map((event) => fc.record({ event: fc.constant(event), ...HOW, isLeftOut })))
    .map((heard) => arrive(heard.filter((each) => !each.isLeftOut)))
    .filter((arrival) => arrival.length > 0);
}

/** Arrivals of events that the contract takes. */
function arrivalsOfContract(type: ActorType): fc.Arbitrary<Arriving[]> {
  const made = createContractEvents(type);
  const eventTypes = Object.keys(type.events);
  // What cannot be made is said before anything is tried.
  for (const eventType of eventTypes) made(eventType, 0);
  const eventType = fc.constantFrom(...eventTypes);
  // So few variants that some events say the same.
  const event = fc.record({ eventType, variant: fc.nat(15), gapMs: fc.constantFrom(...gapsOf(type)), ...HOW });
  return fc.array(event, { minLength: 1, maxLength: MAX_MADE, size: "max" }).map((heard) => {
    let atMs = START_MS;
    return arrive(
      heard.map(({ eventType, variant, gapMs, ...how }, index) => {
        atMs += gapMs;
        const body = JSON.stringify(made(eventType, variant).data);
        const timestamp = new Date(atMs).toISOString();
        return { ...how, event: { type: eventType, eventId: `e${index + 1}`, timestamp, body } };
      }),
    );
  });
}

/** @returns the smallest two arrivals that do not come to the same, as two stories, a line each; empty when there are none. */
export function tellProof({ name }: Pick<ActorType, "name">, { runs, seed, divergence }: Proof): string[] {
  if (divergence === undefined) return [];
  const { differences, one, other } = divergence;
  const indented = (lines: readonly string[]) => lines.map((line) => `  ${line}`);
  return [
    `${name} does not converge: what it comes to depends on how its events arrive (found in run ${runs}, seed ${seed})`,
    ...indented(differences),
    "in the order in which they happened:",
    ...indented(one.story),
    "and as they arrived:",
    ...indented(other.story),
  ];
}
