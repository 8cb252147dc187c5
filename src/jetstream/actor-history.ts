import type { JetStreamManager } from "@nats-io/jetstream";
import { type Delivery, toDelivery } from "../flow/delivery.ts";
import type { History } from "../flow/retired.ts";
import type { Lane } from "../wire/lanes.ts";
import { messagesBySubject, messagesOn } from "./leader-reader.ts";
import { decisionsOn } from "./published-decisions.ts";

/** Reads what the streams hold of one actor, from the leaders. @param upTo - its events up to this stream sequence. */
export async function readActorHistory(
  jsm: JetStreamManager,
  lane: Lane,
  actorId: string,
  upTo: number,
): Promise<History> {
  const deliveries: Delivery[] = [];
  for await (const message of messagesOn(jsm, lane.stream, eventsOf(lane, actorId))) {
    if (message.sequence > upTo) break;
    deliveries.push(toDelivery(lane, message));
  }
  const { decisions } = await decisionsOn(jsm, lane.type, actorId);
  return { deliveries, decisions };
}

/**
 * As {@link readActorHistory}, and nobody who publishes is held up. It believes whoever answers which subjects there are: a
 * server that has lost sight of the majority may leave some out.
 */
export async function glanceAtHistory(
  jsm: JetStreamManager,
  lane: Lane,
  actorId: string,
  upTo: number,
): Promise<History> {
  const messages = await messagesBySubject(jsm, lane.stream, eventsOf(lane, actorId));
  const { decisions } = await decisionsOn(jsm, lane.type, actorId);
  const due = messages.filter(({ sequence }) => sequence <= upTo);
  return { deliveries: due.map((message) => toDelivery(lane, message)), decisions };
}

function eventsOf(lane: Lane, actorId: string): string {
  return `${lane.type.collection}.${lane.partition}.${actorId}.*`;
}
