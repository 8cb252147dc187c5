import type { InspectionEvent, Snapshot } from "xstate";
import type { ActorEvent, ActorType } from "../actor/actor-type.ts";
import { createBoundedActor } from "../actor/bounded-actor.ts";
import { TIME_PASSED } from "../actor/delays.ts";
import type { LiveActor } from "../flow/hosts/live-actor.ts";
import { createTeller, type Telling } from "./inspection-messages.ts";

/** An actor beside the one in use, led through the same events so that every move of it can be told. */
export interface InspectedActor {
  /** @param atMs - stream time of the event. @param passed - how far time has passed with it, see `passedAfter`. */
  send(event: ActorEvent, atMs: number, passed?: string): void;
}

/**
 * Starts an actor that tells what XState says about it: first itself with its machine, then each event and snapshot.
 *
 * @param snapshot - XState's persisted snapshot to start from; undefined is the initial state.
 */
export function startInspectedActor(
  type: ActorType,
  actorId: string,
  snapshot: Snapshot<unknown> | undefined,
  telling: Telling,
): InspectedActor {
  const teller = createTeller(type, actorId, telling);

  function inspect(inspected: InspectionEvent): void {
    // Machines have no children, and microsteps and actions are not part of the protocol.
    if (inspected.type === "@xstate.event") teller.event(inspected.event);
    else if (inspected.type === "@xstate.snapshot") teller.snapshot(inspected.event, inspected.snapshot);
  }

  const from = snapshot === undefined ? { input: { id: actorId } } : { snapshot };
  const actor = createBoundedActor(type.machine, { inspect, ...from });
  // Without an observer XState reports a failed actor as an uncaught exception; the snapshot told says it too.
  actor.subscribe({ error: () => {} });
  teller.actor(actor.getSnapshot());
  actor.start();
  return {
    send(event, eventAtMs) {
      teller.at(eventAtMs);
      actor.send(event);
    },
  };
}

/**
 * The same of an actor by event time: after each event, where its fold ends now.
 *
 * @param live - at the moment from which it is told.
 * @param past - all it has heard by then.
 */
export function startInspectedFold(
  type: ActorType,
  actorId: string,
  { live, past, ...telling }: Telling & { readonly live: LiveActor; readonly past: readonly ActorEvent[] },
): InspectedActor {
  const teller = createTeller(type, actorId, telling);
  const heard = [...past];
  const now = () => {
    const { status, value, context, output } = live.snapshot();
    return { status, value, context, output, historyValue: {}, children: {} };
  };
  teller.actor(now());
  return {
    send(event, eventAtMs, passed) {
      teller.at(eventAtMs);
      teller.event(event);
      if (event.type !== TIME_PASSED) {
        live.send(event, () => heard);
        heard.push(event);
      }
      if (passed !== undefined) live.pass(passed);
      teller.snapshot(event, now());
    },
  };
}
