import { z } from "zod";
import type { ActorType } from "../actor/actor-type.ts";
import { instant } from "../actor/decision.ts";
import { TIME_PASSED } from "../actor/delays.ts";
import { eventSubject } from "./names.ts";

/*
 * A tick: the message that says up to when time has passed for an actor. natstate publishes it to the actor's own subject,
 * where the log keeps it like any event, so that a replay, another owner and a new store know the same.
 */

/** It has no fields of its own. */
export const TICK_FIELDS = z.object({});

/** Its envelope, which says less than that of an event. */
export const tickEnvelope = z.object({
  eventId: z.string().startsWith("time:").describe("time:<timestamp>"),
  timestamp: instant("When the delay ended, in event time; it has passed when this is stored."),
});

/** What it is known by: that two of them say the same is seen by their ids. */
export function tickId(due: string): string {
  return `time:${due}`;
}

/** `orders.<id>.TimePassed`. */
export function tickSubject(type: Pick<ActorType, "collection">, actorId: string): string {
  return eventSubject(type, actorId, TIME_PASSED);
}

/**
 * @param due - when a delay of the actor ended, normalised event time.
 * @returns its body as JSON.
 */
export function encodeTick({ idField }: Pick<ActorType, "idField">, actorId: string, due: string): string {
  return JSON.stringify({ [idField]: actorId, eventType: TIME_PASSED, eventId: tickId(due), timestamp: due });
}
