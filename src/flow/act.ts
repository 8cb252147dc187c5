import type { ActorType } from "../actor/actor-type.ts";
import { TIME_PASSED } from "../actor/delays.ts";
import { type Rejected, reject } from "../wire/rejection.ts";
import type { Arrival } from "./arrival.ts";
import { actorName, type Batch } from "./batch.ts";
import type { Handled } from "./batch-result.ts";
import type { Observation } from "./delivery.ts";
import { eventRow } from "./event-row.ts";
import { createFirstDerivations } from "./first-derivations.ts";
import type { Hearing } from "./hearing.ts";
import type { Past } from "./hosts/fact.ts";
import type { Journal } from "./journal.ts";
import { passedAfter, readPast } from "./rebuild.ts";
import { type Transition, transit } from "./transit.ts";

/** The second half of the path. */
export interface Act {
  /** Lets a message act on its actor: recognise duplicates -> transition -> note the outcome -> decide. */
  hear(arrival: Arrival, hearing: Hearing, batch: Batch): Handled;
  /** Concludes once more from what an actor knows. @param arrival - the last that it heard. */
  retry(arrival: Arrival, hearing: Hearing, batch: Batch): void;
}

export function createAct(journal: Journal): Act {
  const tryFirst = createFirstDerivations();
  return {
    hear: arrive,
    retry: (arrival, hearing, batch) => void pass(arrival, hearing, batch),
  };

  function arrive(arrival: Arrival, hearing: Hearing, batch: Batch): Handled {
    const { delivery, observation, actor } = arrival;
    batch.stirred.add(actor);
    const isTick = observation.type === TIME_PASSED;
    if (isTick && isToBeIgnored(arrival)) {
      hearing.count(actor, "ignored", batch);
      return { delivery, outcome: "ignored", observation };
    }
    const recorded = journal.recordEvent(eventRow(actor.key, delivery, observation));
    if (recorded === "again") return { delivery, outcome: "skipped", observation };
    if (recorded === "new" && !isTick) return hearFact(arrival, hearing, batch);
    const outcome = recorded === "new" ? "tick" : recorded;
    hearing.count(actor, outcome, batch);
    if (outcome === "tick") journal.markOutcome(actor.key, observation, outcome, 0);
    const passed = passedBy(arrival);
    // Even what was heard before says that time has passed.
    const held = passed === undefined ? {} : pass(arrival, hearing, batch, passed);
    return { ...held, delivery, outcome, observation };
  }

  function hearFact(arrival: Arrival, hearing: Hearing, batch: Batch): Handled {
    const { delivery, observation, actor, isHeld } = arrival;
    const [from, event] = [actor.live.state(), observation];
    const past = allOf(journal, arrival, batch, observation);
    if (actor.live.isTooLate(event)) {
      journal.forgetEvent(actor.key, observation);
      return hearing.reject(delivery, tooLate(actor.lane.type, observation), batch);
    }
    const dependsOn = tryFirst(actor, event, past);
    const transition = transit(actor, { event, passed: passedBy(arrival), past, isHeld });
    if (transition.kind === "error") {
      journal.forgetEvent(actor.key, observation);
      return hearing.fail(delivery, observation, transition.error, batch);
    }
    actor.live.settle(event, delivery.storedAtMs, allOf(journal, arrival, batch));
    const outcome = transition.kind as Exclude<typeof transition.kind, "passed">;
    const replayed = transition.kind === "held" ? 0 : transition.replayed;
    batch.touched.add(actor);
    hearing.count(actor, outcome, batch);
    hearing.move(actor, from, batch);
    actor.events++;
    actor.updatedAtMs = delivery.storedAtMs;
    if (outcome !== "applied") journal.markOutcome(actor.key, observation, outcome, replayed);
    const held = follow(arrival, transition, hearing, batch);
    return { ...held, delivery, outcome, observation, replayed, ...(dependsOn !== undefined && { dependsOn }) };
  }

  function pass(arrival: Arrival, hearing: Hearing, batch: Batch, passed?: string): Pick<Handled, "held"> {
    const { actor, isHeld } = arrival;
    const from = actor.live.state();
    // Also when nothing follows: what it waits for now is written.
    batch.touched.add(actor);
    const transition = transit(actor, { passed, past: allOf(journal, arrival, batch), isHeld });
    hearing.move(actor, from, batch);
    return follow(arrival, transition, hearing, batch);
  }

  function follow(arrival: Arrival, transition: Transition, hearing: Hearing, batch: Batch): Pick<Handled, "held"> {
    const { actor, isHeld, ...heard } = arrival;
    if (transition.kind === "held" || transition.kind === "error") {
      batch.touched.add(actor);
      return hearing.hold(arrival, transition.error, batch);
    }
    if (isHeld) hearing.mend(arrival, batch);
    if (transition.conclusion !== undefined) {
      batch.touched.add(actor);
      hearing.decide(actor, { ...heard, conclusion: transition.conclusion }, batch);
    }
    return {};
  }
}

/** All its actor has heard, read only when it is asked for. */
function allOf(journal: Journal, arrival: Arrival, batch: Batch, but?: Observation): Past {
  const { actor } = arrival;
  return (after) => {
    const events = readPast(actor.lane.type, journal.eventsOf(actor.key, after?.timestamp), but);
    const name = actorName(actor.lane, actor.id);
    batch.folded.set(name, (batch.folded.get(name) ?? 0) + events.length);
    return events;
  };
}

function tooLate({ latenessMs }: ActorType, { type, timestamp }: Observation): Rejected {
  return reject("too_late", `timestamp: ${timestamp} of ${type} is more than ${latenessMs} ms before the newest event`);
}

/** A tick that was stored before its time, or about an actor nothing is known of. */
function isToBeIgnored({ actor, delivery, observation }: Arrival): boolean {
  return actor.events === 0 || delivery.storedAtMs < Date.parse(observation.timestamp);
}

function passedBy({ actor, observation, delivery }: Arrival): string | undefined {
  const { type, timestamp } = observation;
  return passedAfter(actor.lane.type, { type, timestamp, storedAtMs: delivery.storedAtMs });
}
