import type { Lane } from "../wire/lanes.ts";
import type { Rejected } from "../wire/rejection.ts";
import type { Arrival } from "./arrival.ts";
import type { Batch } from "./batch.ts";
import type { Handled, Outcome } from "./batch-result.ts";
import { decide, type Heard } from "./decide.ts";
import type { Delivery, Observation } from "./delivery.ts";
import type { HotActor } from "./hot-actors.ts";
import type { Journal } from "./journal.ts";
import type { Setbacks } from "./setbacks.ts";
import type { Tallies } from "./tallies.ts";

/** What an event does beside acting on its actor. */
export interface Hearing {
  reject(delivery: Delivery, rejected: Rejected, batch: Batch): Handled;
  /** Its actor is in quarantine. */
  park(delivery: Delivery, observation: Observation, batch: Batch): Handled;
  /** Its actor failed on it. */
  fail(delivery: Delivery, observation: Observation, cause: Error, batch: Batch): Handled;
  /** Its actor's facts cannot be folded now, or its rules fail on them: they are kept. */
  hold(arrival: Arrival, cause: Error, batch: Batch): Pick<Handled, "held">;
  /** All is well again with an actor that was held. */
  mend(arrival: Arrival, batch: Batch): void;
  count(actor: HotActor, outcome: Outcome, batch: Batch): void;
  /** The actor's state before the event. */
  move(actor: HotActor, from: string, batch: Batch): void;
  decide(actor: HotActor, heard: Heard, batch: Batch): void;
}

/** The three times at which an event is heard. */
export interface Hearings {
  /** For the first time. */
  readonly now: Hearing;
  /** Before, and kept back: it was told as a dead letter then, and counted as parked. */
  readonly parked: Hearing;
  /** Before, and applied, but its effects were given up since: it was counted and decided on then. */
  readonly past: Hearing;
}

/** An open batch of events that were heard before. */
export interface Again {
  /** Applies an event whose effects were given up. Nothing is counted or decided: both were done when it was new. */
  past(delivery: Delivery): Handled;
  /** Applies an event that was kept back. */
  parked(delivery: Delivery): void;
  /** Applies what is kept back of an actor; what is more than its share follows with later batches. */
  catchUp(lane: Lane, actorId: string): void;
  /** Folds all that an actor has heard once more, and concludes from it. Nothing when it has heard nothing. */
  retry(lane: Lane, actorId: string): void;
  /** Dead-letters an event that was kept back. */
  dismiss(delivery: Delivery, rejected: Rejected): void;
  readonly tallies: Tallies;
}

export function createHearings(journal: Journal, setbacks: Setbacks): Hearings {
  const now: Hearing = {
    reject: setbacks.reject,
    park: setbacks.park,
    fail: (delivery, observation, cause, batch) =>
      setbacks.reject(delivery, setbacks.quarantine(delivery, observation, cause, batch), batch),
    hold: setbacks.hold,
    mend: setbacks.mend,
    count: (actor, outcome, batch) => batch.tallies.add(actor.lane, "events", 1, outcome),
    move: noteMoves,
    decide: (actor, heard, batch) => decide(journal, actor, heard, batch),
  };
  const parked: Hearing = {
    ...now,
    park: setbacks.parkAgain,
    fail: (delivery, observation, cause, batch) => ({
      delivery,
      outcome: "rejected",
      rejected: setbacks.quarantine(delivery, observation, cause, batch),
    }),
  };
  const past: Hearing = {
    ...now,
    reject: (delivery, rejected) => ({ delivery, outcome: "rejected", rejected }),
    park: setbacks.parkAgain,
    count() {},
    move() {},
    decide() {},
  };
  return { now, parked, past };
}

function noteMoves(actor: HotActor, from: string, { moves }: Batch): void {
  const type = actor.lane.type.name;
  const to = actor.live.state();
  if (actor.events === 0) moves.push({ type, from: null, to: from });
  if (to !== from) moves.push({ type, from, to });
}
