import { TIME_PASSED } from "../actor/delays.ts";
import type { Arrival } from "./arrival.ts";
import type { Batch } from "./batch.ts";
import type { Handled } from "./batch-result.ts";
import { eventRow } from "./event-row.ts";
import type { Hearing } from "./hearing.ts";
import type { Past } from "./hosts/timeline.ts";
import type { Journal } from "./journal.ts";
import { passedAfter, readPast } from "./rebuild.ts";
import { type Transition, transit } from "./transit.ts";

/** Lets a message act on its actor: recognise duplicates -> transition -> note the outcome -> decide. */
export type Act = (arrival: Arrival, hearing: Hearing, batch: Batch) => Handled;

export function createAct(journal: Journal): Act {
  return (arrival, hearing, batch) => {
    const { delivery, observation, actor } = arrival;
    const isTick = observation.type === TIME_PASSED;
    if (isTick && (actor.events === 0 || delivery.storedAtMs < Date.parse(observation.timestamp))) {
      hearing.count(actor, "ignored", batch);
      return { delivery, outcome: "ignored", observation };
    }
    const recorded = journal.recordEvent(eventRow(actor.key, delivery, observation));
    if (recorded === "again") return { delivery, outcome: "skipped", observation };
    if (recorded === "new" && !isTick) return hear(arrival, hearing, batch);
    const outcome = recorded === "new" ? "tick" : recorded;
    hearing.count(actor, outcome, batch);
    if (outcome === "tick") journal.markOutcome(actor.key, observation, outcome, 0);
    return { ...pass(arrival, hearing, batch), delivery, outcome, observation };
  };

  function hear(arrival: Arrival, hearing: Hearing, batch: Batch): Handled {
    const { delivery, observation, actor, isHeld } = arrival;
    const from = actor.live.state();
    const event = observation;
    const transition = transit(actor, { event, passed: passedBy(arrival), past: pastOf(arrival), isHeld });
    if (transition.kind === "error") {
      journal.forgetEvent(actor.key, observation);
      return hearing.fail(delivery, observation, transition.error, batch);
    }
    const outcome = transition.kind as Exclude<typeof transition.kind, "passed">;
    const replayed = transition.kind === "held" ? 0 : transition.replayed;
    batch.touched.add(actor);
    hearing.count(actor, outcome, batch);
    hearing.move(actor, from, batch);
    actor.events++;
    actor.updatedAtMs = delivery.storedAtMs;
    if (outcome !== "applied") journal.markOutcome(actor.key, observation, outcome, replayed);
    return { ...follow(arrival, transition, hearing, batch), delivery, outcome, observation, replayed };
  }

  /** Even what was heard before says that time has passed. */
  function pass(arrival: Arrival, hearing: Hearing, batch: Batch): Pick<Handled, "held"> {
    const passed = passedBy(arrival);
    if (passed === undefined) return {};
    const { actor, isHeld } = arrival;
    const from = actor.live.state();
    const transition = transit(actor, { passed, past: pastOf(arrival), isHeld });
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

  /** All its actor has heard but this, read only when it is asked for. */
  function pastOf({ actor, observation }: Arrival): Past {
    return () => readPast(actor.lane.type, journal.eventsOf(actor.key), observation);
  }
}

function passedBy({ actor, observation, delivery }: Arrival): string | undefined {
  const { type, timestamp } = observation;
  return passedAfter(actor.lane.type, { type, timestamp, storedAtMs: delivery.storedAtMs });
}
