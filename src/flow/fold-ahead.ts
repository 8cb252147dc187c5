import type { ActorEvent } from "../actor/actor-type.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Handled } from "./batch-result.ts";
import { isNewFact } from "./batch-result.ts";
import type { Observation } from "./delivery.ts";
import { freezeFact, type Past } from "./hosts/fact.ts";
import { comparePlaces, countBefore, sortFacts } from "./hosts/fact-order.ts";
import type { HotActor, HotActors } from "./hot-actors.ts";
import type { Journal } from "./journal.ts";
import { advance, type Pieces } from "./pieces.ts";
import { ReplayError, readPast } from "./rebuild.ts";

/** An event, and who is to hear it. */
export interface Hearable {
  readonly actor: HotActor;
  readonly observation: Observation;
}

/**
 * Folds what an event has folded again before that one is heard, a share of it in each batch. What its actor has heard stays
 * at hand for the next of its events. Meanwhile its actor stays in memory; a fold that is lost, since its batch failed or its
 * actor was forgotten, is begun again.
 */
export interface FoldAhead {
  /**
   * @param endMs - on the clock of `performance.now`, when this batch's share ends.
   * @returns `light`: there is little to fold. `folded`: it is done, to be heard now. `unfinished`: it goes on when this is
   *   asked again, of the same event.
   */
  fold(hearable: Hearable, endMs: number): "light" | "folded" | "unfinished";
  /** What was folded was heard. */
  heard(hearable: Hearable, handled: Handled): void;
  forget(lane: Lane): void;
}

/** Facts that are folded again at once, some 0.3 ms. */
const FEW = 256;

/** What an actor has heard and a late fact may have folded again, sorted, and what is folded of it now. */
interface Open {
  readonly actor: HotActor;
  readonly reading: Pieces<ActorEvent[] | undefined>;
  /** Undefined until they are read. */
  facts: ActorEvent[] | undefined;
  /** Events the actor had heard then: with more, somebody else has let it hear something. */
  events: number;
  folding: { readonly event: Observation; readonly pieces: Pieces<void> } | undefined;
}

export function createFoldAhead(journal: Journal, actors: Pick<HotActors, "pin" | "unpin">): FoldAhead {
  let open: Open | undefined;
  /** One at most: what is followed is folded beside what is ours, and neither lets go of the other's. */
  let pinned: HotActor | undefined;

  function pin(actor: HotActor | undefined): void {
    if (pinned !== undefined) actors.unpin(pinned);
    if (actor !== undefined) actors.pin(actor);
    pinned = actor;
  }

  function openFor(actor: HotActor): Open {
    if (open?.actor === actor && open.events === actor.events) return open;
    const reading = readSorted(journal, actor);
    return { actor, reading, facts: undefined, events: actor.events, folding: undefined };
  }

  /** @returns undefined when there is more to read; no facts when they cannot be read. */
  function readOn(opened: Open, endMs: number): { readonly value: ActorEvent[] | undefined } | undefined {
    // Where it throws it is begun again.
    open = undefined;
    const read = opened.facts === undefined ? advance(opened.reading, endMs) : { value: opened.facts };
    if (read === undefined || read.value !== undefined) open = opened;
    opened.facts = read?.value;
    return read;
  }

  return {
    fold({ actor, observation: event }, endMs) {
      const { live } = actor;
      const isLight = live.weigh(event) <= FEW || live.isTooLate(event) || journal.hasHeard(actor, event);
      if (isLight) return "light";
      const opened = openFor(actor);
      const read = readOn(opened, endMs);
      if (read !== undefined && read.value === undefined) {
        pin(undefined);
        return "light";
      }
      if (
        read?.value !== undefined &&
        (opened.folding === undefined || comparePlaces(opened.folding.event, event) !== 0)
      ) {
        opened.folding = { event, pieces: live.prepare(event, pastOf(read.value)) };
      }
      if (read === undefined || opened.folding === undefined || advance(opened.folding.pieces, endMs) === undefined) {
        pin(actor);
        return "unfinished";
      }
      pin(undefined);
      opened.folding = undefined;
      return "folded";
    },
    heard({ actor, observation }, { outcome }) {
      if (open?.actor !== actor || !isNewFact(outcome) || actor.events !== open.events + 1) return;
      if (open.facts === undefined) return;
      const fact = freezeFact(observation);
      open.facts.splice(countBefore(open.facts, fact), 0, fact);
      open.events = actor.events;
    },
    forget({ type, partition }) {
      const isOfLane = ({ lane }: HotActor) => lane.type === type && lane.partition === partition;
      if (pinned !== undefined && isOfLane(pinned)) pin(undefined);
      if (open !== undefined && isOfLane(open.actor)) open = undefined;
    },
  };
}

/**
 * @returns those that are not folded once and for all; undefined when they cannot be read: whoever lets the actor hear
 *   something finds that out, too.
 */
function* readSorted(journal: Journal, actor: HotActor): Pieces<ActorEvent[] | undefined> {
  const facts: ActorEvent[] = [];
  try {
    for (const row of journal.factsInTurn(actor, actor.live.base()?.timestamp)) {
      if (row !== undefined) facts.push(...readPast(actor.lane.type, [row]));
      yield;
    }
    return [...sortFacts(facts)];
  } catch (error) {
    if (error instanceof ReplayError) return undefined;
    throw error;
  }
}

/** @param facts - sorted. */
function pastOf(facts: readonly ActorEvent[]): Past {
  return (after) => (after === undefined ? facts : facts.slice(countBefore(facts, after)));
}
