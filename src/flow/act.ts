import type { ActorType } from "../actor/actor-type.ts";
import { TIME_PASSED } from "../actor/delays.ts";
import type { Lane } from "../wire/lanes.ts";
import { type Rejected, reject } from "../wire/rejection.ts";
import type { Arrival } from "./arrival.ts";
import { actorName, type Batch, saveActor } from "./batch.ts";
import type { Handled } from "./batch-result.ts";
import type { Observation } from "./delivery.ts";
import { eventRow, storedDelivery } from "./event-row.ts";
import { createFirstDerivations } from "./first-derivations.ts";
import type { Hearing } from "./hearing.ts";
import type { Past } from "./hosts/fact.ts";
import { maxFactsOf } from "./hosts/horizon.ts";
import { findOrFail, type HotActor, type HotActors } from "./hot-actors.ts";
import type { Journal } from "./journal.ts";
import { createKnownFacts, type KnownFacts } from "./known-facts.ts";
import { passedAfter, ReplayError } from "./rebuild.ts";
import { type Impulse, type Transition, transit } from "./transit.ts";
import type { Waiting } from "./turns.ts";

/** The second half of the path. */
export interface Act {
  /** Lets a message act on its actor: recognise duplicates -> transition -> note the outcome -> decide. */
  hear(arrival: Arrival, hearing: Hearing, batch: Batch): Handled;
  /**
   * Folds all that an actor has heard anew, and concludes from it; what follows is caused by the last that it heard. Nothing
   * when it has heard nothing.
   */
  retry(lane: Lane, actorId: string, hearing: Hearing, batch: Batch): void;
}

export function createAct(journal: Journal, actors: HotActors): Act {
  const [tryFirst, known] = [createFirstDerivations(), createKnownFacts(journal)];
  return { hear: arrive, retry };

  function retry(lane: Lane, actorId: string, hearing: Hearing, batch: Batch): void {
    const arrival = findLast(journal, actors, { lane, actorId }, batch);
    if (arrival === undefined) return;
    pass(arrival, hearing, batch);
    if (!journal.isQuarantined(lane.type.name, actorId)) return;
    // Where a fold ended before its fault depends on the order in which it was heard: the row keeps that.
    batch.touched.delete(arrival.actor);
    actors.evict(lane, actorId);
  }

  function arrive(arrival: Arrival, hearing: Hearing, batch: Batch): Handled {
    const { delivery, observation, actor } = arrival;
    batch.stirred.add(actor);
    const isTick = observation.type === TIME_PASSED;
    if (isTick && isToBeIgnored(arrival)) {
      hearing.count(actor, "ignored", batch);
      return { delivery, outcome: "ignored", observation };
    }
    const recorded = journal.recordEvent(actor, eventRow(actor.key, delivery, observation));
    if (recorded === "damaged") return hearing.fail(delivery, observation, damaged(observation), batch);
    if (recorded === "again") return { delivery, outcome: "skipped", observation };
    if (recorded === "new" && !isTick) return hearFact(arrival, hearing, batch);
    const outcome = recorded === "new" ? "tick" : recorded;
    hearing.count(actor, outcome, batch);
    if (outcome === "tick") {
      journal.markOutcome(actor, observation, { outcome, replayed: 0 });
      batch.touched.add(actor);
    }
    const passed = passedBy(arrival);
    // Even what was heard before says that time has passed.
    const held = passed === undefined ? {} : pass(arrival, hearing, batch, passed);
    return { ...held, delivery, outcome, observation };
  }

  function hearFact(arrival: Arrival, hearing: Hearing, batch: Batch): Handled {
    const { delivery, observation, actor, isHeld } = arrival;
    const [from, event] = [actor.live.state(), observation];
    const past = pastOf(known, arrival, batch, event);
    if (actor.live.isTooLate(event)) {
      journal.forgetEvent(actor, observation);
      return hearing.reject(delivery, tooLate(actor.lane.type, observation), batch);
    }
    const dependsOn = tryFirst(actor, event, past);
    const heard = heardBy(journal, actor, event);
    const transition = transitAndSettle(arrival, { event, passed: passedBy(arrival), past, heard, isHeld });
    if (transition.kind === "error") {
      actor.heardTypes = undefined;
      journal.forgetEvent(actor, observation);
      return hearing.fail(delivery, observation, transition.error, batch);
    }
    const outcome = transition.kind as Exclude<typeof transition.kind, "passed">;
    const replayed = transition.kind === "held" ? 0 : transition.replayed;
    batch.touched.add(actor);
    hearing.count(actor, outcome, batch);
    hearing.move(actor, from, batch);
    countFact(arrival, known);
    if (outcome !== "applied") journal.markOutcome(actor, observation, { outcome, replayed });
    const held = follow(arrival, transition, hearing, batch);
    return { ...held, delivery, outcome, observation, replayed, ...(dependsOn !== undefined && { dependsOn }) };
  }

  function pass(arrival: Arrival, hearing: Hearing, batch: Batch, passed?: string): Pick<Handled, "held"> {
    const { actor, isHeld } = arrival;
    const from = actor.live.state();
    // Also when nothing follows: what it waits for now is written.
    batch.touched.add(actor);
    const impulse = { passed, past: pastOf(known, arrival, batch), heard: heardBy(journal, actor), isHeld };
    const transition = transit(actor, impulse);
    hearing.move(actor, from, batch);
    return follow(arrival, transition, hearing, batch);
  }
}

function countFact({ actor, observation, delivery }: Arrival, known: KnownFacts): void {
  actor.events++;
  known.heard(actor, observation);
  // A server's clock may be set back.
  actor.updatedAtMs = Math.max(actor.firstSeenAtMs, delivery.storedAtMs);
}

/** What cannot be read where an actor's past is folded for good is as what cannot be where it hears something. */
function transitAndSettle({ actor, observation, delivery }: Arrival, impulse: Impulse): Transition {
  const { completeness } = actor;
  const transition = transit(actor, impulse);
  if (transition.kind === "error") return transition;
  try {
    actor.live.settle(observation, delivery.storedAtMs, (after) => [...impulse.past(after), observation]);
    return transition;
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error;
    actor.live.rewind();
    actor.completeness = completeness;
    return { kind: "error", error };
  }
}

/** The last that a held actor has heard, and the actor folded anew; undefined when that cannot be. */
function findLast(journal: Journal, actors: HotActors, waiting: Waiting, batch: Batch): Arrival | undefined {
  const { lane, actorId } = waiting;
  saveHeard(journal, waiting, batch);
  const row = journal.findActor(lane.type.name, actorId);
  const last = row && [...journal.eventsOf(row)].at(-1);
  if (last === undefined) return undefined;
  const { stored: observation, ...delivery } = storedDelivery(lane, actorId, last);
  const actor = findOrFail(() => actors.findAnew(lane, actorId, last.storedAtMs));
  return actor instanceof ReplayError ? undefined : { delivery, observation, actor, isHeld: true };
}

/** What it has heard in this batch goes into its row, by which its events are found. */
function saveHeard(journal: Journal, { lane, actorId }: Waiting, { touched, tallies }: Batch): void {
  for (const actor of touched) {
    if (actor.id !== actorId || actor.lane.type !== lane.type) continue;
    saveActor(actor, journal, tallies);
    touched.delete(actor);
  }
}

/** What a transition has led to is written. */
function follow(arrival: Arrival, transition: Transition, hearing: Hearing, batch: Batch): Pick<Handled, "held"> {
  const { actor, isHeld, delivery, observation } = arrival;
  if (transition.kind === "held" || transition.kind === "error") {
    batch.touched.add(actor);
    return hearing.hold(arrival, transition.error, batch);
  }
  if (isHeld) hearing.mend(arrival, batch);
  if (transition.conclusion !== undefined) {
    batch.touched.add(actor);
    hearing.decide(actor, { delivery, observation, conclusion: transition.conclusion }, batch);
  }
  return {};
}

/** The event types it has heard, asked of the store once for as long as it is in memory. */
function heardBy(journal: Journal, actor: HotActor, event?: Observation): () => ReadonlySet<string> {
  return () => {
    actor.heardTypes ??= new Set(journal.heardTypes(actor, Object.keys(actor.lane.type.events)));
    return event === undefined ? actor.heardTypes : actor.heardTypes.add(event.type);
  };
}

/** All its actor has heard, got only when it is asked for. */
function pastOf(known: KnownFacts, { actor }: Arrival, batch: Batch, but?: Observation): Past {
  return (after) => {
    const events = known.of(actor, after, but);
    const name = actorName(actor.lane, actor.id);
    batch.folded.set(name, (batch.folded.get(name) ?? 0) + events.length);
    return events;
  };
}

function damaged({ eventId }: Observation): ReplayError {
  return new ReplayError(`stored event ${eventId} cannot be read`);
}

function tooLate(actorType: ActorType, { type, timestamp }: Observation): Rejected {
  const { name, latenessMs } = actorType;
  const bound =
    latenessMs === undefined
      ? `before the newest ${maxFactsOf(actorType)} events of its actor; raise maxFacts of ${name}, or give it latenessMs`
      : `more than ${latenessMs} ms before the newest event`;
  return reject("too_late", `timestamp: ${timestamp} of ${type} is ${bound}`);
}

/** A tick that was stored before its time, or about an actor nothing is known of. */
function isToBeIgnored({ actor, delivery, observation }: Arrival): boolean {
  return actor.events === 0 || delivery.storedAtMs < Date.parse(observation.timestamp);
}

function passedBy({ actor, observation, delivery }: Arrival): string | undefined {
  const { type, timestamp } = observation;
  return passedAfter(actor.lane.type, { type, timestamp, storedAtMs: delivery.storedAtMs });
}
